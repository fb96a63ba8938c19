//! How output looks: the one place that decides whether anything may be drawn, and which letters there are.
//!
//! "Is a terminal" is not "can draw": bars and coloured pictures need one that moves its cursor and shows colours, which
//! `TERM=dumb`, no `TERM` and `NO_COLOR` deny.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::sync::LazyLock;

/// Whether standard output is a terminal, of whatever kind, or was one when this was first asked.
pub fn is_terminal() -> bool {
    static TERMINAL: LazyLock<bool> = LazyLock::new(|| std::io::stdout().is_terminal());
    *TERMINAL
}

/// Whether bars, colours and pictures of half blocks may be drawn on standard output. Where not, there are plain lines
/// and pictures in letters.
#[must_use]
pub fn draws() -> bool {
    static DRAWS: LazyLock<bool> = LazyLock::new(|| {
        let variable = |name: &str| std::env::var_os(name);
        is_terminal()
            && can_draw(
                variable("TERM").as_deref(),
                variable("NO_COLOR").as_deref(),
                cfg!(windows),
            )
            && utf8()
    });
    *DRAWS
}

/// The text in letters that the user's locale has: as it is in UTF-8, and where the locale says nothing.
#[must_use]
pub fn letters(text: &str) -> Cow<'_, str> {
    if utf8() || text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(in_ascii(text))
    }
}

/// A terminal without a name, a dumb one, or a user who wants no colours. Terminals of Windows have no name.
fn can_draw(term: Option<&OsStr>, no_color: Option<&OsStr>, nameless: bool) -> bool {
    let named = match term {
        None => nameless,
        Some(name) => !name.is_empty() && name != "dumb",
    };
    // An empty NO_COLOR counts as none: https://no-color.org.
    named && no_color.is_none_or(OsStr::is_empty)
}

fn utf8() -> bool {
    static UTF8: LazyLock<bool> = LazyLock::new(|| {
        // The first that is set and not empty decides, as POSIX has it.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .filter_map(std::env::var_os)
            .find(|value| !value.is_empty());
        locale.is_none_or(|locale| is_utf8(&locale.to_string_lossy()))
    });
    *UTF8
}

/// Whether a locale such as `de_DE.UTF-8` is one of UTF-8. On systems other than Unix its name says nothing of it.
fn is_utf8(locale: &str) -> bool {
    let lower = locale.to_ascii_lowercase();
    cfg!(not(unix)) || lower.contains("utf-8") || lower.contains("utf8")
}

/// What the program itself prints beyond ASCII, in letters that every locale has. What users wrote stays as it is.
fn in_ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        plain.push_str(match letter {
            '─' | '━' | '–' | '—' | '−' => "-",
            '→' => ">",
            '±' => "+/-",
            '×' => "x",
            '·' => "*",
            '…' => "...",
            '“' | '”' => "\"",
            '‘' | '’' => "'",
            'µ' => "u",
            '²' => "^2",
            '≤' => "<=",
            '≥' => ">=",
            other => {
                plain.push(other);
                continue;
            }
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_that_can_draw_is_drawn_on() {
        let draws = |term: Option<&'static str>, no_color: Option<&'static str>| {
            can_draw(term.map(OsStr::new), no_color.map(OsStr::new), false)
        };
        assert!(draws(Some("xterm-256color"), None) && draws(Some("xterm"), Some("")));
        for (term, no_color) in [
            (None, None),
            (Some(""), None),
            (Some("dumb"), None),
            (Some("xterm"), Some("1")),
            (Some("xterm"), Some("0")),
        ] {
            assert!(
                !draws(term, no_color),
                "TERM {term:?} NO_COLOR {no_color:?}"
            );
        }
        assert!(can_draw(None, None, true) && !can_draw(Some(OsStr::new("dumb")), None, true));
    }

    #[test]
    #[cfg(unix)]
    fn a_locale_says_which_letters_there_are() {
        for locale in ["C.UTF-8", "de_DE.UTF-8", "en_US.utf8@euro"] {
            assert!(is_utf8(locale), "{locale}");
        }
        for locale in ["C", "POSIX", "de_DE", "de_DE.ISO-8859-15", "ja_JP.eucJP"] {
            assert!(!is_utf8(locale), "{locale}");
        }
        assert_eq!(
            in_ascii("─── → 1 ± 2 … “Łódź”"),
            "--- > 1 +/- 2 ... \"Łódź\""
        );
    }
}
