//! The program itself: exit codes, messages, a small study from raw files to the report, crashes and resumption.

#[allow(dead_code, reason = "each test file uses its part")]
mod program;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use taper_checkpoint::Checkpoint;

/// A study small enough for a test that still has every kind of layer and both kinds of regularization.
const STUDY: &str = r#"
name = "small"
dataset = "mnist"
train_size = 448
test_size = 128
epochs = 2
batch_size = 32
seeds = [0]
[optimizer]
class_name = "Adam"
[network]
input_shape = [28, 28, 1]
layers = [
    { layer = "Conv2D", filters = 4, kernel_size = 3, strides = 2, activation = "relu", regularize = true },
    { layer = "MaxPooling2D", pool_size = 2 },
    { layer = "Flatten" },
    { layer = "Dense", units = 16, activation = "relu", regularize = true },
    { layer = "Dense", units = 10, activation = "softmax" },
]
[variants]
plain   = {}
dropout = { kernel_regularizer = { l2 = 0.01 }, dropout = 0.3 }
"#;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        std::fs::write(folder.path().join("small.toml"), STUDY).expect("a study");
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `taper` in this folder; the bundled data set is unpacked once for all tests.
    fn taper(&self, arguments: &[&str]) -> Command {
        let mut command = program::program();
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("TAPER_FIXTURES", fixtures());
        command
    }

    fn train(&self, out: &str, more: &[&str]) -> Command {
        let data = data_folder();
        let data = data.to_str().expect("a path in UTF-8");
        let mut command = self.taper(&[
            "train",
            "small.toml",
            "--no-progress",
            "--data-dir",
            data,
            "--out",
            out,
        ]);
        command.args(more);
        command
    }

    fn resume(&self, run: &Path, more: &[&str]) -> Command {
        let data = data_folder();
        let (data, run) = (data.to_str().expect("UTF-8"), run.to_str().expect("UTF-8"));
        let mut command = self.taper(&[
            "train",
            "--no-progress",
            "--resume",
            run,
            "--data-dir",
            data,
        ]);
        command.args(more);
        command
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn data_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("mnist")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("taper starts");
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

fn fail(command: &mut Command, code: i32) -> String {
    let output = command.output().expect("taper starts");
    assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    let said = text(&output);
    assert!(
        !said.contains("panicked") && !said.contains("backtrace"),
        "{said}"
    );
    said
}

/// The only run in a folder.
fn run_in(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder)
        .expect("a folder of runs")
        .map(|entry| entry.expect("an entry").path());
    let run = entries.next().expect("a run");
    assert!(entries.next().is_none(), "one run only");
    run
}

/// Name and bits of every weight and moment.
type Bits = Vec<(String, Vec<u32>)>;
/// Figures of every epoch, as bits.
type Figures = Vec<[Option<u64>; 8]>;

/// The bits of all weights and moments, and the figures of the history that do not depend on the clock.
fn state(run: &Path, variant: &str) -> (Bits, Figures) {
    let checkpoint =
        Checkpoint::load(run.join(variant).join("seed-0/last.taper")).expect("a checkpoint");
    let slots = checkpoint.optimizer.expect("an optimizer").slots;
    let bits = checkpoint
        .weights
        .into_iter()
        .chain(slots)
        .map(|(name, tensor)| {
            (
                name,
                tensor.to_vec().into_iter().map(f32::to_bits).collect(),
            )
        });
    let lines =
        std::fs::read_to_string(run.join(variant).join("seed-0/history.jsonl")).expect("a history");
    let names = [
        "loss",
        "accuracy",
        "penalty",
        "val_loss",
        "val_accuracy",
        "end_penalty",
        "train_accuracy",
        "epoch",
    ];
    let record = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        names.map(|name| record[name].as_f64().map(f64::to_bits))
    };
    // An epoch may stand there twice after an interruption; its last line counts.
    let mut epochs: Figures = Vec::new();
    for line in lines.lines() {
        let record = record(line);
        epochs.retain(|earlier| earlier[7] < record[7]);
        epochs.push(record);
    }
    (bits.collect(), epochs)
}

/// A black stroke on white, 60 × 90.
fn draw_one(place: &Place) -> PathBuf {
    let picture = place.path("one.png");
    let stroke = |x, y| (28..34).contains(&x) && (10..80).contains(&y);
    let places = (0..90).flat_map(|y| (0..60).map(move |x| (x, y)));
    let pixels: Vec<u8> = places
        .map(|(x, y)| if stroke(x, y) { 0 } else { 255 })
        .collect();
    let file = std::fs::File::create(&picture).expect("a file");
    let mut header = png::Encoder::new(file, 60, 90).write_header();
    let writer = header.as_mut().expect("a PNG");
    writer.write_image_data(&pixels).expect("a picture");
    drop(header);
    picture
}

/// A checkpoint of a network with these weights in front of a softmax of ten classes, or of one sigmoid.
fn network(place: &Place, name: &str, classes: usize, bias: &[f32]) -> PathBuf {
    use taper_nn::layers::{Activation, Dense, Flatten};
    use taper_nn::{Seed, Sequential, Sigmoid, Softmax};
    let last = if classes == 1 { Sigmoid } else { Softmax };
    let mut model = Sequential::new([28, 28, 1])
        .add(Flatten)
        .add(Dense::new(classes))
        .add(Activation::new(last))
        .build(Seed(1))
        .expect("a model");
    let bias = taper_tensor::Tensor::from_slice([classes], bias).expect("as many as classes");
    let kernel = taper_tensor::Tensor::zeros([784, classes]);
    model.parameter_mut("dense/kernel").expect("a kernel").value = kernel;
    model.parameter_mut("dense/bias").expect("a bias").value = bias;
    let path = place.path(name);
    <Checkpoint as taper_train::CheckpointExt>::of(&model)
        .save(&path)
        .expect("a checkpoint");
    path
}

/// No figure is printed where there is none; ties and single scores are told as everywhere.
#[test]
fn predict_says_when_there_is_no_prediction() {
    let place = Place::new();
    let picture = draw_one(&place);
    let picture = picture.to_str().expect("UTF-8");
    let mut bias = [0.0; 10];
    bias[3] = f32::NAN;
    let broken = network(&place, "broken.taper", 10, &bias);
    let output = place
        .taper(&["predict", broken.to_str().expect("UTF-8"), picture])
        .output()
        .expect("taper");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}{complained}");
    assert!(
        !said.contains('→') && !said.contains(" %") && !said.contains("NaN"),
        "{said}"
    );
    assert!(
        complained.contains("one.png") && complained.contains("gives no prediction"),
        "{complained}"
    );

    let tied = network(&place, "tied.taper", 10, &[0.0; 10]);
    let said = succeed(&mut place.taper(&[
        "predict",
        "--no-picture",
        tied.to_str().expect("UTF-8"),
        picture,
    ]));
    let classes: Vec<&str> = said
        .lines()
        .skip(1)
        .map(|line| line.trim_start_matches('→').trim())
        .collect();
    assert_eq!(classes.len(), 3, "{said}");
    for (class, line) in classes.iter().enumerate() {
        assert!(
            line.starts_with(&class.to_string()) && line.ends_with("10.00 %"),
            "{said}"
        );
    }

    let sure = network(&place, "binary.taper", 1, &[3f32.ln()]);
    let said = succeed(&mut place.taper(&[
        "predict",
        "--no-picture",
        sure.to_str().expect("UTF-8"),
        picture,
    ]));
    let lines: Vec<&str> = said.lines().skip(1).collect();
    assert!(
        lines[0].starts_with("→ 1 ") && lines[0].ends_with("75.00 %"),
        "{said}"
    );
    assert!(
        lines[1].starts_with("  0 ") && lines[1].ends_with("25.00 %"),
        "{said}"
    );
}

#[test]
fn wrong_usage_exits_with_2_and_failure_with_1() {
    let place = Place::new();
    for arguments in [
        &["trane"][..],
        &["train", "--epochs", "0"],
        &["train", "--epochs", "many"],
        &["train", "--variants", "l3"],
        &["train", "--quick", "--resume", "x"],
        &["predict", "x.taper"],
        &["data", "fetch", "nonesuch"],
        &["gradcheck", "--op", "nonesuch"],
        &["bench", "step"],
        &[],
    ] {
        let said = fail(&mut place.taper(arguments), 2);
        assert!(
            said.contains("Usage") || said.contains("--help"),
            "{arguments:?}: {said}"
        );
    }
    std::fs::write(place.path("junk.taper"), "junk").expect("a file");
    for (arguments, part) in [
        (&["inspect", "nowhere.taper"][..], "nowhere.taper"),
        (&["inspect", "junk.taper"], "junk.taper"),
        (&["train", "nowhere.toml"], "nowhere.toml"),
        (&["train", "--resume", "nowhere"], "nowhere"),
        (&["report", "."], "study.toml"),
    ] {
        let said = fail(&mut place.taper(arguments), 1);
        assert!(
            said.starts_with("error: ") && said.contains(part),
            "{arguments:?}: {said}"
        );
        assert!(said.matches("os error").count() <= 1, "said twice: {said}");
    }
}

#[test]
fn help_and_version_answer() {
    let place = Place::new();
    let help = succeed(&mut place.taper(&["--help"]));
    for command in [
        "train",
        "evaluate",
        "predict",
        "inspect",
        "report",
        "data",
        "gradcheck",
    ] {
        assert!(help.contains(command), "{help}");
        assert!(succeed(&mut place.taper(&[command, "--help"])).contains("Usage"));
    }
    let help = succeed(&mut place.taper(&["train", "--help"]));
    for flag in [
        "--variants",
        "--epochs",
        "--batch-size",
        "--seeds",
        "--train-size",
        "--test-size",
        "--threads",
        "--data-dir",
        "--out",
        "--resume",
        "--quick",
        "--no-progress",
    ] {
        assert!(help.contains(flag), "{help}");
    }
    assert!(succeed(&mut place.taper(&["--version"])).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_small_study_leaves_everything_behind_and_its_checkpoints_work() {
    let place = Place::new();
    let said = succeed(&mut place.train("runs", &["--threads", "2", "--jobs", "2"]));
    for part in [
        "2 threads",
        "MNIST, 448 training and 128 validation images",
        "small: plain, dropout",
        "epoch 2/2",
        "val_loss",
        "val_acc",
        "gap*",
        "report.html",
    ] {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
    assert!(
        !said.contains('\u{1b}'),
        "escape sequences without a terminal: {said}"
    );
    let run = run_in(&place.path("runs"));
    for file in [
        "study.toml",
        "summary.json",
        "report.html",
        "plain/seed-0/best.taper",
        "dropout/seed-0/result.json",
    ] {
        assert!(run.join(file).is_file(), "no {file}");
    }
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(run.join("summary.json")).expect("a summary"))
            .expect("JSON");
    assert_eq!(
        (
            summary["complete"].as_bool(),
            summary["variants"][1]["epoch"].as_u64()
        ),
        (Some(true), Some(2))
    );
    let validation = summary["variants"][0]["figures"]["val_accuracy"]["mean"]
        .as_f64()
        .expect("an accuracy");

    // `evaluate` agrees with what training measured.
    let checkpoint = run.join("plain/seed-0/last.taper");
    let checkpoint = checkpoint.to_str().expect("UTF-8");
    let data = data_folder();
    let data = data.to_str().expect("UTF-8");
    let said = succeed(&mut place.taper(&[
        "evaluate",
        checkpoint,
        "--test-size",
        "128",
        "--data-dir",
        data,
    ]));
    assert!(
        said.contains(&format!("accuracy  {:.2} %", validation * 100.0)),
        "{said}"
    );

    let said = succeed(&mut place.taper(&["inspect", checkpoint]));
    for part in [
        "Adam",
        "28 steps",
        "epoch 2",
        "conv2d/kernel",
        "instruction_set",
        "mnist",
    ] {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }

    let picture = draw_one(&place);
    let said =
        succeed(&mut place.taper(&["predict", checkpoint, picture.to_str().expect("UTF-8")]));
    assert!(
        said.contains("inverted")
            && said.contains("@@")
            && said.contains('→')
            && said.contains(" %"),
        "{said}"
    );

    // Running on what is done changes nothing, and the page can be made again.
    let before = state(&run, "dropout");
    assert!(succeed(&mut place.resume(&run, &[])).contains("done already"));
    assert_eq!(state(&run, "dropout"), before);
    std::fs::remove_file(run.join("report.html")).expect("removed");
    succeed(&mut place.taper(&["report", run.to_str().expect("UTF-8")]));
    assert!(run.join("report.html").is_file());

    // One thread, one job after another: the same bits.
    succeed(&mut place.train("again", &["--threads", "1", "--jobs", "1"]));
    let again = run_in(&place.path("again"));
    for variant in ["plain", "dropout"] {
        assert_eq!(state(&again, variant), state(&run, variant), "{variant}");
    }
}

#[cfg(unix)]
#[test]
fn killed_or_interrupted_runs_go_on_to_the_same_bits() {
    let place = Place::new();
    succeed(&mut place.train("whole", &["--threads", "2"]));
    let whole = run_in(&place.path("whole"));

    for (out, signal) in [("killed", "-KILL"), ("interrupted", "-INT")] {
        // Slow enough to be caught: a checkpoint after every batch.
        let mut child = place
            .train(out, &["--checkpoint-every", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("taper starts");
        let run = wait_for(|| {
            let entry = std::fs::read_dir(place.path(out)).ok()?.next()?.ok()?;
            let last = Checkpoint::load(entry.path().join("plain/seed-0/last.taper")).ok()?;
            (last.position?.batch >= 3).then(|| entry.path())
        });
        let killed = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .expect("kill");
        assert!(killed.success());
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stdout.take().expect("a pipe"), &mut said)
            .expect("text");
        let status = child.wait().expect("an end");
        assert!(
            !run.join("dropout/seed-0/result.json").exists(),
            "it ended before it was caught: {said}"
        );
        if signal == "-INT" {
            assert_eq!(status.code(), Some(130), "{said}");
            assert!(said.contains(&format!("--resume {out}/small-")), "{said}");
            assert!(run.join("report.html").is_file());
        } else {
            assert_eq!(status.code(), None, "{said}");
        }
        let said = succeed(&mut place.resume(&run, &["--threads", "1"]));
        assert!(said.contains("goes on in epoch"), "{said}");
        for variant in ["plain", "dropout"] {
            assert_eq!(
                state(&run, variant),
                state(&whole, variant),
                "{out} {variant}"
            );
        }
    }
}

#[cfg(unix)]
fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "nothing came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_variant_that_diverges_does_not_keep_others_from_running() {
    let place = Place::new();
    let wild = STUDY.replace(
        "plain   = {}",
        "wild = { optimizer = { learning_rate = 1e30 } }\nplain = {}",
    );
    std::fs::write(place.path("small.toml"), wild).expect("a study");
    let said = fail(&mut place.train("runs", &["--epochs", "1"]), 1);
    assert!(
        said.contains("1 of 3 trainings failed")
            && said.contains("wild (seed 0)")
            && said.contains("diverged"),
        "{said}"
    );
    let run = run_in(&place.path("runs"));
    assert!(run.join("dropout/seed-0/result.json").is_file() && run.join("report.html").is_file());
}

#[test]
fn networks_that_do_not_fit_the_data_fail_before_training() {
    let place = Place::new();
    // Whatever the loss is, and however it is spelt.
    let with_loss = |loss: &str, units: &str| {
        let text = STUDY.replace("units = 10", units);
        text.replace("batch_size", &format!("loss = \"{loss}\"\nbatch_size"))
    };
    for (wrong, part) in [
        (STUDY.replace("[28, 28, 1]", "[32, 32, 1]"), "[32, 32, 1]"),
        (STUDY.replace("units = 10", "units = 9"), "[9]"),
        (with_loss("CategoricalCrossentropy", "units = 9"), "[9]"),
        (with_loss("mean_squared_error", "units = 9"), "[9]"),
        (
            with_loss("SparseCategoricalCrossentropy", "units = 10"),
            "sparse_categorical_crossentropy: it takes one class number",
        ),
        (STUDY.replace("\"Adam\"", "\"Adamm\""), "Adamm"),
        (STUDY.replace("\"mnist\"", "\"mnits\""), "mnits"),
    ] {
        std::fs::write(place.path("small.toml"), wrong).expect("a study");
        let said = fail(&mut place.train("runs", &[]), 1);
        assert!(said.contains(part), "no {part:?} in: {said}");
        assert!(!place.path("runs").exists(), "nothing is left behind");
    }
}

#[test]
fn data_and_gradcheck_answer() {
    let place = Place::new();
    let said = succeed(&mut place.taper(&["data", "list"]));
    assert!(
        said.contains("mnist") && said.contains("emnist_letters") && said.contains("60,000"),
        "{said}"
    );
    let said = succeed(&mut place.taper(&["data", "verify", "mnist"]));
    assert_eq!(said.matches("sound, SHA-256").count(), 4, "{said}");
    assert!(succeed(&mut place.taper(&["data", "info", "fashion_mnist"])).contains("Ankle boot"));
    assert!(fail(&mut place.taper(&["data", "verify", "kmnist"]), 1).contains("missing"));

    let said = succeed(&mut place.taper(&["gradcheck", "--op", "relu", "--cases", "3"]));
    assert!(
        said.contains("relu") && said.contains("ok") && said.contains("3 checked"),
        "{said}"
    );
}
