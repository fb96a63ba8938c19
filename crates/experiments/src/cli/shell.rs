//! Words as a shell reads them, so that a command that is shown can be copied and run.

use std::ffi::OsStr;
use std::path::Path;

/// A word in the form that every POSIX shell reads back as it is: bare where nothing in it means anything, else in
/// quotes; with control characters, or bytes that are no UTF-8, by `printf`, as a terminal would not show them.
pub(super) fn quoted(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_bare) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => format!("\"$(printf '{}')\"", escaped(word.as_encoded_bytes())),
    }
}

/// A path as a word that no program takes for an option.
pub(super) fn quoted_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut whole = std::ffi::OsString::new();
    if bytes.first() == Some(&b'-') {
        whole.push("./");
    }
    whole.push(path);
    if bytes.last() == Some(&b'\n') {
        // `$(…)` takes line ends away from the end.
        whole.push("/");
    }
    quoted(&whole)
}

fn is_bare(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '/' | '.' | '_' | '-' | '+' | ',' | ':' | '@')
}

/// Bytes as a format of `printf` within single quotes.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b' ' => {
                text.push(char::from(byte));
            }
            // A dash in front would be an option of `printf`, digits cannot follow three octal ones wrongly.
            other => text.push_str(&format!("\\{other:03o}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_bare_and_others_are_quoted() {
        for (word, shown) in [
            ("runs/small-20260131", "runs/small-20260131"),
            ("größer", "größer"),
            ("", "''"),
            ("my runs", "'my runs'"),
            ("it's", r"'it'\''s'"),
            ("$HOME;`x`*~\"\\", "'$HOME;`x`*~\"\\'"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), shown);
        }
        assert_eq!(quoted_path(Path::new("-x y")), "'./-x y'");
    }

    #[test]
    #[cfg(unix)]
    fn a_shell_reads_every_word_back() {
        use std::os::unix::ffi::OsStrExt;
        for bytes in [
            &b"plain"[..],
            b"",
            b"two words",
            b"'\"'$x`date`\\ %d %% {a,b} ~ # ! & | < > ( ) * ? [ ]",
            b"-dash",
            b"--resume",
            b"line\nend",
            b"\x1b[31mred\x7f",
            b"caf\xe9 \xff%s\\n",
            "Łódź “x”".as_bytes(),
            b"\xff1\x0123",
        ] {
            let script = format!("printf '%s' {}", quoted(OsStr::from_bytes(bytes)));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .expect("a shell");
            assert_eq!(output.stdout, bytes, "{script}");
        }
        let path = Path::new(OsStr::from_bytes(b"-ends with\n"));
        let script = format!("printf '%s' {}", quoted_path(path));
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .expect("a shell");
        assert_eq!(output.stdout, b"./-ends with\n/", "{script}");
    }
}
