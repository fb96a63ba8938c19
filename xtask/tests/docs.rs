//! Keeps README.md, ARCHITECTURE.md, CONTRIBUTING.md and what stands beside the benchmarks honest:
//! every path they name exists, and so does every command, with its options.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const DOCUMENTS: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "benches/peers/README.md",
    "benches/results/README.md",
];

/// Folders of the workspace; a word that starts with one of them and a slash is a path.
const FOLDERS: [&str; 6] = [
    ".ci/",
    "benches/",
    "crates/",
    "fixtures/",
    "xtask/",
    ".cargo/",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document))
        .unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// Every word of the document that looks like a path of this workspace, and every link to a file.
fn paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let separators = |c: char| c.is_whitespace() || "`()[]|,;\"'".contains(c);
    for word in text.split(separators) {
        let word = word.trim_end_matches(['.', ':']);
        let is_link =
            text.contains(&format!("]({word})")) && !word.contains("://") && !word.is_empty();
        let is_placeholder = word.contains(['<', '*', '…']);
        if (FOLDERS.iter().any(|folder| word.starts_with(folder)) || is_link) && !is_placeholder {
            paths.push(word.to_owned());
        }
    }
    paths
}

/// Every `cargo xtask …` of the document, as words: up to the end of the code span or the comment.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for (at, matched) in text.match_indices("cargo xtask") {
        let rest = &text[at + matched.len()..];
        let end = rest.find(['`', '#', '\n']).unwrap_or(rest.len());
        commands.push(rest[..end].split_whitespace().map(str::to_owned).collect());
    }
    commands
}

fn xtask(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .output()
        .expect("xtask starts")
}

/// The program `name` of `package`, built like the tests.
fn program(package: &str, name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What cargo tells this test about its package would make build scripts run again.
    for (name, _) in std::env::vars().filter(|(name, _)| {
        [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_NAME",
        ]
        .iter()
        .any(|start| name.starts_with(start))
    }) {
        command.env_remove(name);
    }
    let output = command
        .current_dir(root())
        .args(["build", "--package", package, "--bin", name])
        .arg("--message-format=json-render-diagnostics")
        .output()
        .expect("cargo starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mark = "\"executable\":\"";
    let line = text
        .lines()
        .rev()
        .find(|line| line.contains(mark))
        .unwrap_or_else(|| panic!("cargo says where {name} is"));
    let start = line.find(mark).expect("just found") + mark.len();
    let end = start + line[start..].find('"').expect("the string ends");
    line[start..end].replace("\\\\", "\\").into()
}

/// Who carries out what `xtask` is asked for.
struct Programs {
    taper: PathBuf,
    measure: PathBuf,
}

#[test]
fn paths_exist() {
    let mut count = 0;
    for document in DOCUMENTS {
        for path in paths(&read(document)) {
            assert!(
                root().join(&path).exists(),
                "{document} names {path}, which does not exist"
            );
            count += 1;
        }
    }
    assert!(
        count >= 30,
        "only {count} paths found: the search itself must be broken"
    );
}

#[test]
fn commands_exist_with_their_options() {
    let help = String::from_utf8(xtask(&["--help"]).stdout).expect("UTF-8");
    let programs = Programs {
        taper: program("taper-experiments", "taper"),
        measure: program("taper-measure", "taper-measure"),
    };
    let mut count = 0;
    for document in DOCUMENTS {
        for words in commands(&read(document)) {
            check_command(document, &words, &help, &programs);
            count += 1;
        }
    }
    assert!(
        count >= 15,
        "only {count} commands found: the search itself must be broken"
    );
}

/// The command stands in `cargo xtask --help`, and its options in the help of whoever carries it out.
fn check_command(document: &str, words: &[String], help: &str, programs: &Programs) {
    let Programs { taper, measure } = programs;
    let line = words.join(" ");
    // `cargo xtask` by itself, `cargo xtask --help` and `cargo xtask X` for "any command".
    let Some(command) = words
        .first()
        .filter(|word| !["--help", "X", "…", "<command>"].contains(&word.as_str()))
    else {
        return;
    };
    let listed = help
        .lines()
        .any(|l| l.starts_with("  ") && l.trim_start().split(' ').next() == Some(command));
    assert!(
        listed,
        "{document}: `cargo xtask {line}`: `cargo xtask --help` does not list {command}"
    );
    let options: Vec<&str> = words
        .iter()
        .filter(|w| w.starts_with("--"))
        .map(|w| w.as_str())
        .collect();
    let known = match (command.as_str(), words.get(1).map(String::as_str)) {
        ("test" | "ci", _) => return,
        (
            "bench",
            Some(
                word @ ("peers" | "step" | "epoch" | "curves" | "digest" | "graphs" | "fit"
                | "random" | "check"),
            ),
        ) => help_of(measure, &[word]),
        ("bench", Some(word)) if is_measure(measure, word) => help_of(measure, &[]),
        ("bench", Some(group)) => {
            let file = root().join("benches/benches").join(format!("{group}.rs"));
            assert!(
                file.exists() || group.starts_with('-'),
                "{document}: there is no benchmark {group}"
            );
            return;
        }
        ("bench", None) => return,
        ("soak", _) => help_of(measure, &["soak"]),
        ("ulp", _) => help_of(measure, &["ulp"]),
        ("data", Some(action)) if !action.starts_with('-') => help_of(taper, &[command, action]),
        _ => help_of(taper, &[command]),
    };
    for option in options {
        let option = option
            .split('=')
            .next()
            .expect("split gives one part at least");
        let found = known
            .split(|c: char| c.is_whitespace() || ",[]=".contains(c))
            .any(|word| word == option);
        assert!(
            found,
            "{document}: `cargo xtask {line}`: there is no {option}\n{known}"
        );
    }
}

/// Whether the help of `taper-measure` lists it among the measures, or it is all of them.
fn is_measure(measure: &Path, name: &str) -> bool {
    let help = help_of(measure, &[]);
    let (_, measures) = help.split_once("\nMeasures\n").expect("a list of measures");
    let listed =
        |line: &str| line.starts_with("  ") && line.split_whitespace().next() == Some(name);
    name == "all" || measures.lines().any(listed)
}

fn help_of(program: &Path, command: &[&str]) -> String {
    let output = Command::new(program)
        .args(command)
        .arg("--help")
        .output()
        .expect("the program starts");
    let line = command.join(" ");
    assert!(
        output.status.success(),
        "{} {line} --help failed",
        program.display()
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_launcher_answers_by_itself() {
    for arguments in [&[][..], &["--help"], &["-h"], &["help"]] {
        let output = xtask(arguments);
        assert!(output.status.success(), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("cargo xtask <command>"),
            "{arguments:?}"
        );
    }
}

#[test]
fn wrong_usage_has_exit_code_2() {
    for arguments in [&["trian"][..], &["--quick"]] {
        let output = xtask(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).starts_with("error: "),
            "{arguments:?}"
        );
    }
}

#[test]
fn the_searches_find_what_they_should() {
    let text = "See `crates/nn` and [it](NOTES.md). Run `cargo xtask train --quick`,\n    cargo xtask test   # all\n";
    assert_eq!(paths(text), ["crates/nn", "NOTES.md"]);
    assert_eq!(commands(text), [vec!["train", "--quick"], vec!["test"]]);
}
