//! A variant whose figures are no numbers is held by every file, and takes nothing from the others.

#[allow(dead_code, reason = "each test file uses its part")]
mod program;

use std::path::Path;

use program::{Place, STUDY, WILD, bits, ends, text};
use serde_json::Value;
use taper_experiments::run::{JobResult, Mistake, RunFolder, Stat, Summary};
use taper_experiments::study::Study;
use taper_train::History;

/// One epoch of one batch: the loss before the only step is a number, whatever comes of that step.
fn one_step() -> String {
    STUDY
        .replace("train_size = 128", "train_size = 32")
        .replace("epochs = 2", "epochs = 1")
        .replace("dropout = { dropout = 0.3 }\n", "")
        .replace("[variants]\n", WILD)
}

fn read(run: &Path, name: &str) -> String {
    std::fs::read_to_string(run.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The row of the table for a variant.
fn row<'a>(said: &'a str, variant: &str) -> &'a str {
    let mut lines = said.lines();
    let row = lines.rfind(|line| line.starts_with(&format!("{variant}  ")));
    row.unwrap_or_else(|| panic!("no row of {variant} in: {said}"))
}

/// Everything that is made of the run's files tells of both variants.
fn tells_of_both(place: &Place, run: &Path, said: &str) {
    let (wild, plain) = (row(said, "wild"), row(said, "plain"));
    assert_eq!(plain.matches(" %").count(), 3, "{plain}");
    assert!(!plain.contains("NaN"), "{plain}");
    let none = ["inf", "NaN", "–"];
    assert!(none.iter().any(|word| wild.contains(word)), "{wild}");
    assert!(
        said.contains("diverged, so that its figures mean nothing: wild"),
        "{said}"
    );
    ends(
        &mut place.taper(&["report", run.to_str().expect("UTF-8")]),
        0,
    );
    let page = read(run, "report.html");
    assert!(page.contains(">diverged"), "the page has no badge");
    assert!(page.contains("confusion"), "plain has no confusion matrix");
    let summary: Summary = serde_json::from_str(&read(run, "summary.json")).expect("a summary");
    let [wild, plain] = &summary.variants[..] else {
        panic!("{summary:?}");
    };
    assert!(wild.diverged && !plain.diverged);
    let figures = plain.figures.as_ref().expect("figures of plain");
    assert!(figures.val_loss.is_some_and(|stat| stat.mean.is_finite()));
    for line in read(run, "plain/seed-0/history.jsonl").lines() {
        assert!(!line.contains("null"), "{line}");
    }
    // What was measured is no null, also where it is no number.
    let history = std::fs::read_to_string(run.join("wild/seed-0/history.jsonl"));
    for line in history.unwrap_or_default().lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        for name in ["loss", "val_loss", "end_penalty", "train_cross_entropy"] {
            assert!(!record[name].is_null(), "{name}: {line}");
        }
    }
}

#[test]
fn a_study_with_a_wild_variant_is_reported_and_resumed() {
    let place = Place::with(&one_step());
    // Whether wild is done or has failed is another question.
    let output = place.train("runs", &[]).output().expect("it starts");
    let said = text(&output);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    let run = place.run_in("runs");
    tells_of_both(&place, &run, &said);
    let before = bits(&run, "plain");

    // Nothing is left to do for plain; it is told again.
    let resume = |epochs: Option<&str>| {
        if let Some(epochs) = epochs {
            let study = read(&run, "study.toml").replace("epochs = 1", epochs);
            std::fs::write(run.join("study.toml"), study).expect("written");
        }
        let output = place.resume(&run, &[]).output().expect("it starts");
        let said = text(&output);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        tells_of_both(&place, &run, &said);
        said
    };
    let said = resume(None);
    assert!(said.contains("done already"), "{said}");
    assert_eq!(bits(&run, "plain"), before);

    // From the checkpoints: they are at their end, and nothing is trained.
    let forget = || {
        for variant in ["wild", "plain"] {
            let result = run.join(variant).join("seed-0/result.json");
            let _ = std::fs::remove_file(result);
        }
    };
    forget();
    resume(None);
    assert_eq!(bits(&run, "plain"), before, "it trained on");
    assert!(run.join("plain/seed-0/result.json").is_file());

    // And with an epoch more, which the wild one cannot do.
    forget();
    resume(Some("epochs = 2"));
    assert_ne!(bits(&run, "plain"), before);
    assert_eq!(read(&run, "plain/seed-0/history.jsonl").lines().count(), 2);
}

#[test]
fn results_and_summaries_hold_every_number() {
    let place = Place::new();
    let study = Study::load(place.path("small.toml")).expect("a study");
    let folder = RunFolder::create(&place.path("runs"), &study).expect("a folder");
    let job = study.jobs().swap_remove(0);
    std::fs::create_dir_all(folder.path().join("plain/seed-0")).expect("a folder");
    let strange = [
        f64::NAN,
        -f64::NAN,
        f64::from_bits(0xfff4_0000_0000_0007),
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.1 + 0.2,
    ];
    let mistakes = strange.iter().map(|&value| Mistake {
        index: 1,
        truth: 2,
        predicted: None,
        probability: value,
        truth_probability: -value,
        png: String::new(),
    });
    let result = JobResult {
        parameters: 1,
        network: String::new(),
        confusion: vec![vec![1]],
        unpredicted: Vec::new(),
        mistakes: mistakes.collect(),
    };
    folder.write_result(&job, &result).expect("written");
    let back = folder.result(&job).expect("readable").expect("there");
    let of = |result: &JobResult| -> Vec<[u64; 2]> {
        let mistakes = result.mistakes.iter();
        mistakes
            .map(|m| [m.probability.to_bits(), m.truth_probability.to_bits()])
            .collect()
    };
    assert_eq!(of(&back), of(&result));

    for value in strange {
        let stat = Stat {
            mean: value,
            sd: -value,
            n: 2,
        };
        let json = serde_json::to_string(&stat).expect("JSON");
        let back: Stat = serde_json::from_str(&json).expect("readable");
        assert_eq!(back.mean.to_bits(), value.to_bits(), "{json}");
        assert_eq!(back.sd.to_bits(), (-value).to_bits(), "{json}");
    }
}

/// What versions wrote that had `null` for all that is not finite.
#[test]
fn files_of_earlier_versions_are_read() {
    let line = r#"{"epoch":1,"loss":null,"accuracy":0.75,"cross_entropy":null,"penalty":0.125,"val_loss":null,"val_accuracy":0.5,"val_cross_entropy":null,"end_penalty":null,"train_accuracy":null,"train_cross_entropy":null,"learning_rate":0.001,"seconds":2.5,"images_per_second":100.0}"#;
    let history: History =
        serde_json::from_str(&format!(r#"{{"epochs":[{line}]}}"#)).expect("a history");
    let record = &history.epochs[0];
    assert!(record.loss.is_nan() && record.data_loss.is_nan() && record.end_penalty.is_nan());
    assert_eq!((record.val_loss, record.train_accuracy), (None, None));
    let stat: Stat = serde_json::from_str(r#"{"mean":null,"sd":null,"n":1}"#).expect("a stat");
    assert!(stat.mean.is_nan() && stat.sd.is_nan());
}
