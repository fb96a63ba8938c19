//! The built program in a folder of its own, with a study that takes no time, for tests of how it behaves from outside.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use taper_checkpoint::Checkpoint;

/// Two variants of a network of one hidden layer, on a few images.
pub(crate) const STUDY: &str = r#"
name = "small"
dataset = "mnist"
train_size = 128
test_size = 32
epochs = 2
batch_size = 32
seeds = [0]
[optimizer]
class_name = "Adam"
[network]
input_shape = [28, 28, 1]
layers = [
    { layer = "Flatten" },
    { layer = "Dense", units = 8, activation = "relu", regularize = true },
    { layer = "Dense", units = 10, activation = "softmax" },
]
[variants]
plain   = {}
dropout = { dropout = 0.3 }
"#;

/// A variant that diverges, before the others.
pub(crate) const WILD: &str = "[variants]\nwild = { optimizer = { learning_rate = 1e30 } }\n";

/// More epochs than anybody will wait for.
pub(crate) const ENDLESS: &str = "1000000000000";

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place::with(STUDY)
    }

    pub(crate) fn with(study: &str) -> Place {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        std::fs::write(folder.path().join("small.toml"), study).expect("a study");
        Place { folder }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `taper` in this folder.
    pub(crate) fn taper(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments);
        self.at_home(&mut command);
        command
    }

    /// Folder and environment of all programs that are started here.
    pub(crate) fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
        command
            .current_dir(self.folder.path())
            .env("TAPER_FIXTURES", fixtures)
            .env_remove("TAPER_LAUNCHER")
            .env_remove("NO_COLOR")
            .env("LC_ALL", "C.UTF-8")
    }

    pub(crate) fn train(&self, out: &str, more: &[&str]) -> Command {
        let mut command = self.taper(&["train", "small.toml", "--out", out]);
        command.arg("--data-dir").arg(data_folder()).args(more);
        command
    }

    pub(crate) fn resume(&self, run: &Path, more: &[&str]) -> Command {
        let mut command = self.taper(&["train", "--resume"]);
        command.arg(run).arg("--data-dir").arg(data_folder());
        command.args(more);
        command
    }

    /// The only run in a folder.
    pub(crate) fn run_in(&self, out: impl AsRef<Path>) -> PathBuf {
        let entries = std::fs::read_dir(self.path(out)).expect("a folder of runs");
        let mut runs: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        assert_eq!(runs.len(), 1, "one run only");
        runs.remove(0)
    }
}

/// The bundled data set is unpacked once for all tests.
pub(crate) fn data_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("mnist")
}

/// `taper`, as [`unprejudiced`].
pub(crate) fn program() -> Command {
    unprejudiced(env!("CARGO_BIN_EXE_taper"))
}

/// A program that ignores no signal at its start, whatever the tests' own parent ignores.
pub(crate) fn unprejudiced(program: &str) -> Command {
    if !resets_signals() {
        return Command::new(program);
    }
    let mut command = Command::new("env");
    command.args(["--default-signal=INT,TERM,HUP", program]);
    command
}

/// Whether `env` can undo that a signal is ignored, as it is in shells that run something in the background.
fn resets_signals() -> bool {
    let probe = Command::new("env")
        .args(["--default-signal=INT", "true"])
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success())
}

/// A program whose output is read while it runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    said: String,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("taper starts");
        let (send, lines) = std::sync::mpsc::channel();
        let pipes: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("a pipe")),
            Box::new(child.stderr.take().expect("a pipe")),
        ];
        for pipe in pipes {
            let send = send.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                    let _ = send.send(String::from_utf8_lossy(&line).into_owned() + "\n");
                }
            });
        }
        Running {
            child,
            lines,
            said: String::new(),
        }
    }

    /// Waits for a line with `part` in it.
    pub(crate) fn until(&mut self, part: &str) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) => {
                    self.said.push_str(&line);
                    if line.contains(part) {
                        return;
                    }
                }
                Err(_) => break,
            }
        }
        panic!("no {part:?} came: {}", self.said);
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Everything it said, and how it ended.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = end_of(&mut self.child);
        self.said.extend(self.lines.iter());
        assert!(!self.said.contains("panicked"), "{status}: {}", self.said);
        (status, self.said)
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(sent.success(), "kill -{name}");
}

/// Waits for a program's end, not for ever.
pub(crate) fn end_of(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if start.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs a program to its end, which must be this one.
pub(crate) fn ends(command: &mut Command, code: i32) -> String {
    let output = command.output().expect("it starts");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Bits of every weight and moment of a variant of a run.
pub(crate) fn bits(run: &Path, variant: &str) -> Vec<(String, Vec<u32>)> {
    let path = run.join(variant).join("seed-0/last.taper");
    let checkpoint = Checkpoint::load(path).expect("a checkpoint");
    let slots = checkpoint.optimizer.expect("an optimizer").slots;
    let all = checkpoint.weights.into_iter().chain(slots);
    all.map(|(name, tensor)| {
        (
            name,
            tensor.to_vec().into_iter().map(f32::to_bits).collect(),
        )
    })
    .collect()
}
