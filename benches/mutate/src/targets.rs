//! Everything here that reads a file from outside, as a list: what it starts from, how damage gets behind its checksums,
//! and a reader that does with the file what a program does. Whether it is read or refused does not matter; it must not
//! panic, hang, or take memory out of proportion.

use crate::{seal, seeds};
use serde_json::Value;
use std::cell::OnceCell;
use std::io::Read;
use std::path::Path;
use taper_datasets::idx::Idx;
use taper_experiments::picture::{self, Preparation};
use taper_experiments::report;
use taper_experiments::run::RunFolder;
use taper_experiments::study::{Job, REGULARIZATION, Study};
use taper_files::{gzip::Gunzip, zip};
use taper_nn::Registry;
use taper_train::prelude::*;
use tempfile::TempDir;

/// A kind of file that is read.
pub struct Target {
    /// Short name.
    pub name: &'static str,
    /// True files, without their seal.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Whether it is a text.
    pub is_text: bool,
    /// Puts checksums right, where the format has some.
    pub seal: fn(&[u8]) -> Vec<u8>,
    /// Reads a (sealed) file, and does with it what a program does.
    pub read: fn(&[u8]),
    /// What reading may take besides ten times the file, in bytes.
    pub constant: usize,
    /// How many damaged files the test of some seconds tries.
    pub rounds: usize,
}

/// What reading may take besides ten times the file, unless a format's own bound is said to be larger.
const CONSTANT: usize = 64 << 20;
/// The pixels of a picture: 25 million of 8 bytes.
const PICTURE: usize = CONSTANT + 200_000_000;
/// Images in gzip that are kept in memory.
const UNPACKED: usize = CONSTANT + taper_datasets::idx::MAX_UNPACKED as usize;

/// All of them.
#[must_use]
pub fn all() -> Vec<Target> {
    let binary = |name, seeds, seal, read, rounds| Target {
        name,
        seeds,
        is_text: false,
        seal,
        read,
        constant: CONSTANT,
        rounds,
    };
    let text = |name, seeds, read, rounds| Target {
        is_text: true,
        ..binary(name, seeds, <[u8]>::to_vec, read, rounds)
    };
    let plain = <[u8]>::to_vec as fn(&[u8]) -> Vec<u8>;
    vec![
        binary("checkpoint", seeds::checkpoints, plain, checkpoint, 2_000),
        binary(
            "checkpoint_payload",
            seeds::payloads,
            seal::checkpoint,
            checkpoint,
            4_000,
        ),
        text(
            "checkpoint_architecture",
            seeds::descriptions,
            architecture,
            3_000,
        ),
        text("description", seeds::descriptions, description, 3_000),
        text("resume", progress_seeds, resume, 500),
        binary("idx", seeds::idx_files, plain, idx, 4_000),
        Target {
            constant: UNPACKED,
            ..binary(
                "idx_in_gzip",
                seeds::idx_files,
                seal::gzip,
                idx_in_gzip,
                2_000,
            )
        },
        binary("gzip", seeds::gzip_files, plain, gzip, 4_000),
        binary("zip", seeds::zip_files, plain, archive, 4_000),
        Target {
            constant: PICTURE,
            ..binary("png", seeds::pictures, plain, png, 2_000)
        },
        Target {
            constant: PICTURE,
            ..binary("png_chunks", seeds::pictures, seal::png, png, 4_000)
        },
        text("study", seeds::studies, study, 1_000),
        text("history", seeds::histories, history, 4_000),
        text("result", seeds::results, result, 4_000),
        text("summary", seeds::summaries, summary, 2_000),
        text("report", seeds::results, page, 100),
    ]
}

/// Seals and reads what a fuzzer made up.
///
/// # Panics
/// Where a reader does; no such target.
pub fn fuzz(name: &str, data: &[u8]) {
    let targets = all();
    let target = targets.iter().find(|target| target.name == name);
    let target = target.expect("a target of the list");
    (target.read)(&(target.seal)(data));
}

/// Into a model, into parts of another one, and what `taper inspect` shows.
fn checkpoint(file: &[u8]) {
    let from_memory = Checkpoint::from_bytes(file);
    in_file(file, |path| {
        let loaded = Checkpoint::load(path);
        assert_eq!(loaded.is_ok(), from_memory.is_ok());
        let weights = Checkpoint::load_weights(path);
        assert!(weights.is_ok() || loaded.is_err());
    });
    if let Ok(checkpoint) = from_memory {
        let _ = checkpoint.read_history();
        let _ = checkpoint.read_class_names();
        use_weights(checkpoint);
    }
}

fn use_weights(checkpoint: Checkpoint) {
    thread_local! {
        static OTHER: Model = seeds::chain();
    }
    let mut other = OTHER.with(Model::clone);
    let _ = checkpoint.load_part_into(&mut other);
    let _ = checkpoint.load_into(&mut other);
    if let Ok(model) = checkpoint.into_model() {
        described(&model);
    }
}

/// What is said about a model that a file describes.
fn described(model: &Model) {
    if model.layer_names().count() > 1_000 {
        return; // a table and a description of many layers are long, and are nobody's file
    }
    let _ = model.summary();
    let _ = model.stages();
    let again = model.config();
    let weights = model.parameters().iter();
    let weights = weights.map(|p| (p.name.clone(), p.value.clone()));
    let same = Model::restore(&again, &Registry::new(), weights).expect("its own description");
    assert_eq!(same.config(), again);
}

/// A description in a checkpoint whose weights are those of a true model.
fn architecture(text: &[u8]) {
    thread_local! {
        static TRUE: [Checkpoint; 2] = [seeds::chain(), seeds::graph()].map(|m| Checkpoint::of(&m));
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    for mut checkpoint in TRUE.with(Clone::clone) {
        checkpoint.architecture = text.to_owned();
        use_weights(checkpoint);
    }
}

/// A description without weights: how large it claims to be must not matter.
fn description(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let (registry, none) = (Registry::new(), || std::iter::empty::<(String, Tensor)>());
    let from_text = Model::restore_from_text(text, &registry, none());
    if text.len() < 10_000
        && let Ok(json) = serde_json::from_str::<Value>(text)
    {
        let from_json = Model::restore(&json, &registry, none());
        // A key that stands twice is refused in a text, and is lost before in a value.
        assert!(from_json.is_ok() || from_text.is_err());
        let _ = Sequential::<f32>::from_config(&json);
    }
    if let Ok(model) = from_text {
        described(&model);
    }
}

/// A checkpoint's notes on where training stands, one a line: optimizer, position, running sums, history.
fn progress_seeds() -> Vec<Vec<u8>> {
    let (checkpoint, _) = seeds::broken_off();
    let (optimizer, position) = (checkpoint.optimizer, checkpoint.position);
    let (optimizer, position) = (optimizer.expect("Adam"), position.expect("a position"));
    let numbers = [
        optimizer.iterations,
        position.seed,
        position.epoch,
        position.batch,
    ];
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    let lines = [
        numbers.join(" "),
        optimizer.class_name,
        optimizer.config,
        position.progress,
        checkpoint.history,
    ];
    vec![lines.join("\n").into()]
}

fn resume(text: &[u8]) {
    thread_local! {
        static BROKEN_OFF: Checkpoint = seeds::broken_off().0;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let mut checkpoint = BROKEN_OFF.with(Clone::clone);
    let (Some(optimizer), Some(position)) = (&mut checkpoint.optimizer, &mut checkpoint.position)
    else {
        return;
    };
    let mut lines = text.splitn(5, '\n').map(str::to_owned);
    let mut line = || lines.next().unwrap_or_default();
    let numbers = line();
    let mut numbers = numbers.split(' ').map(|number| number.parse().unwrap_or(0));
    let mut number = || numbers.next().unwrap_or(0);
    optimizer.iterations = number();
    (position.seed, position.epoch, position.batch) = (number(), number(), number());
    optimizer.class_name = line();
    optimizer.config = line();
    position.progress = line();
    checkpoint.history = line();
    let trainer = Trainer::new(Adam::default(), CategoricalCrossentropy::default());
    let trainer = trainer.epochs(2).batch_size(2).metric(Accuracy);
    let data = seeds::images();
    if let (Ok(mut trainer), Ok(mut model)) = (trainer.resume(&checkpoint), checkpoint.into_model())
    {
        let _ = trainer.fit(&mut model, &data);
    }
}

fn idx(file: &[u8]) {
    let from_memory = Idx::from_bytes(file.to_vec());
    in_file(file, |path| match (Idx::open(path), from_memory) {
        (Ok(mapped), Ok(owned)) => {
            let [read, owned] = [&mapped, &owned].map(|idx| idx.bytes().expect("a whole file"));
            assert_eq!(read, owned);
            let _ = (mapped.to_f32(), mapped.sha256());
        }
        (mapped, owned) => assert_eq!(mapped.is_ok(), owned.is_ok()),
    });
}

/// Unpacked into memory, from where batches are read.
fn idx_in_gzip(file: &[u8]) {
    in_file(file, |path| {
        if let Ok(idx) = Idx::open(path) {
            let _ = idx.sha256();
        }
    });
}

fn gzip(file: &[u8]) {
    let mut gunzip = Gunzip::new(file, Path::new("a.gz"));
    match std::io::copy(&mut gunzip.by_ref().take(1 << 22), &mut std::io::sink()) {
        Ok(_) => drop(gunzip.finish()),
        Err(error) => drop(gunzip.explain(error)),
    }
}

fn archive(file: &[u8]) {
    in_file(file, |path| {
        if let Ok(Some(member)) = zip::open_member(path, "a.gz") {
            let _ = std::io::copy(&mut member.take(1 << 22), &mut std::io::sink());
        }
    });
}

fn png(file: &[u8]) {
    in_file(file, |path| {
        for shape in [&[28, 28, 1][..], &[8, 8, 3], &[8, 6]] {
            if let Ok(prepared) = picture::prepare(path, shape, Preparation::default()) {
                assert_eq!(prepared.values.len(), shape.iter().product::<usize>());
            }
        }
    });
}

fn study(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let Ok(study) = Study::parse("damaged", text) else {
        return;
    };
    let _ = (study.headline(), study.jobs());
    for (name, _) in study.variants.iter() {
        let network = study.network_of(name).expect("a variant of its own");
        let _ = Model::<f32>::restore(&network, &Registry::new(), []);
    }
    if let Ok(text) = study.to_toml() {
        let again = Study::parse("its own", &text).expect("what it wrote itself");
        assert_eq!(again.to_toml().ok(), Some(text));
    }
}

fn history(text: &[u8]) {
    with_run(|folder, job| {
        write(&folder.job(job).join("history.jsonl"), text);
        let _ = folder.history(job);
        folder.prepare(job).expect("a folder of its own");
        let _ = folder.history(job);
    });
    let history = std::str::from_utf8(text).unwrap_or_default();
    let history = Checkpoint {
        history: history.to_owned(),
        ..Checkpoint::default()
    };
    let _ = history.read_history();
}

fn result(text: &[u8]) {
    with_run(|folder, job| {
        write(&folder.job(job).join("result.json"), text);
        let _ = folder.result(job);
    });
}

fn summary(text: &[u8]) {
    with_run(|folder, _| {
        write(&folder.summary(), text);
        let _ = folder.environment();
    });
}

/// The page of a run with such a result.
fn page(text: &[u8]) {
    with_run(|folder, job| {
        write(&folder.summary(), &seeds::summaries()[0]);
        write(
            &folder.job(job).join("history.jsonl"),
            &seeds::histories()[0],
        );
        write(&folder.job(job).join("result.json"), text);
        let _ = report::write(folder);
        let environment = folder.environment().expect("a true one");
        let _ = folder.write_summary(&environment);
    });
}

/// With the folder of a run that lasts as long as the thread.
fn with_run(read: impl FnOnce(&RunFolder, &Job)) {
    thread_local! {
        static RUN: OnceCell<(TempDir, RunFolder, Job)> = const { OnceCell::new() };
    }
    RUN.with(|run| {
        let (_, folder, job) = run.get_or_init(|| {
            let home = tempfile::tempdir().expect("a folder");
            write(&home.path().join("study.toml"), REGULARIZATION.as_bytes());
            let (folder, study) = RunFolder::open(home.path()).expect("a run");
            let job = study.jobs().swap_remove(0);
            folder.prepare(&job).expect("a folder");
            (home, folder, job)
        });
        read(folder, job);
    });
}

fn in_file(bytes: &[u8], read: impl FnOnce(&Path)) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    write(file.path(), bytes);
    read(file.path());
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("room for a small file");
}
