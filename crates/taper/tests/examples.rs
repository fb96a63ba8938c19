//! The examples run, and print what they should. Each is run in a process of its own (this one once more), so that what
//! it prints can be read. What it asserts of itself ends that process.
#![allow(unreachable_pub)] // of a program, `main` is public to this file alone

use std::error::Error;
use std::process::Command;

#[path = "../examples/autoencoder.rs"]
mod autoencoder;
#[path = "../examples/custom.rs"]
mod custom;
#[path = "../examples/imbalanced.rs"]
mod imbalanced;
#[path = "../examples/k_fold.rs"]
mod k_fold;
#[allow(dead_code)] // its `main` takes a minute; the test calls what it calls
#[path = "../examples/notebook.rs"]
mod notebook;
#[path = "../examples/physics.rs"]
mod physics;
#[path = "../examples/residual.rs"]
mod residual;
#[path = "../examples/sequences.rs"]
mod sequences;
#[path = "../examples/service.rs"]
mod service;
#[path = "../examples/tabular.rs"]
mod tabular;
#[path = "../examples/transformer.rs"]
mod transformer;
#[path = "../examples/two_inputs.rs"]
mod two_inputs;

/// Tells a process of this test that it is to run the example.
const CHILD: &str = "TAPER_TEST_EXAMPLE";

/// Runs the example of the test `name` and checks that it prints these pieces, in this order.
fn prints(name: &str, main: impl Fn() -> Result<(), Box<dyn Error>>, expected: &[&str]) {
    if std::env::var(CHILD).is_ok_and(|child| child == name) {
        return main().unwrap_or_else(|error| panic!("{error}"));
    }
    let output = Command::new(std::env::current_exe().expect("this program has a path"))
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, name)
        .output()
        .expect("this program starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name} failed:\n{printed}\n{failed}"
    );
    let mut rest = &*printed;
    for piece in expected {
        let found = rest.find(piece);
        let at = found.unwrap_or_else(|| panic!("{name}: no `{piece}` (any more) in\n{printed}"));
        rest = &rest[at + piece.len()..];
    }
}

#[test]
fn notebook() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let main = || notebook::notebook(folder.path(), 1280, 2);
    let expected = [
        "conv2d",
        "epoch 1: loss ",
        "epoch 2: loss ",
        "test accuracy ",
        "predictions [214, 10]",
        "the first one is ",
    ];
    prints("notebook", main, &expected);
}

#[test]
fn residual() {
    prints(
        "residual",
        residual::main,
        &["add_2", "epoch 1: loss ", "epoch 6: loss ", "val_accuracy "],
    );
}

#[test]
fn two_inputs() {
    prints(
        "two_inputs",
        two_inputs::main,
        &["tower_2", "loss ", "val_auc ", "codes [3, 16]"],
    );
}

#[test]
fn autoencoder() {
    prints(
        "autoencoder",
        autoencoder::main,
        &["loss ", "of the restored ones ", "codes [128, 3]"],
    );
}

#[test]
fn sequences() {
    prints(
        "sequences",
        sequences::main,
        &["lstm", "epoch 1: loss ", "val_accuracy "],
    );
}

#[test]
fn transformer() {
    prints(
        "transformer",
        transformer::main,
        &["multi_head_attention", "loss ", "val_binary_accuracy "],
    );
}

#[test]
fn tabular() {
    prints(
        "tabular",
        tabular::main,
        &["normalization_1", "R² ", "a flat for "],
    );
}

#[test]
fn imbalanced() {
    prints(
        "imbalanced",
        imbalanced::main,
        &[
            "120 frauds among 3000 payments",
            "unweighted: recall ",
            "weighted: recall ",
        ],
    );
}

#[test]
fn k_fold() {
    prints(
        "k_fold",
        k_fold::main,
        &["fold 1: accuracy ", "fold 5: accuracy ", "mean "],
    );
}

#[test]
fn custom() {
    prints(
        "custom",
        custom::main,
        &[
            "loss ",
            " % of the observations lie below the bound",
            "loaded with its own layer",
        ],
    );
}

#[test]
fn physics() {
    let expected = ["step 0: loss ", "step 1200: loss ", "off by 0.0"];
    prints("physics", physics::main, &expected);
}

#[test]
fn service() {
    prints(
        "service",
        service::main,
        &["400 answers, each equal to that of the model"],
    );
}

/// Every example has its test here.
#[test]
fn every_example_is_run() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let this = include_str!("examples.rs");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("there are examples") {
        let path = file.expect("it can be listed").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        assert!(this.contains(&format!("fn {name}()")), "{name} has no test");
        count += 1;
    }
    assert!(count >= 12, "{count} examples");
}
