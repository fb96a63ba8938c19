//! Builds programs of the workspace and starts them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow, bail};
use serde_json::Value;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("benches/measure lies in the workspace")
}

/// The cargo that started `cargo xtask`, which has hidden from us what it was told about its own package.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// What cargo is asked for: `taper` without downloads, as `cargo xtask train` asks for it.
pub(crate) const TAPER_BUILD: [&str; 7] = [
    "build",
    "--release",
    "--package",
    "taper-experiments",
    "--bin",
    "taper",
    "--no-default-features",
];

/// Builds the release `taper`, with cargo's progress visible, and returns its path.
pub(crate) fn build_taper() -> anyhow::Result<PathBuf> {
    build("taper", cargo().current_dir(root()).args(TAPER_BUILD))
}

/// Runs a cargo command that builds the program `name`, and returns its path.
pub(crate) fn build(name: &str, command: &mut Command) -> anyhow::Result<PathBuf> {
    let output = command
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("start cargo to build {name}"))?;
    if !output.status.success() {
        bail!("{name} could not be built; cargo says why above");
    }
    // The path comes from cargo itself: target folders can be moved by settings we do not know.
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .rev()
        .find_map(executable)
        .ok_or_else(|| anyhow!("cargo built {name} but did not say where"))
}

/// Replaces this process, so that signals reach the program and its exit code the caller.
#[cfg(unix)]
pub(crate) fn become_program(command: &mut Command) -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(error).with_context(|| format!("start {:?}", command.get_program()))
}

/// Runs the program and passes on its exit code (the console sends Ctrl-C to it as well).
#[cfg(not(unix))]
pub(crate) fn become_program(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("start {:?}", command.get_program()))?;
    std::process::exit(status.code().unwrap_or(1))
}

/// The program that a message of cargo names.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    message["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::{executable, root};
    use std::path::Path;

    #[test]
    fn reads_the_path_that_cargo_prints() {
        let line = r#"{"reason":"compiler-artifact","executable":"C:\\tar \"get\\taper.exe","fresh":true}"#;
        assert_eq!(
            executable(line).as_deref(),
            Some(Path::new(r#"C:\tar "get\taper.exe"#))
        );
        for line in [
            r#"{"reason":"compiler-artifact","executable":null}"#,
            r#"{"reason":"build-finished","executable":"x"}"#,
            r#"{"reason":"compiler-artifact","executable":"cut"#,
        ] {
            assert_eq!(executable(line), None, "{line}");
        }
    }

    #[test]
    fn the_workspace_is_found() {
        assert!(root().join("benches/measure/Cargo.toml").is_file());
        assert!(root().join("Cargo.lock").is_file());
    }
}
