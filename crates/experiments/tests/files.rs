//! The program and the files of a run: two processes at once, what killed ones leave behind, data that vanish while
//! training runs, disks that fail, and pictures that claim too much.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use taper_checkpoint::Checkpoint;
use taper_experiments::run::{Context, Environment, Outcome, RunFolder, StudyData, run_all};
use taper_experiments::study::Study;
use taper_files::faults::{Fail, Faults};
use taper_nn::{Seed, Sequential, layers::Dense, layers::Flatten};
use taper_train::{CheckpointExt, StopFlag};

const STUDY: &str = r#"
name = "small"
dataset = "mnist"
train_size = 448
test_size = 64
epochs = 2
batch_size = 32
seeds = [0]
[optimizer]
class_name = "Adam"
[network]
input_shape = [28, 28, 1]
layers = [
    { layer = "Flatten" },
    { layer = "Dense", units = 16, activation = "relu", regularize = true },
    { layer = "Dense", units = 10, activation = "softmax" },
]
[variants]
plain   = {}
dropout = { dropout = 0.3 }
"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        std::fs::write(folder.path().join("small.toml"), STUDY).expect("a study");
        Place(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `taper` in this folder, with its data in `data`.
    fn taper<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taper"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("TAPER_FIXTURES", fixtures());
        command
    }

    fn train(&self, out: &str, more: &[&str]) -> Command {
        let mut arguments = vec!["train", "small.toml", "--no-progress", "--threads", "1"];
        arguments.extend(["--data-dir", "data", "--out", out]);
        arguments.extend(more);
        self.taper(arguments)
    }

    fn resume(&self, run: &Path) -> Command {
        let mut command = self.taper(["train", "--no-progress", "--data-dir", "data", "--resume"]);
        command.arg(run);
        command
    }

    /// A network for pictures of 28 × 28 pixels.
    fn network(&self) -> PathBuf {
        let path = self.path("network.taper");
        let model = Sequential::new([28, 28, 1])
            .add(Flatten)
            .add(Dense::new(10));
        let model = model.build(Seed(1)).expect("a network");
        Checkpoint::of(&model).save(&path).expect("saved");
        path
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

fn fail(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "nothing came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The only run in a folder, once it is there.
fn run_in(folder: &Path) -> Option<PathBuf> {
    let run = std::fs::read_dir(folder).ok()?.next()?.ok()?.path();
    run.join("study.toml").is_file().then_some(run)
}

/// Everything below a folder.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(all_files(&path));
        }
        found.push(path);
    }
    found
}

fn no_leftovers(folder: &Path) {
    for path in all_files(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        assert!(
            !name.contains("partial") && !name.contains("lock"),
            "{}",
            path.display()
        );
    }
}

/// The bits of the weights at the end.
fn bits(run: &Path, variant: &str) -> Vec<u32> {
    let path = run.join(variant).join("seed-0/last.taper");
    let checkpoint = Checkpoint::load(path).expect("a checkpoint");
    let values = checkpoint
        .weights
        .iter()
        .flat_map(|(_, tensor)| tensor.to_vec());
    values.map(f32::to_bits).collect()
}

#[cfg(unix)]
#[test]
fn a_run_has_one_process_and_what_a_killed_one_left_goes() {
    let place = Place::new();
    let mut child = place
        .train("runs", &["--checkpoint-every", "0"])
        .stdout(Stdio::null())
        .spawn()
        .expect("taper starts");
    let run = wait_for(|| {
        let run = run_in(&place.path("runs"))?;
        run.join("plain/seed-0/last.taper").is_file().then_some(run)
    });
    let id = child.id().to_string();
    let kill = |signal: &str| {
        let sent = Command::new("kill").args([signal, id.as_str()]).status();
        assert!(sent.expect("kill").success());
    };
    kill("-STOP"); // it holds the folder for as long as we like
    let said = fail(&mut place.resume(&run));
    assert!(
        said.contains("another process") && said.contains(&id),
        "{said}"
    );
    kill("-KILL");
    child.wait().expect("an end");
    for left in [
        "plain/seed-0/.last.taper.0123456789abcdef.taper-partial",
        ".report.html.7-0.taper-partial",
    ] {
        std::fs::write(run.join(left), [0; 1000]).expect("a leftover");
    }
    std::fs::write(place.path("data/.x.0123456789abcdef.taper-partial"), "").expect("a leftover");
    succeed(&mut place.resume(&run));
    no_leftovers(&run);
    no_leftovers(&place.path("data"));
    succeed(&mut place.train("whole", &[]));
    let whole = run_in(&place.path("whole")).expect("a run");
    for variant in ["plain", "dropout"] {
        assert_eq!(bits(&run, variant), bits(&whole, variant), "{variant}");
    }
}

#[test]
fn data_that_are_shortened_end_the_training_and_it_goes_on_when_they_are_back() {
    let place = Place::new();
    succeed(&mut place.train("whole", &[]));
    let whole = run_in(&place.path("whole")).expect("a run");
    let images = place.path("data/train-images-idx3-ubyte");
    let sound = std::fs::read(&images).expect("the images");
    let child = place
        .train("cut", &["--epochs", "20"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("taper starts");
    let run = wait_for(|| run_in(&place.path("cut")));
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&images)
        .expect("opened");
    file.set_len(16 + 200 * 784).expect("shortened");
    let output = child.wait_with_output().expect("an end");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(
        said.contains("train-images-idx3-ubyte") && said.contains("2 of 2"),
        "{said}"
    );
    let study = std::fs::read_to_string(run.join("study.toml")).expect("a study");
    std::fs::write(
        run.join("study.toml"),
        study.replace("epochs = 20", "epochs = 2"),
    )
    .expect("edited");
    std::fs::write(&images, &sound).expect("the images are back");
    succeed(&mut place.resume(&run));
    assert_eq!(bits(&run, "dropout"), bits(&whole, "dropout"));
    no_leftovers(&run);
}

#[cfg(unix)]
#[test]
fn all_files_of_a_run_have_the_mode_that_the_umask_leaves() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let line = r#"umask 077; exec "$0" "$@""#;
    let train = place.train("runs", &["--epochs", "1", "--variants", "plain"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .arg(train.get_program())
        .args(train.get_args());
    shell
        .current_dir(place.path(""))
        .env("TAPER_FIXTURES", fixtures());
    succeed(&mut shell);
    for folder in ["runs", "data"] {
        for path in all_files(&place.path(folder)) {
            let mode = path.metadata().expect("metadata").permissions().mode() & 0o777;
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{}: {mode:o}", path.display());
        }
    }
}

#[test]
fn many_processes_may_unpack_the_same_data() {
    let place = Place::new();
    let network = place.network();
    for _ in 0..2 {
        let _ = std::fs::remove_dir_all(place.path("data"));
        let start = || {
            let mut command = place.taper(["evaluate", "--test-size", "16", "--data-dir", "data"]);
            command.args(["--dataset", "mnist"]).arg(&network);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("taper starts")
        };
        let children: Vec<_> = (0..4).map(|_| start()).collect();
        for child in children {
            let output = child.wait_with_output().expect("an end");
            assert!(output.status.success(), "{}", text(&output));
        }
        no_leftovers(&place.path("data"));
    }
}

#[test]
fn a_run_that_cannot_begin_leaves_no_folder() {
    let place = Place::new();
    let study = Study::parse("small.toml", STUDY).expect("a study");
    let parent = place.path("runs");
    let counting = Faults::below(&parent, Fail::Never);
    let run = RunFolder::create(&parent, &study).expect("a folder");
    let steps = counting.seen().len();
    drop(counting);
    let path = run.path().to_path_buf();
    drop(run);
    std::fs::remove_dir_all(path).expect("removed");
    assert!(steps >= 4, "{steps}");
    for step in 0..steps {
        let faults = Faults::below(&parent, Fail::Once(step));
        RunFolder::create(&parent, &study).expect_err("a step that fails");
        drop(faults);
        assert!(all_files(&parent).is_empty(), "step {step}");
    }
    RunFolder::create(&parent, &study).expect("a folder");
}

/// Whatever step of writing fails in a run, once or from then on: what is in its folder can be read, and it goes on to
/// the same bits.
#[test]
fn a_disk_that_fails_anywhere_in_a_run_costs_nothing_that_was_done() {
    let place = Place::new();
    let text = STUDY
        .replace("448", "64")
        .replace("epochs = 2", "epochs = 1");
    let text = text.replace("dropout = { dropout = 0.3 }\n", "");
    let study = Study::parse("small.toml", &text).expect("a study");
    let data = StudyData::open(&study, Some(&place.path("data"))).unwrap_or_else(|_| {
        let mnist = fixtures().join("mnist");
        StudyData::open(&study, Some(&mnist)).expect("the bundled data")
    });
    let environment = Environment::here(1, 1);
    let go = |folder: &RunFolder| -> taper_experiments::Result<()> {
        let context = Context {
            study: &study,
            data: &data,
            folder,
            stop: StopFlag::new(),
            checkpoint_every: Duration::ZERO,
        };
        folder.write_summary(&environment)?;
        for (_, outcome) in run_all(&context, 1, 1, &())? {
            assert_ne!(outcome?, Outcome::Stopped);
        }
        folder.write_summary(&environment).map(|_| ())
    };
    let whole = RunFolder::create(&place.path("whole"), &study).expect("a folder");
    let counting = Faults::below(whole.path(), Fail::Never);
    go(&whole).expect("a run");
    let steps = counting.seen();
    drop(counting);
    assert!(steps.len() > 20, "{steps:?}");
    for (step, action) in steps.iter().enumerate() {
        for (name, fault) in [("once", Fail::Once(step)), ("from", Fail::From(step))] {
            let out = place.path(&format!("{name}-{step}"));
            let folder = RunFolder::create(&out, &study).expect("a folder");
            let faults = Faults::below(folder.path(), fault);
            let failed = go(&folder).is_err();
            drop(faults);
            assert!(failed, "{name} {step}: {action:?} was passed over");
            let path = folder.path().to_path_buf();
            drop(folder);
            let (folder, _) = RunFolder::resume(&path).expect("it can be gone on with");
            go(&folder).unwrap_or_else(|error| panic!("{name} {step} {:?}: {error}", action));
            assert_eq!(
                bits(&path, "plain"),
                bits(whole.path(), "plain"),
                "{name} {step}"
            );
            assert_eq!(folder.read().expect("readable").jobs[0].history.len(), 1);
            drop(folder);
            no_leftovers(&path);
        }
    }
}

/// CRC-32 (PNG specification, annex D).
fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    let sum = |crc, &byte: &u8| (0..8).fold(crc ^ u32::from(byte), step);
    !bytes.iter().fold(!0, sum)
}

fn png(width: u32, height: u32, grey: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(grey).expect("a picture");
    writer.finish().expect("an end");
    file
}

#[cfg(target_os = "linux")]
#[test]
fn a_picture_takes_no_more_memory_than_is_said() {
    let place = Place::new();
    let network = place.network();
    let predict = |picture: &[u8], kilobytes: u32| {
        std::fs::write(place.path("picture.png"), picture).expect("a picture");
        let mut shell = Command::new("sh");
        let line =
            format!(r#"ulimit -v {kilobytes}; exec "$0" predict --no-picture "$1" picture.png"#);
        shell
            .args(["-c", &line, env!("CARGO_BIN_EXE_taper")])
            .arg(&network);
        shell.current_dir(place.path(""));
        shell
    };
    let small = png(1, 1, &[7]);
    for (width, height, interlaced) in [
        (10_000, 10_000, 0),
        (5_000, 5_000, 0),
        (5_000, 5_000, 1),
        (25_000_000, 1, 0),
        (u32::MAX >> 1, u32::MAX >> 1, 0),
    ] {
        let mut file = small.clone();
        file[16..20].copy_from_slice(&u32::to_be_bytes(width));
        file[20..24].copy_from_slice(&u32::to_be_bytes(height));
        file[28] = interlaced;
        let sum = checksum(&file[12..29]);
        file[29..33].copy_from_slice(&sum.to_be_bytes());
        let said = fail(&mut predict(&file, 300_000));
        assert!(said.contains("picture.png"), "{width} × {height}: {said}");
    }
    // Really so many pixels, in a small file.
    let bomb = png(6_000, 6_000, &vec![0; 36_000_000]);
    assert!(bomb.len() < 200_000);
    assert!(fail(&mut predict(&bomb, 300_000)).contains("make it smaller"));
    let large = png(4_900, 4_900, &vec![0; 4_900 * 4_900]);
    let said = succeed(&mut predict(&large, 800_000));
    assert!(said.contains("nothing to be seen"), "{said}");
}

#[test]
fn what_is_done_to_a_picture_is_said_and_can_be_turned_off() {
    let place = Place::new();
    let network = place.network();
    let bright: Vec<u8> = (0..784u32).map(|i| 255 - (i % 28) as u8 * 4).collect();
    std::fs::write(place.path("native.png"), png(28, 28, &bright)).expect("a picture");
    std::fs::write(
        place.path("large.png"),
        png(
            56,
            56,
            &[bright.clone(), bright.clone(), bright.clone(), bright].concat(),
        ),
    )
    .expect("a picture");
    let predict = |picture: &str, more: &[&str]| {
        let mut command = place.taper(["predict", "--no-picture", picture]);
        command.args(more).arg(&network);
        command
    };
    let said = |picture: &str, more: &[&str]| {
        let mut command = place.taper(["predict", "--no-picture"]);
        command.arg(&network).arg(picture).args(more);
        succeed(&mut command)
    };
    assert!(said("native.png", &[]).contains("taken as it is"));
    assert!(said("native.png", &["--invert", "yes"]).contains("(inverted)"));
    assert!(!said("native.png", &["--as-is"]).contains('('));
    let large = said("large.png", &[]);
    assert!(
        large.contains("inverted") && large.contains("cut out"),
        "{large}"
    );
    assert!(said("large.png", &["--as-is"]).contains("scaled from 56 × 56 to 28 × 28"));
    assert!(!said("large.png", &["--invert", "no"]).contains("inverted"));
    let wrong = predict("native.png", &["--as-is", "--invert", "yes"])
        .output()
        .expect("it starts");
    assert_eq!(wrong.status.code(), Some(2));
    let help = succeed(&mut place.taper(["predict", "--help"]));
    assert!(
        help.contains("--as-is") && help.contains("--invert"),
        "{help}"
    );
}
