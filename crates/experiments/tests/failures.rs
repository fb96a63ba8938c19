//! A job that fails, in whatever way, leaves all others whole and says why.

#[allow(dead_code, reason = "each test file uses its part")]
mod program;

use std::path::Path;
use std::time::Duration;

use program::{ENDLESS, Place, Running, STUDY, WILD, data_folder, ends};
use taper_experiments::report;
use taper_experiments::run::{
    Context, Environment, JobEvent, Listener, Outcome, RunFolder, StudyData, run_all,
};
use taper_experiments::study::{Job, Study};
use taper_train::Event;

fn read(run: &Path, name: &str) -> String {
    std::fs::read_to_string(run.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn why_a_job_failed_is_in_its_folder_on_the_page_and_told_again() {
    let place = Place::with(&STUDY.replace("[variants]\n", WILD));
    let said = ends(&mut place.train("runs", &[]), 1);
    assert!(said.contains("1 of 3 trainings failed"), "{said}");
    let run = place.run_in("runs");
    let failure = read(&run, "wild/seed-0/failure.json");
    assert!(failure.contains("learning rate"), "{failure}");
    for variant in ["plain", "dropout"] {
        assert!(run.join(variant).join("seed-0/result.json").is_file());
        assert!(!run.join(variant).join("seed-0/failure.json").exists());
    }
    let page = read(&run, "report.html");
    assert!(
        page.contains(">diverged, failed</span>"),
        "the page has no badge"
    );
    assert!(
        page.contains("Failed: wild (seed 0)."),
        "the page does not name it"
    );
    assert!(
        page.contains("Its training with seed 0 failed: "),
        "the page has no reason"
    );

    // Resumed, it is tried again; it says so, and fails again.
    let said = ends(&mut place.resume(&run, &[]), 1);
    assert!(
        said.contains("failed before (") && said.contains("tried again"),
        "{said}"
    );
    assert_eq!(said.matches("done already").count(), 2, "{said}");
    // With what it failed by out of the way, it is done, and nothing is left of the failure.
    let study = read(&run, "study.toml");
    let mended = study.replace("1000000000000000000000000000000.0", "0.001");
    assert_ne!(study, mended, "{study}");
    std::fs::write(run.join("study.toml"), mended).expect("written");
    ends(&mut place.resume(&run, &[]), 0);
    assert!(!run.join("wild/seed-0/failure.json").exists());
    assert!(
        !read(&run, "report.html").contains("failed"),
        "the page still says that it failed"
    );
}

#[test]
fn records_that_cannot_be_read_are_the_failure_of_their_job_alone() {
    let place = Place::new();
    ends(&mut place.train("runs", &[]), 0);
    let run = place.run_in("runs");
    for name in ["history.jsonl", "result.json", "failure.json"] {
        let path = run.join("plain/seed-0").join(name);
        let before = std::fs::read(&path).ok();
        std::fs::write(&path, "junk\n").expect("written");
        let said = ends(
            &mut place.taper(&["report", run.to_str().expect("UTF-8")]),
            1,
        );
        assert!(
            said.contains("plain (seed 0)") && said.contains(name),
            "{said}"
        );
        let page = read(&run, "report.html");
        assert!(page.contains("Failed: plain (seed 0).") && page.contains(name));
        match before {
            Some(bytes) => std::fs::write(&path, bytes).expect("written"),
            None => std::fs::remove_file(&path).expect("removed"),
        }
    }
    // A result that cannot be read: the others are resumed, this one is told.
    std::fs::write(run.join("plain/seed-0/result.json"), "junk").expect("written");
    std::fs::remove_file(run.join("dropout/seed-0/result.json")).expect("removed");
    let said = ends(&mut place.resume(&run, &[]), 1);
    assert!(
        said.contains("1 of 2 trainings failed") && said.contains("result.json"),
        "{said}"
    );
    assert!(run.join("dropout/seed-0/result.json").is_file());
}

/// Panics in one job, when its first epoch is over.
struct Panicking(&'static str);

impl Listener for Panicking {
    fn on_event(&self, job: &Job, event: &JobEvent<'_>) {
        if job.variant == self.0 && matches!(event, JobEvent::Training(Event::EpochEnded(_))) {
            panic!("something that should not be");
        }
    }
}

#[test]
fn a_panic_in_a_job_is_its_failure_alone() {
    let place = Place::new();
    let study = Study::load(place.path("small.toml")).expect("a study");
    let data = StudyData::open(&study, Some(&data_folder())).expect("data");
    for side_by_side in [1, 2] {
        let parent = place.path(format!("runs-{side_by_side}"));
        let folder = RunFolder::create(&parent, &study).expect("a folder");
        let context = Context {
            study: &study,
            data: &data,
            folder: &folder,
            stop: Default::default(),
            checkpoint_every: Duration::from_secs(20),
        };
        let environment = Environment::here(2, side_by_side);
        folder.write_summary(&environment).expect("a summary");
        let outcomes = run_all(&context, 2, side_by_side, &Panicking("plain")).expect("pools");
        let error = outcomes[0].1.as_ref().expect_err("it panicked").to_string();
        assert!(
            error.contains("plain") && error.contains("something that should not be"),
            "{error}"
        );
        assert!(
            matches!(outcomes[1].1, Ok(Outcome::Finished)),
            "{:?}",
            outcomes[1]
        );
        let failure = read(folder.path(), "plain/seed-0/failure.json");
        assert!(
            failure.contains("something that should not be"),
            "{failure}"
        );
        report::write(&folder).expect("a page");
        // And it can be resumed as if nothing had been.
        let outcomes = run_all(&context, 2, side_by_side, &()).expect("pools");
        assert!(
            matches!(outcomes[0].1, Ok(Outcome::Finished)),
            "{:?}",
            outcomes[0]
        );
        assert!(
            matches!(outcomes[1].1, Ok(Outcome::Skipped)),
            "{:?}",
            outcomes[1]
        );
    }
}

#[test]
fn a_report_that_cannot_be_written_hides_no_result() {
    let place = Place::new();
    ends(&mut place.train("runs", &[]), 0);
    let run = place.run_in("runs");
    // A folder in its place: even the superuser cannot write that.
    let page = run.join("report.html");
    std::fs::remove_file(&page).expect("removed");
    std::fs::create_dir_all(page.join("in the way")).expect("a folder");
    let said = ends(&mut place.resume(&run, &[]), 1);
    let (table, error) = (said.find("val_acc"), said.find("error: "));
    assert!(
        table.is_some() && error.is_some() && table < error,
        "{said}"
    );
    assert!(
        said.contains("report.html") && said.contains("plain  "),
        "{said}"
    );
    assert!(run.join("summary.json").is_file());
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_taken_away_is_told_for_every_job() {
    let place = Place::new();
    let mut running = Running::start(&mut place.train("runs", &["--epochs", ENDLESS]));
    running.until("epoch 2/");
    // While it writes there: what came in between is taken away by the second try.
    let gone = (0..10).any(|_| std::fs::remove_dir_all(place.path("runs")).is_ok());
    assert!(gone, "it stays");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(
        said.contains("trainings failed") && said.contains("plain (seed 0): "),
        "{said}"
    );
    assert!(said.contains("val_acc"), "no table in: {said}");
}

/// Files may be no longer than this many half kilobytes: as on a disk that is full for what is larger.
#[cfg(unix)]
fn limited(place: &Place, blocks: u32, arguments: std::process::Command) -> std::process::Command {
    let mut shell = std::process::Command::new("sh");
    let script = format!(r#"trap "" XFSZ; ulimit -f {blocks} && exec "$0" "$@""#);
    shell.args(["-c", &script]).arg(arguments.get_program());
    shell.args(arguments.get_args());
    place.at_home(&mut shell);
    shell
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_is_told_for_every_job_after_the_results() {
    let place = Place::new();
    // Room for a history, not for a checkpoint.
    let said = ends(&mut limited(&place, 20, place.train("runs", &[])), 1);
    let (table, error) = (said.find("val_acc  "), said.find("error: 2 of 2 trainings"));
    assert!(table.is_some() && error.is_some(), "{said}");
    for part in [
        "plain (seed 0): ",
        "dropout (seed 0): ",
        ".taper: ",
        "report.html",
    ] {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
    // The reasons are small enough to be kept. With room again all is done from where it was.
    let run = place.run_in("runs");
    assert!(read(&run, "plain/seed-0/failure.json").contains("taper"));
    let said = ends(&mut place.resume(&run, &[]), 0);
    assert_eq!(said.matches("failed before (").count(), 2, "{said}");

    // Interrupted, and what was to be saved could not be: that is no interruption to go on from.
    let train = place.train("lost", &["--epochs", ENDLESS]);
    let mut running = Running::start(&mut limited(&place, 20, train));
    running.until("failed: ");
    running.signal("INT");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(1), "{said}");
}
