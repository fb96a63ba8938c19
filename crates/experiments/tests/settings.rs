//! Every setting of a study, drawn from what is hardly ever meant, through every entrance (file, variant, `set`, overrides): an
//! error that names the key, or networks that can be built. Goes over the table of options.

use std::time::{Duration, Instant};

use taper_experiments::study::options::{self, Place};
use taper_experiments::study::{Overrides, Study};
use taper_tensor::Seed;

/// A study with a hole for further lines, layers' settings and a variant.
fn study(lines: &str, layers: &str, variant: &str) -> String {
    let given = |key: &str| lines.contains(&format!("{key} = "));
    let mut text = String::from("name = \"drawn\"\ndataset = \"mnist\"\n");
    for line in ["epochs = 1", "batch_size = 8", "seeds = [0]"] {
        let key = line.split(' ').next().unwrap_or_default();
        if !given(key) {
            text.push_str(&format!("{line}\n"));
        }
    }
    text.push_str(&format!("{lines}\n"));
    if !given("optimizer") {
        text.push_str("optimizer = { class_name = \"Adam\" }\n");
    }
    let layers = if layers.is_empty() {
        "{ layer = \"Dense\", units = 3, activation = \"softmax\", regularize = true }"
    } else {
        layers
    };
    let input = "input_shape = [6, 6, 1]";
    text.push_str(&format!(
        "[network]\n{input}\nlayers = [{layers}]\n[variants]\nplain = {{}}\n"
    ));
    text + &format!("drawn = {{ {variant} }}\n")
}

const DRAWN: [&str; 20] = [
    "nan",
    "inf",
    "-inf",
    "-1",
    "-1.0",
    "0",
    "0.0",
    "-0.0",
    "0.5",
    "1",
    "1.0000000000000002",
    "1e300",
    "4294967296",
    "1099511627776",
    "9223372036854775807",
    "1e999",
    "\"much\"",
    "true",
    "[]",
    "{}",
];

/// Parses and builds every variant, without taking long.
fn built(text: &str) -> Result<(), taper_experiments::Error> {
    let started = Instant::now();
    let study = Study::parse("drawn", text);
    let built = study.and_then(|study| {
        for (name, _) in study.variants.iter() {
            study.build(name, Seed(0))?;
            study.plan(name)?;
        }
        Ok(())
    });
    assert!(started.elapsed() <= Duration::from_secs(5), "{text}");
    built
}

/// An error that has the word, or networks; whether it was an error.
fn refused(text: &str, word: &str) -> bool {
    match built(text) {
        Ok(()) => false,
        Err(error) => {
            let message = error.to_string();
            // What is no TOML is told by its line.
            assert!(
                message.contains(word) || message.contains("TOML parse error"),
                "{text}\n{word}: {message}"
            );
            true
        }
    }
}

#[test]
fn options_of_studies_and_variants_are_refused_by_name_or_work() {
    for row in options::all() {
        for value in DRAWN {
            let line = format!("{} = {value}", row.key);
            for &place in row.places {
                let text = match place {
                    Place::Study => study(&line, "", ""),
                    Place::Variant => study("", "", &line),
                };
                let failed = refused(&text, row.key);
                let none = ["nan", "inf", "-inf", "-1", "-1.0", "1e999"].contains(&value);
                assert!(failed || !none, "{line}");
            }
        }
    }
}

#[test]
fn settings_within_tables_are_refused_by_name_or_work() {
    let numbers = [
        ("Adam", "learning_rate"),
        ("Adam", "beta_1"),
        ("Adam", "beta_2"),
        ("Adam", "epsilon"),
        ("Adam", "clipnorm"),
        ("Adam", "global_clipnorm"),
        ("Adam", "clipvalue"),
        ("AdamW", "weight_decay"),
        ("SGD", "momentum"),
        ("RMSprop", "rho"),
    ];
    for value in DRAWN {
        let none = ["nan", "inf", "-inf", "-1", "-1.0", "\"much\"", "true"].contains(&value);
        for (class, name) in numbers {
            let given = format!("{{ class_name = \"{class}\", {name} = {value} }}");
            for text in [
                study(&format!("optimizer = {given}"), "", ""),
                study("", "", &format!("optimizer = {given}")),
            ] {
                assert!(refused(&text, name) || !none, "{given}");
            }
        }
        for name in [
            "initial_learning_rate",
            "decay_steps",
            "alpha",
            "warmup_target",
            "warmup_steps",
        ] {
            let mut config = vec![("initial_learning_rate", "0.1"), ("decay_steps", "10")];
            config.retain(|(own, _)| *own != name);
            config.push((name, value));
            let config: Vec<String> = config
                .iter()
                .map(|(name, value)| format!("{name} = {value}"))
                .collect();
            let rate = format!(
                "{{ class_name = \"CosineDecay\", config = {{ {} }} }}",
                config.join(", ")
            );
            let text = study("", "", &format!("optimizer = {{ learning_rate = {rate} }}"));
            assert!(refused(&text, name) || !none, "{rate}");
        }
        for penalty in [
            "kernel_regularizer",
            "bias_regularizer",
            "activity_regularizer",
        ] {
            for factor in ["l1", "l2"] {
                let variant = format!("{penalty} = {{ {factor} = {value} }}");
                assert!(
                    refused(&study("", "", &variant), penalty) || !none,
                    "{variant}"
                );
                let set = format!("set = {{ {penalty} = {{ {factor} = {value} }} }}");
                assert!(refused(&study("", "", &set), penalty) || !none, "{set}");
            }
        }
        for name in ["momentum", "epsilon"] {
            let variant = format!("batch_normalization = {{ {name} = {value} }}");
            assert!(
                refused(&study("", "", &variant), name) || !none,
                "{variant}"
            );
        }
        let set = format!("set = {{ units = {value} }}");
        assert!(refused(&study("", "", &set), "units") || !none, "{set}");
    }
}

#[test]
fn layers_of_networks_are_refused_by_name_or_work() {
    let layers = [
        (
            "Conv2D",
            "filters = 2, kernel_size = 3",
            &[
                "filters",
                "kernel_size",
                "strides",
                "dilation_rate",
                "groups",
            ][..],
        ),
        (
            "MaxPooling2D",
            "padding = \"same\"",
            &["pool_size", "strides"],
        ),
        (
            "AveragePooling2D",
            "padding = \"same\"",
            &["pool_size", "strides"],
        ),
        ("Dense", "units = 3", &["units"]),
        ("Dropout", "rate = 0.5", &["rate"]),
        ("BatchNormalization", "", &["momentum", "epsilon"]),
        ("Reshape", "target_shape = [36]", &["target_shape"]),
    ];
    for (class, others, names) in layers {
        for name in names {
            for value in DRAWN {
                let others: Vec<&str> = others
                    .split(", ")
                    .filter(|o| !o.is_empty() && !o.starts_with(name))
                    .collect();
                let given = if *name == "target_shape" {
                    format!("[{value}]")
                } else {
                    value.to_owned()
                };
                let others: String = others.iter().map(|other| format!(", {other}")).collect();
                let layer = format!("{{ layer = \"{class}\", {name} = {given}{others} }}");
                let none = ["nan", "inf", "-inf", "-1.0", "\"much\"", "true"].contains(&value);
                assert!(refused(&study("", &layer, ""), name) || !none, "{layer}");
            }
        }
    }
    for value in DRAWN {
        let text = study("", "", "").replace("[6, 6, 1]", &format!("[6, 6, {value}]"));
        refused(&text, "input_shape");
    }
}

/// The command line's way.
#[test]
fn overrides_are_refused_by_name_or_work() {
    let numbers = [f64::NAN, f64::INFINITY, -1.0, 0.0, 0.5, 1.0, 1e300];
    let wholes = [i64::MIN, -1, 0, 1, 1 << 40, i64::MAX];
    for row in options::all()
        .iter()
        .filter(|row| row.places.contains(&Place::Study))
    {
        let values = numbers
            .map(toml::Value::Float)
            .into_iter()
            .chain(wholes.map(toml::Value::Integer));
        for value in values {
            let changes = Overrides::default().set(row.key, Some(value.clone()));
            let study = Study::parse("drawn", &study("", "", "")).expect("it is sound");
            if let Err(error) = changes.and_then(|changes| study.with(&changes)) {
                let message = error.to_string();
                assert!(
                    message.contains(row.key) && message.contains("must be"),
                    "{value}: {message}"
                );
            }
        }
    }
}

#[test]
fn a_study_file_without_end_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = folder.path().join("long.toml");
    let text = study("", "", "");
    let comment = "# more\n".repeat((Study::MAX_BYTES as usize) / 7 - text.len() / 7 - 1);
    std::fs::write(&long, format!("{text}{comment}")).expect("written");
    Study::load(&long).expect("as long as may be");
    std::fs::write(&long, format!("{text}{comment}{comment}")).expect("written");
    let mut files = vec![long];
    if cfg!(unix) {
        files.push("/dev/zero".into());
    }
    for file in files {
        let started = Instant::now();
        let error = Study::load(&file).expect_err("too long").to_string();
        assert!(
            error.contains(&format!("more than {} bytes", Study::MAX_BYTES))
                && error.contains(&*file.to_string_lossy()),
            "{error}"
        );
        assert!(started.elapsed() <= Duration::from_secs(5));
    }
}

/// A pipe whose other end never stops writing.
#[cfg(unix)]
#[test]
fn a_pipe_without_end_is_refused() {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("study.toml");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo");
    assert!(made.success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut pipe = std::fs::File::create(pipe).expect("a reader");
            while pipe.write_all(&[b'#'; 4096]).is_ok() {}
        }
    });
    let error = Study::load(&pipe).expect_err("no end").to_string();
    assert!(
        error.contains(&format!("more than {} bytes", Study::MAX_BYTES)),
        "{error}"
    );
    writer.join().expect("it ends when nobody reads");
}

/// The program says what is allowed, and ends with the code of wrong usage.
#[test]
fn the_command_line_refuses_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = "none.taper";
    for (arguments, words) in [
        (
            &["train", "--threads", "100000"][..],
            ["--threads", "at most 1024"],
        ),
        (&["train", "--threads", "0"], ["--threads", "at least 1"]),
        (&["train", "--threads", "-1"], ["-1", "--"]),
        (
            &["train", "--threads", "18446744073709551616"],
            ["--threads", "whole number"],
        ),
        (&["train", "--jobs", "100000"], ["--jobs", "at most 1024"]),
        (
            &["train", "--batch-size", "0"],
            ["--batch-size", "at least 1"],
        ),
        (
            &["train", "--batch-size", "4294967296"],
            ["--batch-size", "at most 4294967295"],
        ),
        (
            &["train", "--batch-size", "nan"],
            ["--batch-size", "whole number"],
        ),
        (&["train", "--epochs", "0"], ["--epochs", "at least 1"]),
        (&["train", "--epochs", "1e3"], ["--epochs", "whole number"]),
        (
            &["train", "--train-size", "0"],
            ["--train-size", "at least 1"],
        ),
        (
            &["train", "--test-size", "0"],
            ["--test-size", "at least 1"],
        ),
        (&["train", "--seeds", "1,1"], ["seeds", "1 twice"]),
        (
            &["train", "--checkpoint-every", "nan"],
            ["--checkpoint-every", "number of seconds"],
        ),
        (&["train", "--checkpoint-every", "-1"], ["-1", "--"]),
        (
            &["train", "--checkpoint-every", "1e300"],
            ["--checkpoint-every", "number of seconds"],
        ),
        (
            &["evaluate", checkpoint, "--threads", "100000"],
            ["--threads", "at most 1024"],
        ),
        (
            &["evaluate", checkpoint, "--batch-size", "0"],
            ["--batch-size", "at least 1"],
        ),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_taper"));
        let output = command
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{arguments:?}, {word}: {said}");
        }
    }
}

/// What is legal and hardly ever meant is said on standard error, and training goes on.
#[test]
fn warnings_are_said_on_standard_error() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let layers = "{ layer = \"MaxPooling2D\", pool_size = 7 }, { layer = \"Flatten\" }, { layer = \"Dense\", units = 10 }";
    let text =
        study("train_size = 16\ntest_size = 16", layers, "").replace("[6, 6, 1]", "[28, 28, 1]");
    std::fs::write(folder.path().join("linear.toml"), text).expect("written");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_taper"));
    command
        .args([
            "train",
            "linear.toml",
            "--no-progress",
            "--variants",
            "plain",
            "--out",
            "runs",
            "--data-dir",
        ])
        .arg(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("mnist"))
        .env("TAPER_FIXTURES", root.join("../../fixtures"))
        .current_dir(folder.path());
    let output = command.output().expect("it runs");
    let (out, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{said}");
    assert!(
        said.starts_with("warning: plain: categorical_crossentropy takes probabilities"),
        "{said}"
    );
    assert!(
        said.contains("activation softmax") && !out.contains("warning"),
        "{out}{said}"
    );
}
