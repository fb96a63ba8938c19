//! The page and its sentences, from known curves.

mod common;

use taper_experiments::report;
use taper_experiments::run::{Answers, RunData, Summary};

fn said(run: &RunData, variant: &str) -> String {
    let summary = Summary::of(run);
    let of = |name: &str| {
        summary
            .variants
            .iter()
            .find(|v| v.name == name)
            .expect("a variant of the study")
            .clone()
    };
    report::sentences(run, &summary, &of(variant), Some(&of("baseline"))).join(" ")
}

#[test]
fn the_page_stands_alone_and_holds_every_part() {
    let html = report::html(&common::run(&[0])).expect("a page");
    for part in [
        "<!doctype html>",
        "Regularization on handwritten digits",
        "60,000 training images",
        "1,216,394 parameters",
        "L2 + dropout 50 %",
        "L2(0.01) on kernels; Dropout(0.5)",
        "98.83 %",
        "prefers-color-scheme: dark",
        "Final figures",
        "Its worst mistakes",
        "data:image/png;base64,",
        "kernel_regularizer",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ] {
        assert!(html.contains(part), "the page lacks {part:?}");
    }
    for stranger in [
        "<script", "http://", "https://", "src=\"/", "url(", "@import", "NaN", "{{", "{%",
    ] {
        assert!(!html.contains(stranger), "the page has {stranger:?}");
    }
    // The legend of the gaps names every variant beside its line.
    let gaps = &html
        [html.find("id=\"gap\"").expect("gaps")..html.find("id=\"figures\"").expect("figures")];
    assert_eq!(gaps.matches("<li>").count(), 4);
    // Two charts of the gap, two a variant.
    assert_eq!(html.matches("role=\"img\"").count(), 2 + 2 * 4);
    assert_eq!(html.matches("<table class=\"confusion\"").count(), 4);
    assert_eq!(html.matches("data:image/png").count(), 4 * 12);
}

#[test]
fn several_seeds_show_mean_and_deviation() {
    let html = report::html(&common::run(&[0, 1, 2])).expect("a page");
    assert!(html.contains("mean ± standard deviation over seeds") && html.contains(" ± 0."));
    assert!(
        !report::html(&common::run(&[0]))
            .expect("a page")
            .contains(" ± ")
    );
}

#[test]
fn text_from_the_study_is_escaped() {
    let mut run = common::run(&[0]);
    run.study.title = "<b>\"1 & 2\"</b>".into();
    let html = report::html(&run).expect("a page");
    assert!(!html.contains("<b>") && html.contains("&lt;b&gt;"));
}

#[test]
fn a_run_that_is_not_complete_says_so() {
    let mut run = common::run(&[0]);
    run.jobs[3].history.truncate(2);
    run.jobs[3].result = None;
    run.jobs[2].history.clear();
    run.jobs[2].result = None;
    let html = report::html(&run).expect("a page");
    assert!(html.contains("2 of 4 trainings are finished") && html.contains("2 of 8 epochs"));
    assert!(said(&run, "l2_dropout20").contains("Two epochs are too few"));
    assert_eq!(
        said(&run, "l2_dropout50"),
        "It has not finished an epoch yet."
    );
    run.jobs.iter_mut().for_each(|job| {
        job.history.clear();
        job.result = None;
    });
    report::html(&run).expect("a page of a run that has just begun");
}

#[test]
fn sentences_tell_what_the_curves_show() {
    let run = common::run(&[0]);
    let baseline = said(&run, "baseline");
    assert!(
        baseline.contains("98.83 % on images it has never seen"),
        "{baseline}"
    );
    assert!(
        baseline.contains("lowest after epoch 4")
            && baseline.contains("from epoch 5 on it overfits"),
        "{baseline}"
    );
    assert!(!baseline.contains("Against"), "{baseline}");

    let l2 = said(&run, "l2");
    assert!(
        l2.contains("narrows the gap from") && l2.contains("gives up 2.11 points"),
        "{l2}"
    );
    assert!(
        l2.contains("% of its final training loss is the penalty"),
        "{l2}"
    );
    assert!(!l2.contains("it overfits"), "{l2}");

    let dropout = said(&run, "l2_dropout50");
    assert!(
        dropout.contains("while dropout silences part of the network"),
        "{dropout}"
    );
    assert!(
        dropout.contains("so the true gap is 0.20 points"),
        "{dropout}"
    );
}

#[test]
fn sentences_notice_divergence_and_gain() {
    let mut run = common::run(&[0]);
    for record in &mut run.jobs[1].history {
        record.loss = f64::NAN;
    }
    assert!(said(&run, "l2").contains("diverged"));
    report::html(&run).expect("a page although a loss is no number");
    for record in &mut run.jobs[2].history {
        record.val_accuracy = Some(0.995);
    }
    let job = &mut run.jobs[2];
    let better = common::predictions(&job.history, &job.job.variant, job.job.seed);
    job.answers = Answers::Kept(better.right());
    let gain = said(&run, "l2_dropout50");
    assert!(
        gain.contains("gains 0.67 points of validation accuracy"),
        "{gain}"
    );
}

/// A diverged variant predicts one class for everything: its gap is the smallest of all, and its accuracy may be tied.
#[test]
fn a_diverged_variant_is_called_so_and_wins_nothing() {
    type Break = fn(&mut taper_train::EpochRecord);
    let ways: [Break; 4] = [
        |record| record.loss = f64::NAN,
        |record| record.loss = f64::INFINITY,
        |record| record.val_loss = Some(-f64::NAN),
        |record| record.train_data_loss = Some(f64::NAN),
    ];
    for way in ways {
        let mut run = common::run(&[0, 1]);
        for job in run
            .jobs
            .iter_mut()
            .filter(|job| job.job.variant == "l2" && job.job.seed == 1)
        {
            let last = job.history.last_mut().expect("eight epochs");
            (last.accuracy, last.val_accuracy, last.train_accuracy) =
                (Some(1.0), Some(1.0), Some(1.0));
            way(last);
        }
        let summary = Summary::of(&run);
        let lost: Vec<&str> = summary
            .variants
            .iter()
            .filter(|v| v.diverged)
            .map(|v| &*v.name)
            .collect();
        assert_eq!(lost, ["l2"]);
        let sentences = said(&run, "l2");
        assert!(
            sentences.contains("diverged with 1 of 2 seeds"),
            "{sentences}"
        );
        let html = report::html(&run).expect("a page although a loss is no number");
        let card = &html[html.find("id=\"variant-l2\"").expect("its card")..];
        let card = &card[..card.find("</h3>").expect("its title")];
        assert!(card.contains("diverged"), "{card}");
        assert_eq!(html.matches(">diverged<").count(), 1);
        let tiles = &html[html.find("<dl class=\"tiles\"").expect("tiles")..];
        let tiles = &tiles[..tiles.find("</dl>").expect("their end")];
        for other in ["Best on unseen images", "Smallest gap", "Largest gap"] {
            assert!(tiles.contains(other), "{tiles}");
        }
        let label = &summary.variants[1].label;
        assert!(!tiles.contains(&format!(">{label}<")), "{tiles}");
        assert!(
            !html.contains("NaN") && !html.contains("inf "),
            "a figure that is none"
        );
    }
}

#[test]
fn nothing_is_compared_with_a_diverged_reference() {
    let mut run = common::run(&[0]);
    run.jobs[0].history[7].val_loss = Some(f64::NAN);
    assert!(
        said(&run, "baseline").contains("diverged,"),
        "with all of its seeds"
    );
    for other in ["l2", "l2_dropout50", "l2_dropout20"] {
        let sentences = said(&run, other);
        assert!(
            !sentences.contains("Against") && !sentences.contains("NaN"),
            "{sentences}"
        );
    }
    assert!(!report::html(&run).expect("a page").contains("Against"));
}

#[test]
fn images_without_a_prediction_are_shown_as_none() {
    let mut run = common::run(&[0]);
    let result = run.jobs[2].result.as_mut().expect("a result");
    result.unpredicted = vec![0, 0, 0, 41, 0, 0, 0, 0, 0, 1];
    let mistake = &mut result.mistakes[0];
    mistake.predicted = None;
    (mistake.probability, mistake.truth_probability) = (0.0, 0.0);
    let html = report::html(&run).expect("a page");
    for part in [
        "→ none</div>",
        "no prediction<br>truth –",
        "For 42 of them it gives no prediction.",
        "<th scope=\"col\">none</th>",
        ">41</td>",
    ] {
        assert_eq!(html.matches(part).count(), 1, "{part}");
    }
    assert!(Summary::of(&run).variants[2].diverged);
}

#[test]
fn histories_survive_an_interrupted_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = common::run(&[0]);
    let written = common::write(&run, folder.path());
    let job = &run.jobs[0].job;
    let file = written.job(job).join("history.jsonl");
    let mut text = std::fs::read_to_string(&file).expect("a history");
    text.push_str("{\"epoch\":9,\"loss\":0.0");
    std::fs::write(&file, &text).expect("a torn last line");
    assert_eq!(
        written.history(job).expect("whole lines"),
        run.jobs[0].history
    );

    // Going on repeats an epoch: its later line counts.
    written.prepare(job).expect("mended");
    let mut again = run.jobs[0].history[7].clone();
    again.seconds = 99.0;
    written.append(job, &again).expect("a line");
    let history = written.history(job).expect("whole lines");
    assert_eq!(history.len(), 8);
    assert_eq!(history[7], again);

    std::fs::write(&file, "{\"epoch\":1}\n").expect("a wrong line");
    let error = written.history(job).expect_err("no record").to_string();
    assert!(
        error.contains("history.jsonl") && error.contains("line 1"),
        "{error}"
    );
}

#[test]
fn a_run_folder_gives_back_its_page_and_summary() {
    let folder = tempfile::Builder::new()
        .prefix("report")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a folder");
    let run = common::run(&[0]);
    let written = common::write(&run, folder.path());
    let page = report::write(&written).expect("a page");
    assert_eq!(
        std::fs::read_to_string(&page).expect("the page"),
        report::html(&run).expect("a page")
    );
    let summary: Summary =
        serde_json::from_slice(&std::fs::read(written.summary()).expect("a summary"))
            .expect("it is JSON");
    assert_eq!(summary, Summary::of(&run));
    assert!(summary.complete);
    if let Some(copy) = std::env::var_os("TAPER_KEEP_REPORT") {
        std::fs::copy(page, copy).expect("a copy to look at");
    }
}
