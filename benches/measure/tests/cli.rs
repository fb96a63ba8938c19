//! The program itself: what it measures in a second, its help, its exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn measure(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_taper-measure"))
        .args(arguments)
        .env(
            "TAPER_FIXTURES",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures"),
        )
        .output()
        .expect("taper-measure starts")
}

/// What it prints when all goes well.
fn succeed(arguments: &[&str]) -> String {
    let output = measure(arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{arguments:?}: {said}{}",
        errors(&output)
    );
    said
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Where the bundled data set is unpacked, once for all tests.
fn data_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("mnist")
}

#[test]
fn steps_are_timed() {
    let line = "step --model mlp --batch 4 --steps 2 --chunks 3 --json --threads 1";
    let said = succeed(&line.split(' ').collect::<Vec<_>>());
    let line: serde_json::Value = serde_json::from_str(said.trim()).expect("one line of JSON");
    assert!(
        line["images_per_second"]
            .as_f64()
            .is_some_and(|rate| rate > 0.0),
        "{said}"
    );
    assert_eq!(line["chunks"].as_array().map(Vec::len), Some(3), "{said}");
    assert_eq!(
        (
            line["peer"].as_str(),
            line["model"].as_str(),
            line["mode"].as_str(),
            line["steps"].as_u64()
        ),
        (Some("taper"), Some("mlp"), Some("train"), Some(2))
    );
    let line = "step --mode infer --model lenet5 --batch 1 --steps 9 --latency";
    let said = succeed(&line.split(' ').collect::<Vec<_>>());
    assert!(
        said.contains("images/s") && said.contains("ms a step"),
        "{said}"
    );
}

#[test]
fn epochs_are_timed() {
    let data = data_folder();
    let data = data.to_str().expect("a path in UTF-8");
    let said = succeed(&[
        "epoch",
        "--variants",
        "baseline,l2",
        "--epochs",
        "2",
        "--train-size",
        "64",
        "--test-size",
        "32",
        "--json",
        "--data-dir",
        data,
    ]);
    let line: serde_json::Value = serde_json::from_str(said.trim()).expect("one line of JSON");
    let epochs: f64 = line["variants"]
        .as_array()
        .expect("variants")
        .iter()
        .flat_map(|variant| variant["epochs"].as_array().expect("epochs"))
        .map(|seconds| seconds.as_f64().expect("a number"))
        .sum();
    let whole = line["seconds"].as_f64().expect("a number");
    assert!(epochs > 0.0 && epochs <= whole, "{said}");
}

/// Draws curves under the given word; the folder, the path of the files up to their ends, and what was said aside.
fn curves(word: &str) -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let prefix = folder.path().join("curves/here");
    let (data, prefix) = (data_folder(), prefix.to_str().expect("UTF-8").to_owned());
    let output = measure(&[
        word,
        "--quick",
        "--only",
        "channels,epochs",
        "--data-dir",
        data.to_str().expect("UTF-8"),
        "--out",
        &prefix,
    ]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", errors(&output));
    assert!(said.contains("channels"), "{said}");
    (folder, prefix + "-curves", errors(&output))
}

#[test]
fn curves_are_drawn() {
    let (_folder, prefix, aside) = curves("curves");
    assert!(!aside.contains("now called"), "{aside}");
    let read = |end: &str| {
        let path = format!("{prefix}{end}");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let page = read(".md");
    for text in [
        "cargo xtask bench curves --only channels,epochs --quick",
        "](here-curves-channels.svg)",
        "](here-curves-epochs.svg)",
        "liffs",
        "ecome slower",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(read("-channels.svg").starts_with("<svg") && read("-epochs.svg").contains("<circle"));
    // Four sizes each for training and inference, and the epochs; cliffs may add lines.
    let lines = read(".jsonl");
    let points = lines
        .lines()
        .filter(|line| line.contains("\"point\""))
        .count();
    assert_eq!(points, 8, "{lines}");
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(value["over"].is_string(), "{line}");
    }
}

#[test]
fn random_networks_are_drawn_and_replayed() {
    let list = "random --list --count 3 --seed 5".split(' ');
    let list: Vec<&str> = list.collect();
    let said = succeed(&list);
    assert_eq!(said, succeed(&list), "the same seed, the same networks");
    let networks: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(networks.len(), 3);
    for network in &networks {
        assert!(network["batch"].as_u64().is_some_and(|batch| batch > 0));
        assert!(network["layers"].as_array().is_some_and(|l| !l.is_empty()));
    }
    let only = succeed(&["random", "--list", "--seed", "5", "--only", "2"]);
    assert_eq!(only.trim(), said.lines().nth(2).expect("three lines"));
    let line = "random --seed 5 --only 2 --alone infer --seconds 0.01 --threads 1";
    let said = succeed(&line.split(' ').collect::<Vec<_>>());
    assert!(said.contains("ms a step of infer"), "{said}");
}

#[test]
fn the_old_word_for_curves_still_works_and_says_the_new_one() {
    let (_folder, prefix, aside) = curves("sweep");
    assert!(Path::new(&format!("{prefix}.md")).is_file());
    assert!(
        aside.contains("`cargo xtask bench sweep` is now called `cargo xtask bench curves`"),
        "{aside}"
    );
}

#[test]
fn a_digest_is_the_same_on_any_number_of_threads() {
    let one = succeed(&["digest", "--steps", "1", "--threads", "1"]);
    assert_eq!(one, succeed(&["digest", "--steps", "1", "--threads", "2"]));
    let mut lines = one.lines();
    assert!(
        lines
            .next()
            .is_some_and(|head| head.contains("1 step of 64 images")),
        "{one}"
    );
    for name in [
        "cnn",
        "lenet5",
        "mlp",
        "vgg",
        "tanh",
        "digits",
        "lstm",
        "gru",
        "separable",
        "resnet8",
        "transformer",
        "plain",
        "residual",
        "towers-mlp",
        "towers-cnn",
    ] {
        let line = lines.next().expect("a line for every network");
        let (word, digest) = line.split_once(' ').expect("a name and a digest");
        let digest = digest.trim();
        assert_eq!(word, name);
        assert!(
            digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit()),
            "{line}"
        );
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn every_measure_explains_itself() {
    let help = succeed(&["--help"]);
    let (_, measures) = help.split_once("\nMeasures\n").expect("a list of measures");
    for name in [
        "train-cnn",
        "infer-1",
        "threads",
        "study",
        "jobs",
        "memory",
        "start",
        "build",
    ] {
        assert!(
            measures
                .lines()
                .any(|line| line.starts_with("  ") && line.split_whitespace().next() == Some(name)),
            "{name}"
        );
        assert_eq!(succeed(&[name, "--help"]), help, "{name}");
    }
    assert_eq!(succeed(&["all", "--help"]), help);
    assert!(succeed(&["peers", "--help"]).contains("--latency"));
    for word in [
        "step", "epoch", "curves", "digest", "graphs", "fit", "random",
    ] {
        let help = succeed(&[word, "--help"]);
        let usage = format!("Usage: cargo xtask bench {word}");
        assert!(help.contains(&usage), "{help}");
    }
}

#[test]
fn the_soak_explains_itself() {
    let help = succeed(&["soak", "--help"]);
    for part in ["kill", "signals", "full", "faults"] {
        let listed = |line: &str| line.trim_start().starts_with(&format!("- {part}:"));
        assert!(help.lines().any(listed), "{part}: {help}");
    }
    for words in ["Usage: cargo xtask soak", "--rounds", "--seed", "130"] {
        assert!(help.contains(words), "{words}: {help}");
    }
}

/// A program that does nothing leaves no run to compare with; that is said, and what it left stays to be looked at.
#[test]
fn a_soak_of_what_does_not_train_fails() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let program = env!("CARGO_BIN_EXE_taper-measure");
    let output = measure(&["soak", "--program", program, "--dir", dir, "--rounds", "1"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = errors(&output);
    assert!(
        errors.contains("the undisturbed training failed"),
        "{errors}"
    );
}

#[test]
fn wrong_usage_has_exit_code_2() {
    for arguments in [
        &["nothing"][..],
        &["peers", "--rounds", "none"],
        &["peers", "--latency"],
        &["threads", "--venv", "x"],
        &["all", "--only", "nothing"],
        &["step", "--model", "resnet"],
        &["step", "--steps", "none"],
        &["epoch", "--variants", "l3"],
        &["digest", "--steps", "0"],
        &["curves", "--only", "weather"],
        &["random", "--count", "0"],
        &["random", "--alone", "train"],
        &["random", "--busy", "--threads", "2"],
        &["random", "--peers", "theano"],
        &["soak", "--part", "weather"],
        &["soak", "--rounds", "0"],
    ] {
        let output = measure(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let errors = errors(&output);
        assert!(errors.starts_with("error: "), "{arguments:?}: {errors}");
    }
}
