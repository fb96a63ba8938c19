//! What is printed: by one writer a program, never by the macros that panic when nobody reads.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The only files that name the streams: writers, tests and examples of documentation aside.
const WRITERS: [&str; 4] = [
    "crates/experiments/src/console/mod.rs",
    "xtask/src/output.rs",
    // An example shows how it is done without us.
    "crates/checkpoint/examples/contents.rs",
    // A program of its own, without our crates: candle and burn as they are used by others.
    "benches/peers/rust/src/lib.rs",
];

/// What panics when its reader is gone.
const MACROS: [&str; 4] = ["println!", "print!", "eprintln!", "eprint!"];

#[test]
fn nothing_is_printed_but_by_the_writers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "benches"] {
        collect(&root.join(folder), &mut files);
    }
    assert!(files.len() > 100, "{} files", files.len());
    let mut found = Vec::new();
    for path in files {
        let name = path
            .strip_prefix(root)
            .expect("below the root")
            .display()
            .to_string();
        // Programs that show how others use the crates print as everybody's do.
        let shows = ["crates/taper/examples/", "crates/experiments/examples/"];
        if shows.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        for (number, line) in code(&text) {
            let bare = line.trim_start();
            let stream = ["io::stdout()", "io::stderr()"]
                .iter()
                .any(|stream| line.contains(stream) && !line.contains("is_terminal()"))
                // Handed to another program, not written to.
                && !line.contains(".stdout(") && !line.contains(".stderr(");
            let printed = MACROS.iter().any(|name| bare.contains(name));
            if printed || stream && !WRITERS.contains(&name.as_str()) {
                found.push(format!("{name}:{number}: {bare}"));
            }
        }
    }
    assert!(
        found.is_empty(),
        "use the program's writer:\n{}",
        found.join("\n")
    );
}

/// The lines of a file before its unit tests, numbered, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    lines
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Rust files of programs, libraries and examples; those of tests print for whoever runs them.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "tests" | "target") {
                collect(&path, files);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

#[test]
fn the_launcher_bears_a_reader_that_leaves() {
    let xtask = || Command::new(env!("CARGO_BIN_EXE_xtask"));
    for (arguments, code) in [(&["--help"][..], 0), (&[], 0), (&["no such command"], 2)] {
        let mut child = xtask()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(
            child.wait().expect("an end").code(),
            Some(code),
            "{arguments:?}"
        );
    }
    let mut child = xtask().stdout(Stdio::piped()).spawn().expect("it starts");
    let first = BufReader::new(child.stdout.take().expect("a pipe"))
        .lines()
        .next();
    assert!(first.is_some_and(|line| line.is_ok_and(|line| line.contains("Taper"))));
    assert!(child.wait().expect("an end").success());
}

#[cfg(unix)]
#[test]
fn the_launcher_cannot_say_that_it_printed_on_a_full_disk() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        return;
    };
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .stdout(full)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("standard output"), "{said}");
}
