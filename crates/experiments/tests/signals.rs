//! Signals: what the program does when it is asked to stop, once, twice, three times, or in vain.
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its part")]
mod program;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use program::{ENDLESS, Place, Running, bits, data_folder, end_of, ends, signal, unprejudiced};

#[test]
fn the_first_signal_saves_and_ends_with_its_number() {
    let place = Place::new();
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut running = Running::start(&mut place.train(name, &["--epochs", ENDLESS]));
        running.until("epoch 2/");
        running.signal(name);
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains("stopping after this batch"), "{said}");
        assert!(said.contains("interrupted; to go on"), "{said}");
        let run = place.run_in(name);
        assert!(run.join("report.html").is_file() && run.join("plain/seed-0/last.taper").is_file());
    }
    for arguments in [&["--help"][..], &["train", "--help"]] {
        let help = ends(&mut place.taper(arguments), 0);
        for part in ["130", "143", "129", "128 + the signal's number"] {
            assert!(help.contains(part), "no {part:?} in: {help}");
        }
    }
}

#[test]
fn a_signal_that_comes_twice_cuts_no_save_short() {
    let place = Place::new();
    ends(&mut place.train("whole", &["--epochs", "20"]), 0);
    let whole = place.run_in("whole");
    for (number, (first, second)) in [("INT", "INT"), ("TERM", "INT"), ("INT", "TERM")]
        .into_iter()
        .enumerate()
    {
        let out = format!("twice-{number}");
        let mut running =
            Running::start(&mut place.train(&out, &["--epochs", "20", "--checkpoint-every", "0"]));
        running.until("epoch 1/");
        running.signal(first);
        running.signal(second);
        let (status, said) = running.end();
        let code = if first == "INT" { 130 } else { 143 };
        let other = if second == "INT" { 130 } else { 143 };
        // Which of two that come at once is seen first is up to the system.
        let ended = status.code();
        assert!(
            ended == Some(code) || ended == Some(other),
            "{status}: {said}"
        );
        assert!(said.contains("interrupted; to go on"), "{said}");
        let run = place.run_in(&out);
        ends(&mut place.resume(&run, &[]), 0);
        for variant in ["plain", "dropout"] {
            assert_eq!(
                bits(&run, variant),
                bits(&whole, variant),
                "{out} {variant}"
            );
        }
    }
}

/// Output that nobody takes keeps the program from ending by itself.
fn stuck(place: &Place, out: &str) -> std::process::Child {
    let train = place.train(out, &["--epochs", ENDLESS]);
    // A pipe holds 64 KiB, of which a few lines are left.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"head -c 64000 /dev/zero; exec "$0" "$@""#]);
    shell.arg(train.get_program()).args(train.get_args());
    let child = place.at_home(&mut shell).stdout(Stdio::piped()).spawn();
    let child = child.expect("taper starts");
    let mut lines = (0, Instant::now());
    let start = Instant::now();
    while lines.1.elapsed() < Duration::from_millis(500) {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it is never stuck"
        );
        let history = place.path(out).read_dir().ok().and_then(|mut runs| {
            let run = runs.next()?.ok()?.path();
            std::fs::metadata(run.join("plain/seed-0/history.jsonl")).ok()
        });
        let length = history.map_or(0, |file| file.len());
        if length != lines.0 || length == 0 {
            lines = (length, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

#[test]
fn a_third_signal_ends_at_once_and_so_does_a_late_second_one() {
    let place = Place::new();
    let mut child = stuck(&place, "third");
    for _ in 0..2 {
        signal(&child, "INT");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(
        child.try_wait().expect("a child"),
        None,
        "the second one ended it"
    );
    let third = Instant::now();
    signal(&child, "INT");
    assert_eq!(end_of(&mut child).code(), Some(130));
    assert!(
        third.elapsed() < Duration::from_secs(2),
        "{:?}",
        third.elapsed()
    );
    // What was saved before is whole.
    assert!(!bits(&place.run_in("third"), "plain").is_empty());

    let mut child = stuck(&place, "late");
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(2_300));
    assert_eq!(
        child.try_wait().expect("a child"),
        None,
        "the first one ended it"
    );
    signal(&child, "TERM");
    assert_eq!(end_of(&mut child).code(), Some(143));
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let place = Place::new();
    let deaf = |script: &str, out: &str| {
        let mut shell = unprejudiced("sh");
        shell.args([
            "-c",
            script,
            env!("CARGO_BIN_EXE_taper"),
            "train",
            "small.toml",
            "--out",
            out,
        ]);
        shell.args(["--epochs", "30", "--checkpoint-every", "0", "--data-dir"]);
        shell.arg(data_folder());
        place.at_home(&mut shell);
        Running::start(&mut shell)
    };
    let mut running = deaf(r#"trap "" INT HUP; exec "$0" "$@""#, "trap");
    running.until("epoch 1/");
    for name in ["INT", "HUP", "INT", "INT"] {
        running.signal(name);
    }
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("stopping"), "{said}");

    // One that is not among them still works.
    let mut running = deaf(r#"trap "" INT; exec "$0" "$@""#, "other");
    running.until("epoch 1/");
    running.signal("INT");
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(143));

    // All of them.
    let mut running = deaf(r#"trap "" INT TERM HUP; exec "$0" "$@""#, "all");
    running.until("epoch 1/");
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(0));

    let mut running = deaf(r#"exec nohup "$0" "$@""#, "nohup");
    running.until("epoch 1/");
    running.signal("HUP");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn epochs_by_the_billion_cost_nothing() {
    let place = Place::new();
    let study = program::STUDY.replace(
        "class_name = \"Adam\"",
        "class_name = \"Adam\"\n[optimizer.learning_rate]\nclass_name = \"CosineDecay\"\nconfig = { initial_learning_rate = 0.001, decay_steps = 1e12 }",
    );
    std::fs::write(place.path("schedule.toml"), &study).expect("a study");
    let most = i64::MAX.to_string();
    for (study, epochs) in [("small.toml", ENDLESS), ("schedule.toml", &most)] {
        let mut command = place.taper(&["train", study, "--out", epochs, "--epochs", epochs]);
        command.arg("--data-dir").arg(data_folder());
        let start = Instant::now();
        let mut running = Running::start(&mut command);
        running.until("epoch 3/");
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{:?}",
            start.elapsed()
        );
        let asked = Instant::now();
        running.signal("INT");
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(130), "{said}");
        // A second is promised of a release build on a machine of its own.
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "{:?}",
            asked.elapsed()
        );
        let run = place.run_in(epochs);
        let page = std::fs::read_to_string(run.join("report.html")).expect("a page");
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        let summary = std::fs::read(run.join("summary.json")).expect("a summary");
        let summary: serde_json::Value = serde_json::from_slice(&summary).expect("JSON");
        let memory = summary["environment"]["peak_memory"].as_u64();
        assert!(memory.is_none_or(|bytes| bytes < 400_000_000), "{memory:?}");
    }
}

#[test]
fn the_hint_how_to_resume_can_be_run() {
    let place = Place::new();
    for name in [
        &b"plain"[..],
        b"two words",
        b"it's \"$HOME\" `x` \\ *;&|",
        b"-runs",
        b"line\nend",
        b"caf\xe9 \xff%d",
    ] {
        let out = Path::new(OsStr::from_bytes(name));
        // The data under such a name, too.
        let data = place.path(Path::new(OsStr::from_bytes(&[b"data ", name].concat())));
        std::os::unix::fs::symlink(data_folder(), &data).expect("a link");
        let mut command = place.taper(&["train", "small.toml", "--epochs", "400"]);
        for (option, value) in [("--out=", out), ("--data-dir=", &data)] {
            let mut argument = std::ffi::OsString::from(option);
            argument.push(value);
            command.arg(argument);
        }
        command.args(["--threads", "1"]);
        let mut running = Running::start(&mut command);
        running.until("epoch 2/");
        running.signal("INT");
        // As bytes are what is copied, they are compared after a shell has read them.
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(130), "{said}");
        let at = said.find("where it stopped:\n").expect("a hint") + "where it stopped:\n".len();
        let hint = said[at..].lines().next().expect("a command").trim();
        assert!(
            hint.contains(" --resume ")
                && hint.contains(" --data-dir ")
                && hint.contains("--threads 1"),
            "{hint}"
        );
        // As if it were almost done: to train on is not what is tried here.
        let run = place.run_in(out);
        let study = std::fs::read_to_string(run.join("study.toml")).expect("a study");
        let shorter = study.replace("epochs = 400", "epochs = 1");
        assert_ne!(study, shorter);
        std::fs::write(run.join("study.toml"), shorter).expect("written");
        let mut shell = Command::new("sh");
        shell.args(["-c", hint]);
        place.at_home(&mut shell).env_remove("TAPER_FIXTURES");
        let said = ends(&mut shell, 0);
        assert!(said.contains("resuming"), "{said}");
        assert!(run.join("dropout/seed-0/result.json").is_file(), "{hint}");
    }
}
