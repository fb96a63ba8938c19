//! Output that ends early, cannot be written, or goes where nothing can be drawn.
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its part")]
mod program;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use program::{ENDLESS, Place, STUDY, WILD, data_folder, end_of, ends, signal, text};

/// Runs a command whose standard output is closed after the first line; its exit code and its standard error.
fn closed_early(command: &mut Command) -> (Option<i32>, String) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    lines.read_line(&mut first).expect("a line");
    drop(lines);
    let mut errors = String::new();
    let mut pipe = child.stderr.take().expect("a pipe");
    pipe.read_to_string(&mut errors).expect("text");
    (end_of(&mut child).code(), errors)
}

#[test]
fn training_goes_on_when_nobody_reads_and_its_exit_code_stays() {
    let place = Place::new();
    let (code, errors) = closed_early(&mut place.train("done", &["--epochs", "20"]));
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let run = place.run_in("done");
    assert!(run.join("dropout/seed-0/result.json").is_file() && run.join("report.html").is_file());

    std::fs::write(
        place.path("small.toml"),
        STUDY.replace("[variants]\n", WILD),
    )
    .expect("a study");
    let (code, errors) = closed_early(&mut place.train("failed", &[]));
    assert_eq!(code, Some(1));
    assert!(errors.contains("1 of 3 trainings failed"), "{errors}");

    // Interrupted, with both outputs closed.
    let mut child = place
        .train("stopped", &["--epochs", ENDLESS])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    drop(child.stderr.take());
    assert!(lines.any(|line| line.expect("a line").contains("epoch 2/")));
    drop(lines);
    signal(&child, "INT");
    assert_eq!(end_of(&mut child).code(), Some(130));
    assert!(place.run_in("stopped").join("report.html").is_file());
}

#[test]
fn every_command_bears_a_reader_that_leaves() {
    let place = Place::new();
    let data = data_folder();
    let data = data.to_str().expect("UTF-8");
    let run = {
        ends(&mut place.train("runs", &[]), 0);
        place.run_in("runs")
    };
    let checkpoint = run.join("plain/seed-0/last.taper");
    let checkpoint = checkpoint.to_str().expect("UTF-8");
    let good = picture(&place, "good.png");
    let good = good.to_str().expect("UTF-8");
    std::fs::write(place.path("bad.png"), "junk").expect("a file");
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["train", "--help"], 0),
        (&["data", "list"], 0),
        (&["data", "info", "mnist"], 0),
        (&["data", "verify", "mnist", "kmnist"], 1),
        (&["inspect", checkpoint], 0),
        (
            &[
                "evaluate",
                checkpoint,
                "--test-size",
                "32",
                "--data-dir",
                data,
            ],
            0,
        ),
        (&["gradcheck", "--op", "relu", "--cases", "1"], 0),
        (&["predict", checkpoint, good, "bad.png", good], 1),
        (&["report", run.to_str().expect("UTF-8")], 0),
    ] {
        let (found, errors) = closed_early(&mut place.taper(arguments));
        assert_eq!(found, Some(code), "{arguments:?}: {errors}");
        assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
        // And nowhere to complain, either.
        let mut child = place
            .taper(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(end_of(&mut child).code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn output_on_a_full_disk_is_an_error_but_loses_no_training() {
    let Ok(_) = File::open("/dev/full") else {
        eprintln!("skipped: there is no /dev/full");
        return;
    };
    let full = || {
        File::options()
            .write(true)
            .open("/dev/full")
            .expect("it is there")
    };
    let place = Place::new();
    let output = place
        .train("runs", &[])
        .stdout(full())
        .output()
        .expect("it starts");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: standard output"), "{said}");
    let run = place.run_in("runs");
    assert!(run.join("dropout/seed-0/result.json").is_file() && run.join("report.html").is_file());
    for arguments in [&["--help"][..], &["--version"], &["data", "list"]] {
        let output = place
            .taper(arguments)
            .stdout(full())
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(
            text(&output).contains("error: standard output"),
            "{arguments:?}"
        );
    }
    // What is wrong with the command line stays wrong usage.
    let status = place
        .taper(&["trane"])
        .stderr(full())
        .status()
        .expect("it starts");
    assert_eq!(status.code(), Some(2));
}

#[test]
fn every_picture_is_answered() {
    let place = Place::new();
    ends(&mut place.train("runs", &[]), 0);
    let checkpoint = place.run_in("runs").join("plain/seed-0/last.taper");
    let checkpoint = checkpoint.to_str().expect("UTF-8");
    picture(&place, "one.png");
    picture(&place, "three.png");
    std::fs::write(place.path("two.png"), "junk").expect("a file");
    let names = ["one.png", "two.png", "gone.png", "three.png"];
    let said = ends(
        &mut place.taper(&[&["predict", checkpoint], &names[..]].concat()),
        1,
    );
    for name in names {
        assert!(said.contains(name), "no {name} in: {said}");
    }
    assert_eq!(said.matches("error: ").count(), 2, "{said}");
    assert_eq!(said.matches('→').count(), 2, "{said}");
    ends(
        &mut place.taper(&["predict", checkpoint, "one.png", "three.png"]),
        0,
    );
}

#[test]
fn only_what_can_draw_is_drawn_on() {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `script` to make a terminal");
        return;
    }
    let place = Place::new();
    ends(&mut place.train("runs", &[]), 0);
    picture(&place, "one.png");
    let checkpoint = place.run_in("runs").join("plain/seed-0/last.taper");
    let taper = env!("CARGO_BIN_EXE_taper");
    let data = data_folder();
    let (data, checkpoint) = (data.display(), checkpoint.display());
    let train = format!("'{taper}' train small.toml --out pty --data-dir '{data}'");
    let predict = format!("'{taper}' predict '{checkpoint}' one.png");
    let in_terminal = |command: &str, variables: &[(&str, Option<&str>)]| {
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-c", command, "/dev/null"]);
        place.at_home(&mut script).stdin(Stdio::null());
        script.env("TERM", "xterm-256color");
        for (name, value) in variables {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        ends(&mut script, 0)
    };
    for variables in [
        &[("TERM", Some("dumb"))][..],
        &[("TERM", None)],
        &[("NO_COLOR", Some("1"))],
        &[("LC_ALL", Some("C"))],
    ] {
        let said = in_terminal(&train, variables);
        assert!(!said.contains('\u{1b}'), "{variables:?}: {said:?}");
        // Nothing is swallowed.
        for part in [
            "small: plain, dropout",
            "epoch 1/2",
            "epoch 2/2",
            "report: ",
        ] {
            assert!(
                said.contains(part),
                "{variables:?}: no {part:?} in {said:?}"
            );
        }
        let said = in_terminal(&predict, variables);
        assert!(!said.contains('\u{1b}') && said.contains("@@"), "{said:?}");
    }
    let said = in_terminal(&train, &[]);
    assert!(
        said.contains('\u{1b}') && said.contains("epoch 2/2"),
        "{said:?}"
    );
    let said = in_terminal(&predict, &[("NO_COLOR", Some(""))]);
    assert!(said.contains('\u{1b}') && said.contains('▀'), "{said:?}");
}

#[test]
fn a_locale_without_unicode_gets_none() {
    let place = Place::new();
    for locale in ["C", "de_DE.ISO-8859-1"] {
        let said = ends(place.train(locale, &[]).env("LC_ALL", locale), 0);
        assert!(said.is_ascii() && said.contains("----"), "{said}");
    }
    let said = ends(
        place
            .train("unicode", &[])
            .env("LC_ALL", "")
            .env("LANG", ""),
        0,
    );
    assert!(said.contains("────"), "{said}");
}

/// A stroke on white, 60 × 90.
fn picture(place: &Place, name: impl AsRef<Path>) -> PathBuf {
    let path = place.path(name);
    let stroke = |x, y| (28..34).contains(&x) && (10..80).contains(&y);
    let places = (0..90).flat_map(|y| (0..60).map(move |x| (x, y)));
    let pixels: Vec<u8> = places
        .map(|(x, y)| if stroke(x, y) { 0 } else { 255 })
        .collect();
    let file = File::create(&path).expect("a file");
    let mut header = png::Encoder::new(file, 60, 90).write_header();
    let writer = header.as_mut().expect("a PNG");
    writer.write_image_data(&pixels).expect("a picture");
    path
}
