//! How to go on: the command that resumes a run, as a shell reads it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::shell::{quoted, quoted_path};

/// Says how the user started the program, where that was through another: set by `cargo xtask`.
const LAUNCHER: &str = "TAPER_LAUNCHER";
/// What the results or the data of a run depend on beside its arguments.
const VARIABLES: [&str; 2] = ["TAPER_SIMD", "TAPER_FIXTURES"];

/// The command that resumes the run in `folder`, with data from `data_dir` if it was given, and with `others`, options
/// that were given.
pub(super) fn command(folder: &Path, data_dir: Option<&Path>, others: &[String]) -> String {
    let mut words: Vec<String> = VARIABLES
        .into_iter()
        .filter_map(|name| Some(format!("{name}={}", quoted(&std::env::var_os(name)?))))
        .collect();
    let launcher = std::env::var(LAUNCHER).ok();
    words.push(program(launcher.as_deref(), std::env::args_os().next()));
    words.push("train --resume".into());
    words.push(quoted_path(folder));
    if let Some(folder) = data_dir {
        words.push(format!("--data-dir {}", quoted_path(folder)));
    }
    words.extend_from_slice(others);
    words.join(" ")
}

fn program(launcher: Option<&str>, first: Option<OsString>) -> String {
    match launcher {
        Some(launcher) if !launcher.is_empty() => launcher.to_owned(),
        _ => quoted(first.as_deref().unwrap_or(OsStr::new("taper"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_called_as_it_was() {
        let first = || Some("/my programs/taper".into());
        assert_eq!(program(Some("cargo xtask"), first()), "cargo xtask");
        assert_eq!(program(None, first()), "'/my programs/taper'");
        assert_eq!(program(Some(""), None), "taper");
    }

    #[test]
    fn what_was_given_is_given_again() {
        let others = ["--threads 2".to_owned()];
        let told = command(
            Path::new("-my runs/a"),
            Some(Path::new("it's data")),
            &others,
        );
        assert!(
            told.ends_with(r"train --resume './-my runs/a' --data-dir 'it'\''s data' --threads 2"),
            "{told}"
        );
    }
}
