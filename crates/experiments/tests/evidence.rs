//! What a run can say of differences, from its folder to the page: figures, words, and silence.

mod common;

use std::fs;

use serde_json::Value;
use taper_experiments::report;
use taper_experiments::run::{
    Answers, Difference, Evidence, RunData, RunFolder, Scope, Silence, Summary,
};
use taper_experiments::statistics::{Verdict, mcnemar, wilson};

fn evidence(run: &RunData) -> Evidence {
    Summary::of(run).evidence.expect("a section of its own")
}

fn difference(evidence: &Evidence, variant: &str) -> Difference {
    let found = evidence.variant(variant).expect("a variant");
    found.difference.clone().expect("a difference")
}

/// Gives every job of a variant so many images more that it has right than the baseline of its seed.
fn better_by(run: &mut RunData, variant: &str, by: impl Fn(u64) -> i64) {
    let base = |run: &RunData, seed: u64| {
        let mut jobs = run.jobs.iter();
        jobs.find_map(|job| match &job.answers {
            Answers::Kept(right) if job.job.variant == "baseline" && job.job.seed == seed => {
                Some(right.clone())
            }
            _ => None,
        })
    };
    for place in 0..run.jobs.len() {
        let job = run.jobs[place].job.clone();
        if job.variant == variant {
            let mut right = base(run, job.seed).expect("the baseline has answers");
            let change = by(job.seed);
            let other = right.iter_mut().filter(|right| **right != (change > 0));
            for right in other.take(change.unsigned_abs() as usize) {
                *right = change > 0;
            }
            run.jobs[place].answers = Answers::Kept(right);
        }
    }
}

#[test]
fn one_seed_speaks_of_two_networks() {
    let mut run = common::run(&[0]);
    better_by(&mut run, "l2_dropout50", |_| 30);
    better_by(&mut run, "l2_dropout20", |_| -3);
    let found = evidence(&run);
    assert_eq!(
        (found.reference.as_deref(), found.comparisons),
        (Some("baseline"), 3)
    );
    let baseline = found.variant("baseline").expect("it");
    assert_eq!((&baseline.difference, baseline.silence), (&None, None));
    let accuracy = baseline.accuracy.clone().expect("predictions");
    let right = (accuracy.value * 10_000.0).round() as u64;
    assert_eq!(Some(accuracy.interval), wilson(right, 10_000));
    assert!(accuracy.interval.contains(accuracy.value));

    let better = difference(&found, "l2_dropout50");
    assert_eq!(
        (better.scope, better.verdict),
        (Scope::Networks, Verdict::Better)
    );
    assert_eq!(better.p, Some(mcnemar(30, 0)));
    assert!((better.value - 0.003).abs() < 1e-12 && better.interval.low > 0.0);
    assert_eq!(
        (better.beats_on_new_seed, better.seeds_needed),
        (None, None)
    );
    assert_eq!(difference(&found, "l2").verdict, Verdict::Worse);
    let same = difference(&found, "l2_dropout20");
    assert_eq!(same.verdict, Verdict::CannotTell);
    assert_eq!(same.p, same.corrected, "the largest of three");
    assert!((same.p.expect("a p") - 0.25).abs() < 1e-9);
    assert!((better.corrected.expect("a p") / better.p.expect("a p") - 2.0).abs() < 1e-9);

    let page = report::html(&run).expect("a page");
    for part in [
        "not of the methods",
        "another seed would give other networks",
        "McNemar",
        ">cannot tell<",
        ">better<",
        ">worse<",
    ] {
        assert!(page.contains(part), "no {part:?}");
    }
}

#[test]
fn few_seeds_have_an_interval_and_no_test() {
    let mut run = common::run(&[0, 1, 2]);
    better_by(&mut run, "l2_dropout50", |seed| 28 + seed as i64);
    let found = difference(&evidence(&run), "l2_dropout50");
    assert_eq!(
        (found.scope, found.p, found.corrected),
        (Scope::Method, None, None)
    );
    assert_eq!(
        (found.verdict, found.seeds_needed),
        (Verdict::CannotTell, Some(7))
    );
    assert!(
        found.interval.low > 0.0 && found.beats_on_new_seed > Some(0.9),
        "{found:?}"
    );
    let page = report::html(&run).expect("a page");
    assert!(page.contains("with fewer than 7 seeds no p of the test can fall below 0.05"));
    assert!(page.contains("speaks of the methods") && !page.contains("McNemar"));
}

#[test]
fn several_seeds_are_paired_tested_and_corrected() {
    let mut run = common::run(&(0..8).collect::<Vec<_>>());
    better_by(&mut run, "l2_dropout50", |seed| 20 + 3 * (seed as i64 % 4));
    better_by(
        &mut run,
        "l2_dropout20",
        |seed| if seed % 2 == 0 { 4 } else { -4 },
    );
    let found = evidence(&run);
    let better = difference(&found, "l2_dropout50");
    assert_eq!(better.seeds, (0..8).collect::<Vec<_>>());
    assert_eq!(better.p, Some(2.0 / 256.0));
    assert!((better.corrected.expect("p") - 6.0 / 256.0).abs() < 1e-12);
    assert_eq!(better.verdict, Verdict::Better);
    let same = difference(&found, "l2_dropout20");
    assert_eq!((same.verdict, same.p), (Verdict::CannotTell, Some(1.0)));
    assert!(same.interval.contains(0.0));
    // The order of jobs and what was done before do not matter.
    assert_eq!(evidence(&run.clone()), found);
    let page = report::html(&run).expect("a page");
    assert!(page.contains("sign-flip") && page.contains("better with<br>a new seed"));
    let said = report::sentences(
        &run,
        &Summary::of(&run),
        &Summary::of(&run).variants[2],
        Summary::of(&run).variants.first(),
    );
    let said = said.join(" ");
    assert!(
        said.contains("it gains 0.24 points of validation accuracy (95 % interval")
            && said.contains("8 seeds"),
        "{said}"
    );
}

/// Every figure of the table stands in `summary.json`, and rounds to what the page says.
#[test]
fn the_page_has_the_figures_of_the_summary() {
    for seeds in [vec![0], (0..7).collect()] {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = common::write(&common::run(&seeds), parent.path());
        let page = fs::read_to_string(report::write(&folder).expect("a page")).expect("it");
        let table = &page[page.find("id=\"evidence\"").expect("a section")..];
        let table = &table[..table.find("</table>").expect("a table")];
        let rows: Vec<&str> = table.split("<tr role=\"row\">").skip(2).collect();
        let summary = fs::read_to_string(folder.summary()).expect("a summary");
        let summary: Value = serde_json::from_str(&summary).expect("JSON");
        let variants = summary["evidence"]["variants"]
            .as_array()
            .expect("variants");
        assert_eq!(rows.len(), variants.len());
        let mut compared = 0;
        for (row, variant) in rows.iter().zip(variants) {
            let mut cells = Vec::new();
            let points = |value: &Value| {
                let value = value.as_f64().expect("a figure") * 100.0;
                let text = format!("{value:+.2}").replace('-', "−");
                if text.ends_with("0.00") {
                    "0.00".to_owned()
                } else {
                    text
                }
            };
            let share =
                |value: &Value| format!("{:.2} %", value.as_f64().expect("a figure") * 100.0);
            let accuracy = &variant["accuracy"];
            cells.push(share(&accuracy["value"]));
            let interval = &accuracy["interval"];
            cells.push(format!(
                "{} to {}",
                share(&interval["low"]),
                share(&interval["high"])
            ));
            let difference = &variant["difference"];
            if !difference.is_null() {
                let interval = &difference["interval"];
                cells.push(points(&difference["value"]));
                cells.push(format!(
                    "{} to {}",
                    points(&interval["low"]),
                    points(&interval["high"])
                ));
                for p in [&difference["p"], &difference["corrected"]] {
                    let p = p.as_f64().expect("a p");
                    cells.push(match p {
                        p if p < 0.001 => "below 0.001".into(),
                        p if p < 0.1 => format!("{p:.3}"),
                        p => format!("{p:.2}"),
                    });
                }
                cells.push(
                    difference["verdict"]
                        .as_str()
                        .expect("a word")
                        .replace('_', " "),
                );
                compared += 1;
            }
            for cell in cells {
                assert!(
                    row.contains(&format!(">{cell}</td>")),
                    "no {cell:?} in {row}"
                );
            }
        }
        assert_eq!(compared, 3);
    }
}

/// A run of a version that kept no predictions.
fn without_predictions(folder: &RunFolder, run: &RunData) {
    for job in &run.jobs {
        fs::remove_file(folder.job(&job.job).join("predictions.npy")).expect("it is there");
        fs::remove_file(folder.job(&job.job).join("truths.npy")).expect("it is there");
    }
}

#[test]
fn a_run_without_predictions_says_what_it_cannot_say() {
    let parent = tempfile::tempdir().expect("a folder");
    let run = common::run(&[0]);
    let folder = common::write(&run, parent.path());
    without_predictions(&folder, &run);
    let read = folder.read().expect("it still loads");
    assert!(
        read.jobs
            .iter()
            .all(|job| job.result.is_some() && job.answers == Answers::NotKept)
    );
    let found = evidence(&read);
    assert_eq!(found.variants[1].silence, Some(Silence::NotKept));
    assert_eq!((&found.variants[1].accuracy, found.comparisons), (&None, 0));
    let page = report::html(&read).expect("a page");
    assert!(page.contains("nothing can be said: predictions were not kept"));
    assert!(
        page.contains("2.11 points lower, and whether that is more than chance cannot be said")
    );
    let mut summary = serde_json::to_value(Summary::of(&read)).expect("JSON");
    summary
        .as_object_mut()
        .expect("an object")
        .remove("evidence");
    let old: Summary = serde_json::from_value(summary).expect("a summary of an earlier version");
    assert_eq!(old.evidence, None);
}

#[test]
fn damaged_predictions_are_told_and_spoil_nothing_else() {
    let parent = tempfile::tempdir().expect("a folder");
    let run = common::run(&[0]);
    let folder = common::write(&run, parent.path());
    let job = &run.jobs[1].job;
    let file = folder.job(job).join("predictions.npy");
    let whole = fs::read(&file).expect("it is there");
    let nan = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        bytes
    };
    let mut swapped = whole.clone();
    // The first image is wrong, and is right then.
    swapped[128..132].copy_from_slice(&5.0f32.to_le_bytes());
    let shorter = other_shape(&whole, "(10000, 10,)", "(1000, 100,)");
    for (bytes, part) in [
        (whole[..whole.len() - 1].to_vec(), "bytes of values"),
        (whole[..60].to_vec(), "ends in its header"),
        (Vec::new(), "no .npy file"),
        (nan(128), "not those that result.json has counted"),
        (swapped, "not those that result.json has counted"),
        (shorter, "not of the same images"),
    ] {
        fs::write(&file, bytes).expect("written");
        let read = folder.read().expect("the others can be read");
        let Answers::Unreadable(message) = &read.jobs[1].answers else {
            panic!("{part}: {:?}", read.jobs[1].answers)
        };
        assert!(
            message.contains("predictions.npy") && message.contains(part),
            "{message}"
        );
        assert!(folder.predictions(job).is_err());
        let found = evidence(&read);
        assert_eq!(found.variants[1].silence, Some(Silence::Unreadable));
        assert_eq!(found.comparisons, 2);
        let page = report::html(&read).expect("a page");
        assert!(page.contains("predictions that were kept cannot be read"));
    }
    fs::write(&file, &whole).expect("written");
    fs::remove_file(folder.job(job).join("truths.npy")).expect("it is there");
    let error = folder.predictions(job).expect_err("half of it").to_string();
    assert!(
        error.contains("truths.npy") && error.contains("missing"),
        "{error}"
    );
}

/// Another shape in a header, without a change of length.
fn other_shape(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let place = file
        .windows(from.len())
        .position(|part| part == from.as_bytes());
    let place = place.expect("the shape");
    let mut bytes = file.to_vec();
    bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[test]
fn what_diverged_or_was_judged_elsewhere_is_not_compared() {
    let mut run = common::run(&[0]);
    run.jobs[1].history[7].loss = f64::NAN;
    run.jobs[2].answers = Answers::Kept(vec![true; 500]);
    run.jobs[3].result = None;
    let found = evidence(&run);
    let silent: Vec<_> = found.variants.iter().map(|v| v.silence).collect();
    let wanted = [
        None,
        Some(Silence::Diverged),
        Some(Silence::OtherImages),
        Some(Silence::NotDone),
    ];
    assert_eq!(silent, wanted);
    assert_eq!((&found.variants[1].accuracy, found.comparisons), (&None, 0));
    report::html(&run).expect("a page");
}
