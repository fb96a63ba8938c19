//! Builds the programs behind the commands and becomes them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Context, Failure, Result};

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
}

/// The cargo that started this program, as if started by the user.
pub(crate) fn cargo() -> Command {
    as_if_by_the_user(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// A program without what `cargo run` told this one about its own package: a cargo that hears it would make build
/// scripts believe that something has changed.
fn as_if_by_the_user(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let told = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_NAME",
        ];
        if name
            .to_str()
            .is_some_and(|name| told.iter().any(|start| name.starts_with(start)))
        {
            command.env_remove(name);
        }
    }
    command
}

/// What cargo is asked for: `taper` without downloads, whose HTTP and TLS would be half of the build.
const TAPER_BUILD: [&str; 7] = [
    "build",
    "--release",
    "--package",
    "taper-experiments",
    "--bin",
    "taper",
    "--no-default-features",
];

/// Builds `taper` and hands over to it: its exit code and the user's Ctrl-C are its own affair.
pub(crate) fn taper(arguments: &[OsString]) -> Result {
    let downloads = arguments.iter().take(2).eq(["data", "fetch"]);
    let asked = match downloads {
        true => &TAPER_BUILD[..TAPER_BUILD.len() - 1],
        false => &TAPER_BUILD,
    };
    let program = build("taper", asked)?;
    become_program(
        Command::new(program)
            .args(arguments)
            .env("TAPER_LAUNCHER", "cargo xtask"), // in what it tells its user to call
    )
}

/// Builds `taper-measure`, which knows all there is to measure, and hands over to it.
pub(crate) fn measure(arguments: &[OsString]) -> Result {
    let program = build(
        "taper-measure",
        &["build", "--release", "--package", "taper-measure"],
    )?;
    become_program(as_if_by_the_user(program).args(arguments))
}

/// Builds the program `name` by these arguments of cargo, whose progress is visible, and returns its path.
fn build(name: &str, asked: &[&str]) -> Result<PathBuf> {
    let output = cargo()
        .current_dir(root())
        .args(asked)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context(format!("start cargo to build {name}"))?;
    if !output.status.success() {
        return Err(Failure::failed(format!(
            "{name} could not be built; cargo says why above"
        )));
    }
    // The path comes from cargo itself: target folders can be moved by settings we do not know.
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .rev()
        .filter(|line| line.contains("\"compiler-artifact\""))
        .find_map(|line| string_field(line, "executable"))
        .map(PathBuf::from)
        .ok_or_else(|| Failure::failed(format!("cargo built {name} but did not say where")))
}

/// Replaces this process, so that signals reach the program and its exit code the caller.
#[cfg(unix)]
pub(crate) fn become_program(command: &mut Command) -> Result {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(Failure::failed(format!(
        "start {:?}: {error}",
        command.get_program()
    )))
}

/// Runs the program and passes on its exit code. The console sends Ctrl-C to both; who handles it there is the program.
#[cfg(not(unix))]
pub(crate) fn become_program(command: &mut Command) -> Result {
    let status = command
        .status()
        .context(format!("start {:?}", command.get_program()))?;
    std::process::exit(status.code().unwrap_or(1))
}

/// The string under `key` in one line of JSON, outermost or not; `None` when it is absent or null.
fn string_field(line: &str, key: &str) -> Option<String> {
    let start = line.find(&format!("\"{key}\":\""))? + key.len() + 4;
    let mut text = String::new();
    let mut characters = line[start..].chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(match characters.next()? {
                'n' => '\n',
                't' => '\t',
                'u' => {
                    let digits: String = characters.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                other => other,
            }),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::string_field;

    #[test]
    fn reads_the_path_that_cargo_prints() {
        let line = r#"{"reason":"compiler-artifact","executable":"C:\\tar \"get\\taper.exe","fresh":true}"#;
        assert_eq!(
            string_field(line, "executable").as_deref(),
            Some(r#"C:\tar "get\taper.exe"#)
        );
        assert_eq!(string_field(r#"{"executable":null}"#, "executable"), None);
        assert_eq!(string_field(r#"{"executable":"cut"#, "executable"), None);
    }
}
