//! Going on with a run whose `study.toml` was edited: what results depend on is told setting by setting and done where it is
//! asked for by name; and what checkpoints keep of how they were trained and measured.

#[allow(dead_code, reason = "each test file uses its part")]
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use program::{Place, STUDY, bits, data_folder, ends};
use taper_autograd::Var;
use taper_checkpoint::Checkpoint;
use taper_experiments::run::{Context, JobEvent, Listener, RunFolder, StudyData, run_all};
use taper_experiments::study::{Job, Study};
use taper_nn::activations::Softmax;
use taper_nn::losses::CategoricalCrossentropy;
use taper_nn::{Loss, Seed, Sequential, layers};
use taper_optim::Adam;
use taper_tensor::Tensor;
use taper_train::{EpochRecord, Event, StopFlag, TopKAccuracy, Trainer};

fn history(run: &Path, variant: &str) -> Vec<EpochRecord> {
    let path = run.join(variant).join("seed-0/history.jsonl");
    let text = std::fs::read_to_string(path).expect("a history");
    let line = |line| serde_json::from_str(line).expect("a line");
    text.lines().map(line).collect()
}

fn notes(run: &Path, variant: &str) -> BTreeMap<String, String> {
    let path = run.join(variant).join("seed-0/last.taper");
    Checkpoint::load(path).expect("a checkpoint").provenance
}

/// A run of both variants that has one epoch and is to have a second one.
fn half_done(place: &Place) -> PathBuf {
    ends(&mut place.train("runs", &["--epochs", "1"]), 0);
    let run = place.run_in("runs");
    for variant in ["plain", "dropout"] {
        unfinished(&run, variant);
    }
    edit(&run, STUDY);
    run
}

/// As if it had been interrupted after its last epoch.
fn unfinished(run: &Path, variant: &str) {
    std::fs::remove_file(run.join(variant).join("seed-0/result.json")).expect("it was there");
}

fn edit(run: &Path, study: &str) {
    std::fs::write(run.join("study.toml"), study).expect("edited");
}

/// The study with other words in it.
fn with(was: &str, is: &str) -> String {
    assert!(STUDY.contains(was), "{was}");
    STUDY.replace(was, is)
}

const SLOWER: &str = "class_name = \"Adam\"\nlearning_rate = 0.0001";

#[test]
fn an_edited_study_is_refused_setting_by_setting_and_nothing_is_touched() {
    let place = Place::new();
    let run = half_done(&place);
    let before = bits(&run, "plain");
    let edited = with("class_name = \"Adam\"", SLOWER).replace("dropout = 0.3", "dropout = 0.5");
    edit(&run, &edited);
    for accept in [&[][..], &["--accept", "rate"], &["--accept=momentum"]] {
        let said = ends(&mut place.resume(&run, accept), 1);
        for part in [
            "study.toml",
            "all variants: optimizer.learning_rate: 0.001 → 0.0001",
            "--accept",
        ] {
            assert!(said.contains(part), "no {part:?} in: {said}");
        }
        let dropout = "variant dropout: network.dropout.rate: 0.3 → 0.5";
        assert_eq!(
            said.contains(dropout),
            accept != ["--accept", "rate"],
            "{said}"
        );
    }
    assert_eq!(bits(&run, "plain"), before);
    assert_eq!(history(&run, "plain").len(), 1);
    // As it was, it goes on, to the bits of one that was never touched.
    edit(&run, STUDY);
    ends(&mut place.resume(&run, &[]), 0);
    ends(&mut place.train("whole", &[]), 0);
    let whole = place.run_in("whole");
    for variant in ["plain", "dropout"] {
        assert_eq!(bits(&run, variant), bits(&whole, variant));
        assert!(history(&run, variant)[1].changes.is_empty());
    }
}

#[test]
fn a_change_that_is_asked_for_by_name_holds_and_is_recorded() {
    let place = Place::new();
    let run = half_done(&place);
    let first = notes(&run, "plain");
    edit(
        &run,
        &with("class_name = \"Adam\"", SLOWER).replace("dropout = 0.3", "dropout = 0.5"),
    );
    let mut resume = place.resume(&run, &["--accept", "learning_rate,rate"]);
    let said = ends(resume.env("TAPER_SIMD", "portable"), 0);
    for part in [
        "changed for all variants: optimizer.learning_rate: 0.001 → 0.0001",
        "changed for variant dropout: network.dropout.rate: 0.3 → 0.5",
    ] {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
    for variant in ["plain", "dropout"] {
        let history = history(&run, variant);
        assert_eq!(history[0].learning_rate, 0.001);
        assert_eq!(history[1].learning_rate, 0.0001);
        assert!(history[0].changes.is_empty());
        let all = [
            "optimizer.learning_rate: 0.001 → 0.0001",
            "network.dropout.rate: 0.3 → 0.5",
        ];
        let own = if variant == "plain" { 1 } else { 2 };
        assert_eq!(history[1].changes, all[..own]);
    }
    let page = std::fs::read_to_string(run.join("report.html")).expect("a page");
    assert!(page.contains("in epoch 2 with changes: optimizer.learning_rate: 0.001"));
    // What was noted at the beginning stays, beside what holds now.
    let last = notes(&run, "plain");
    assert_ne!(
        first["instruction_set"], "portable",
        "no other set to compare with"
    );
    for key in ["study", "variant", "cpu", "started", "instruction_set"] {
        assert_eq!(last[key], first[key], "{key}");
    }
    assert_eq!(last["resumed_instruction_set"], "portable");
    assert!(last["changes"].contains("0.0001"), "{}", last["changes"]);
    let checkpoint = run.join("plain/seed-0/last.taper");
    let checkpoint = checkpoint.to_str().expect("a path");
    let said = ends(&mut place.taper(&["inspect", checkpoint]), 0);
    let line = "changed           optimizer.learning_rate: 0.001 → 0.0001, from epoch 2 on";
    assert!(said.contains(line), "{said}");
    // It holds from now on: nothing is asked again, neither of what is done nor of what is not.
    ends(&mut place.resume(&run, &[]), 0);
    unfinished(&run, "plain");
    ends(&mut place.resume(&run, &[]), 0);
    // Back again is a change, too; what is done stays as it is.
    edit(&run, STUDY);
    assert!(ends(&mut place.resume(&run, &[]), 1).contains("0.0001 → 0.001"));
    let said = ends(
        &mut place.resume(&run, &["--accept", "rate", "--accept", "optimizer"]),
        0,
    );
    assert!(
        said.contains("trainings that are done stay as they were trained"),
        "{said}"
    );
    let page = std::fs::read_to_string(run.join("report.html")).expect("a page");
    assert!(page.contains("was done before the study was changed: network.dropout.rate: 0.5"));
}

#[test]
fn a_change_holds_for_jobs_that_come_to_their_turn_later() {
    let place = Place::new();
    let run = half_done(&place);
    let slower = with("class_name = \"Adam\"", SLOWER);
    edit(&run, &slower);
    let (folder, study) = RunFolder::resume(&run).expect("a run");
    let data = StudyData::open(&study, Some(&data_folder())).expect("data");
    let error = folder.go_on_with(&study, &data, &[]).expect_err("changed");
    assert!(error.to_string().contains("learning_rate"), "{error}");
    let accept = ["learning_rate".to_owned()];
    let told = folder.go_on_with(&study, &data, &accept).expect("accepted");
    assert_eq!(told.len(), 1, "{told:?}");
    // The process that was told so ends here, before it has trained anything.
    drop(folder);
    ends(&mut place.resume(&run, &[]), 0);
    for variant in ["plain", "dropout"] {
        assert_eq!(history(&run, variant)[1].learning_rate, 0.0001);
    }
    // A variant that was left out for a while is still compared with what it was begun with.
    let without = slower.replace("dropout = { dropout = 0.3 }\n", "");
    edit(&run, &without);
    ends(&mut place.resume(&run, &[]), 0);
    edit(&run, &(without + "dropout = { dropout = 0.1 }\n"));
    let said = ends(&mut place.resume(&run, &[]), 1);
    assert!(
        said.contains("variant dropout: network.dropout.rate: 0.3 → 0.1"),
        "{said}"
    );
}

/// Every kind of setting, in the words in which it is told.
#[test]
fn everything_that_results_depend_on_is_compared_and_nothing_else() {
    let place = Place::new();
    let run = half_done(&place);
    let (folder, _) = RunFolder::open(&run).expect("a run");
    let told = |text: &str| {
        let study = Study::parse("edited", text).expect(text);
        let data = StudyData::open(&study, Some(&data_folder())).expect("data");
        folder.go_on_with(&study, &data, &[])
    };
    let adam = "class_name = \"Adam\"";
    let seeds = "seeds = [0]";
    let all = "all variants: ";
    for (was, is, line) in [
        (
            "batch_size = 32",
            "batch_size = 16",
            format!("{all}batch_size: 32 → 16"),
        ),
        (
            "train_size = 128",
            "train_size = 64",
            format!("{all}train_size: 128 → 64"),
        ),
        (
            "test_size = 32",
            "test_size = 16",
            format!("{all}test_size: 32 → 16"),
        ),
        (
            adam,
            "class_name = \"SGD\"",
            format!("{all}optimizer: Adam → SGD"),
        ),
        (
            adam,
            SLOWER,
            format!("{all}optimizer.learning_rate: 0.001 → 0.0001"),
        ),
        (
            adam,
            "class_name = \"Adam\"\nclipnorm = 1.0",
            format!("{all}optimizer.clipnorm: nothing → 1.0"),
        ),
        (
            seeds,
            "seeds = [0]\nloss = \"mean_squared_error\"",
            format!("{all}loss: categorical_crossentropy → mean_squared_error"),
        ),
        (
            seeds,
            "seeds = [0]\nlabel_smoothing = 0.1",
            format!("{all}loss.label_smoothing: 0.0 → 0.1"),
        ),
        (
            "plain   = {}",
            "plain = { loss = { name = \"categorical_crossentropy\", label_smoothing = 0.1 } }",
            "variant plain: loss.label_smoothing: 0.0 → 0.1".into(),
        ),
        (
            "units = 8",
            "units = 9",
            format!("{all}network.dense.units: 8 → 9"),
        ),
        (
            "\"relu\"",
            "\"tanh\"",
            format!("{all}network.dense.activation: relu → tanh"),
        ),
        (
            "plain   = {}",
            "plain = { kernel_regularizer = { l2 = 0.01 } }",
            "variant plain: network.dense.kernel_regularizer.l2: nothing → 0.01".into(),
        ),
        (
            "dropout = { dropout = 0.3 }",
            "dropout = {}",
            "variant dropout: network.dropout: Dropout → nothing".into(),
        ),
        (
            "{ layer = \"Flatten\" }",
            "{ layer = \"Flatten\" }, { layer = \"Dense\", units = 8 }",
            format!("{all}network.dense_2: nothing → Dense"),
        ),
    ] {
        let error = told(&with(was, is)).expect_err(is).to_string();
        assert!(
            error.contains(&format!("    {line}\n")),
            "no {line:?} in: {error}"
        );
    }
    // Nothing that a result depends on, or the same in other words.
    for (was, is) in [
        (
            "name = \"small\"",
            "name = \"other\"\ntitle = \"T\"\nabout = \"A\"",
        ),
        ("epochs = 2", "epochs = 7"),
        (seeds, "seeds = [3, 0]"),
        (
            "plain   = {}",
            "plain = { label = \"Plain\", about = \"as it is\" }",
        ),
        ("plain   = {}", "plain = {}\nnew = { dropout = 0.9 }"),
        ("plain   = {}\n", ""),
        (
            adam,
            "class_name = \"Adam\"\nlearning_rate = 0.001\nbeta_1 = 0.9",
        ),
        (
            "plain   = {}",
            "plain = { optimizer = { learning_rate = 0.001 } }",
        ),
        (seeds, "seeds = [0]\nloss = \"CategoricalCrossentropy\""),
        ("units = 8", "units = 8, use_bias = true"),
    ] {
        let lines = told(&with(was, is)).unwrap_or_else(|error| panic!("{is}: {error}"));
        assert_eq!(lines, [""; 0], "{is}");
    }
}

/// Stops everything within the second epoch.
struct Stops(StopFlag);

impl Listener for Stops {
    fn on_event(&self, _: &Job, event: &JobEvent<'_>) {
        if let JobEvent::Training(Event::BatchEnded { epoch: 2, .. }) = event {
            self.0.stop();
        }
    }
}

#[test]
fn what_an_epoch_is_about_cannot_change_within_it_and_weights_must_fit() {
    let place = Place::new();
    let study = Study::load(place.path("small.toml")).expect("a study");
    let data = StudyData::open(&study, Some(&data_folder())).expect("data");
    let folder = RunFolder::create(&place.path("runs"), &study).expect("a folder");
    let stop = StopFlag::new();
    let context = Context {
        study: &study,
        data: &data,
        folder: &folder,
        stop: stop.clone(),
        checkpoint_every: Duration::from_secs(20),
    };
    run_all(&context, 1, 1, &Stops(stop)).expect("pools");
    let run = folder.path().to_owned();
    drop(folder);
    for (was, is, accept, part) in [
        (
            "batch_size = 32",
            "batch_size = 16",
            "batch_size",
            "within an epoch",
        ),
        (
            "train_size = 128",
            "train_size = 64",
            "train_size",
            "within an epoch",
        ),
        ("units = 8", "units = 9", "units", "do not fit"),
    ] {
        edit(&run, &with(was, is));
        let said = ends(&mut place.resume(&run, &["--accept", accept]), 1);
        assert!(
            said.contains("plain (seed 0)") && said.contains(part),
            "{said}"
        );
        // Nothing is noted, so that it can be put back.
        edit(&run, STUDY);
        let (folder, study) = RunFolder::open(&run).expect("a run");
        let told = folder.go_on_with(&study, &data, &[]).expect("as it was");
        assert_eq!(told, [""; 0]);
    }
    edit(&run, &with("class_name = \"Adam\"", SLOWER));
    ends(&mut place.resume(&run, &["--accept", "learning_rate"]), 0);
    let plain = history(&run, "plain");
    assert_eq!(
        plain[1].changes,
        ["optimizer.learning_rate: 0.001 → 0.0001"]
    );
    assert_eq!(
        history(&run, "dropout")[1].changes,
        [""; 0],
        "it began with the new rate"
    );
}

#[test]
fn runs_that_earlier_versions_began_go_on_as_before() {
    let place = Place::new();
    let run = half_done(&place);
    for variant in ["plain", "dropout"] {
        let settings = run.join(variant).join("seed-0/settings.json");
        std::fs::remove_file(settings).expect("it was there");
    }
    ends(&mut place.resume(&run, &[]), 0);
    // What the checkpoints say by themselves is compared all the same, and asked for in the same way.
    for variant in ["plain", "dropout"] {
        unfinished(&run, variant);
        std::fs::remove_file(run.join(variant).join("seed-0/settings.json")).expect("written");
    }
    edit(&run, &with("class_name = \"Adam\"", SLOWER));
    let said = ends(&mut place.resume(&run, &[]), 1);
    assert!(
        said.contains("optimizer.learning_rate was 0.001 and is 0.0001"),
        "{said}"
    );
    ends(&mut place.resume(&run, &["--accept", "learning_rate"]), 0);
}

#[test]
fn settings_that_cannot_be_read_are_the_failure_of_their_job_alone() {
    let place = Place::new();
    let run = half_done(&place);
    let settings = run.join("plain/seed-0/settings.json");
    for damaged in ["{", "[]", "{\"settings\":3}"] {
        std::fs::write(&settings, damaged).expect("damaged");
        let said = ends(&mut place.resume(&run, &[]), 1);
        assert!(
            said.contains("1 of 2") && said.contains("settings.json"),
            "{said}"
        );
        assert_eq!(history(&run, "dropout").len(), 2);
        assert_eq!(history(&run, "plain").len(), 1);
    }
}

#[test]
fn the_option_belongs_to_resuming() {
    let place = Place::new();
    let said = ends(&mut place.train("runs", &["--accept", "learning_rate"]), 2);
    assert!(said.contains("--resume"), "{said}");
    let help = ends(&mut place.taper(&["train", "--help"]), 0);
    assert!(
        help.contains("--accept") && help.contains("Titles, names"),
        "{help}"
    );
}

#[test]
fn a_finished_run_has_nothing_that_is_next() {
    let place = Place::new();
    ends(&mut place.train("runs", &[]), 0);
    let checkpoint = place.run_in("runs").join("plain/seed-0/last.taper");
    let checkpoint = checkpoint.to_str().expect("a path");
    let said = ends(&mut place.taper(&["inspect", checkpoint]), 0);
    assert!(
        said.contains("position          all 2 epochs are done; seed 0"),
        "{said}"
    );
    assert!(
        !said.contains("is next") && !said.contains("epoch 3"),
        "{said}"
    );
    for line in [
        "loss              categorical_crossentropy (label_smoothing = 0.0)\n",
        "metrics           accuracy\n",
    ] {
        assert!(said.contains(line), "no {line:?} in: {said}");
    }
    let longest = said.lines().map(|line| line.chars().count()).max();
    assert!(!said.contains("measures") && longest < Some(200), "{said}");
}

/// The number behind a word at the beginning of a line.
fn figure(said: &str, name: &str) -> f64 {
    let line = said.lines().find(|line| line.starts_with(name));
    let word = line.and_then(|line| line.split_whitespace().nth(1));
    let number = word.and_then(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("no {name} in: {said}"))
}

#[test]
fn evaluate_measures_as_training_did_with_the_settings_of_the_loss() {
    let loss = "loss = { name = \"categorical_crossentropy\", label_smoothing = 0.4 }";
    let plain = "plain   = {}";
    let place = Place::with(&with(plain, &format!("plain = {{ {loss} }}")));
    ends(&mut place.train("runs", &[]), 0);
    let run = place.run_in("runs");
    for variant in ["plain", "dropout"] {
        let last = history(&run, variant).pop().expect("an epoch");
        let checkpoint = run.join(variant).join("seed-0/last.taper");
        let mut evaluate = place.taper(&["evaluate", "--test-size", "32", "--data-dir"]);
        let said = ends(evaluate.arg(data_folder()).arg(checkpoint), 0);
        let difference = (figure(&said, "loss") - last.val_loss.expect("measured")).abs();
        assert!(difference <= 1e-4, "{difference} in {variant}: {said}");
        let accuracy = last.val_accuracy.expect("measured") * 100.0;
        assert!(
            (figure(&said, "accuracy") - accuracy).abs() <= 0.01,
            "{said}"
        );
        assert_eq!(said.matches("accuracy  ").count(), 1, "{said}");
    }
}

#[test]
fn a_loss_of_the_users_own_is_named_and_the_rest_is_measured() {
    #[derive(Debug)]
    struct Own;
    impl Loss for Own {
        fn name(&self) -> &'static str {
            "my_loss"
        }
        fn forward(&self, output: &Var, target: &Tensor) -> taper_nn::Result<Var> {
            CategoricalCrossentropy::default().forward(output, target)
        }
        fn is_classification(&self) -> bool {
            true
        }
    }
    let place = Place::new();
    let study = Study::load(place.path("small.toml")).expect("a study");
    let data = StudyData::open(&study, Some(&data_folder())).expect("data");
    let layer = layers::Dense::new(10).activation(Softmax);
    let model = Sequential::new([28, 28, 1]).add(layers::Flatten::default());
    let mut model = model.add(layer).build(Seed(1)).expect("a model");
    let mut trainer = Trainer::new(Adam::default(), Own)
        .validation(&data.test)
        .metric(TopKAccuracy::new(3))
        .provenance("catalog_name", "mnist");
    let fit = trainer.fit(&mut model, &data.train).expect("trained");
    let path = place.path("own.taper");
    fit.checkpoint(&model).save(&path).expect("saved");
    let mut evaluate = place.taper(&["evaluate", "own.taper", "--test-size", "32", "--data-dir"]);
    let said = ends(evaluate.arg(data_folder()), 0);
    let last = fit.last().expect("an epoch");
    assert!(
        said.contains("the loss my_loss is not one of this program"),
        "{said}"
    );
    assert!(
        said.contains("loss      not measured") && !said.contains("NaN"),
        "{said}"
    );
    let accuracy = last.val_accuracy.expect("measured") * 100.0;
    assert!(
        (figure(&said, "accuracy") - accuracy).abs() <= 0.01,
        "{said}"
    );
    let top = last.get("val_top_3_accuracy").expect("measured");
    assert!(
        (figure(&said, "top_3_accuracy") - top).abs() <= 1e-4,
        "{said}"
    );
    let inspected = ends(&mut place.taper(&["inspect", "own.taper"]), 0);
    assert!(
        inspected.contains("loss              my_loss\n"),
        "{inspected}"
    );
    assert!(inspected.contains("top_3_accuracy (k = 3)"), "{inspected}");
}
