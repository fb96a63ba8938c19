//! The launcher becomes the program that it builds: exit codes, signals and arguments are the program's own.
#![cfg(unix)]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder of this test's own, with what stands in for cargo and for `taper`.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, program: &str) -> Place {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("launch-{name}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let place = Place(folder);
        let taper = place.script("taper", program);
        // Cargo says on its standard output where the program is.
        let built = format!(
            r#"printf '%s\n' '{{"reason":"compiler-artifact","executable":"{}"}}'"#,
            taper.display()
        );
        place.script("cargo", &built);
        place
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, all).expect("a mode");
        path
    }

    fn xtask(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.env("CARGO", self.0.join("cargo"));
        command
    }
}

#[test]
fn exit_codes_are_passed_on() {
    let place = Place::new("codes", r#"exit "$2""#);
    for code in [0, 1, 2, 130, 143] {
        let status = place.xtask().args(["train", &code.to_string()]).status();
        assert_eq!(status.expect("it starts").code(), Some(code));
    }
}

#[test]
fn arguments_arrive_as_they_are_and_with_them_who_launched() {
    let place = Place::new(
        "arguments",
        r#"printf '%s|%s|%s' "$1" "$2" "$TAPER_LAUNCHER""#,
    );
    let name = OsStr::from_bytes(b"caf\xe9 $x\n'");
    let output = place.xtask().arg("inspect").arg(name).output();
    let expected = [b"inspect|", name.as_bytes(), b"|cargo xtask"].concat();
    assert_eq!(output.expect("it starts").stdout, expected);
}

#[test]
fn a_signal_reaches_the_program() {
    // What saves before it ends: the launcher must not be gone before.
    let place = Place::new(
        "signal",
        "trap 'sleep 0.2; echo saved; exit 143' TERM\necho ready\nwhile :; do sleep 0.05; done",
    );
    let mut child = place
        .xtask()
        .arg("train")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    assert_eq!(line(), "ready");
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
    assert_eq!(line(), "saved");
    assert_eq!(child.wait().expect("an end").code(), Some(143));
}
