//! Study files: what the bundled one means, and what is said about wrong ones.

use serde_json::Value;
use taper_experiments::study::{Overrides, Study};
use taper_nn::Seed;

/// A small study with `line` in its variants.
fn with_variant(line: &str) -> String {
    format!(
        "name = \"s\"\ndataset = \"mnist\"\nepochs = 1\nbatch_size = 8\nseeds = [0]\n\
         [optimizer]\nclass_name = \"SGD\"\nlearning_rate = 0.1\nmomentum = 0.5\n\
         [network]\ninput_shape = [28, 28, 1]\nlayers = [\n{{ layer = \"Flatten\" }},\n\
         {{ layer = \"Dense\", units = 8, activation = \"relu\", name = \"hidden\" }},\n\
         {{ layer = \"Dense\", units = 10, activation = \"softmax\", regularize = true }},\n]\n[variants]\n{line}\n"
    )
}

fn message(text: &str) -> String {
    Study::parse("file.toml", text)
        .expect_err("a wrong study")
        .to_string()
}

#[test]
fn the_bundled_study_is_the_four_variants() {
    let study = Study::regularization();
    let names: Vec<&str> = study.variants.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["baseline", "l2", "l2_dropout50", "l2_dropout20"]);
    assert_eq!(
        (
            study.base().epochs,
            study.base().batch_size,
            study.base().seeds.as_slice()
        ),
        (8, 64, &[0][..])
    );
    for (name, dropout, l2) in [
        ("baseline", None, None),
        ("l2", None, Some(0.01)),
        ("l2_dropout50", Some(0.5), Some(0.01)),
        ("l2_dropout20", Some(0.2), Some(0.01)),
    ] {
        let model = study.build(name, Seed(0)).expect("a network");
        let count: usize = model
            .parameters()
            .iter()
            .map(|parameter| parameter.value.len())
            .sum();
        assert_eq!(count, 1_216_394, "{name}");
        let regularized: Vec<(String, f64)> = model
            .parameters()
            .iter()
            .filter_map(|parameter| {
                Some((
                    parameter.name.clone(),
                    parameter.regularizer.filter(|r| r.l2 > 0.0)?.l2,
                ))
            })
            .collect();
        let kernels = [
            "conv2d/kernel",
            "conv2d_1/kernel",
            "dense/kernel",
            "dense_1/kernel",
        ];
        let expected: Vec<(String, f64)> = l2
            .iter()
            .flat_map(|&l2| kernels.map(|name| (name.to_owned(), l2)))
            .collect();
        assert_eq!(regularized, expected, "{name}");

        let layers = study.network_of(name).expect("a network")["config"]["layers"]
            .as_array()
            .expect("layers")
            .clone();
        let classes: Vec<&str> = layers
            .iter()
            .filter_map(|layer| layer["class_name"].as_str())
            .collect();
        let rates: Vec<f64> = layers
            .iter()
            .filter_map(|layer| layer["config"]["rate"].as_f64())
            .collect();
        assert_eq!(
            rates,
            dropout.map_or(vec![], |rate| vec![rate; 4]),
            "{name}"
        );
        if dropout.is_some() {
            let order = [
                "Reshape",
                "Conv2D",
                "Dropout",
                "Conv2D",
                "Dropout",
                "MaxPooling2D",
                "Flatten",
                "Dense",
                "Dropout",
                "Dense",
                "Dropout",
                "Dense",
            ];
            assert_eq!(classes, order);
        }
    }
}

#[test]
fn a_variant_is_a_line() {
    let study = Study::parse("s", &with_variant("a = { set = { use_bias = false }, on = [\"hidden\"], kernel_regularizer = { l1 = 0.5, l2 = 0.25 } }"))
        .expect("a study");
    let layers = study.network_of("a").expect("a network")["config"]["layers"].clone();
    assert_eq!(layers[1]["config"]["use_bias"], false);
    assert_eq!(layers[1]["config"]["kernel_regularizer"]["l1"], 0.5);
    assert_eq!(
        layers[2]["config"].get("kernel_regularizer"),
        None::<&Value>
    );
    study.build("a", Seed(0)).expect("a network");
}

#[test]
fn a_variant_can_change_the_optimizer() {
    let study = Study::parse("s", &with_variant("a = { optimizer = { momentum = 0.9 } }\nb = { optimizer = { class_name = \"Adam\" }, batch_size = 4 }"))
        .expect("a study");
    let plan = |variant| study.plan(variant).expect("a plan");
    let (a, b) = (plan("a"), plan("b"));
    let config = a.optimizer.config();
    assert_eq!(
        (
            a.optimizer.class_name.as_str(),
            config["momentum"].as_f64(),
            config["learning_rate"].as_f64()
        ),
        ("SGD", Some(0.9), Some(0.1))
    );
    let config = b.optimizer.config();
    assert_eq!(
        (
            b.optimizer.class_name.as_str(),
            config.get("momentum"),
            config["learning_rate"].as_f64()
        ),
        ("Adam", None, Some(0.1))
    );
    assert_eq!((a.batch_size, b.batch_size), (8, 4));
}

#[test]
fn studies_survive_being_written_and_read() {
    for text in [
        with_variant(
            "z = {}\na = { dropout = 0.5, on = [\"hidden\"] }\nm = { optimizer = { learning_rate = 1e-4 } }",
        ),
        taper_experiments::study::REGULARIZATION.into(),
    ] {
        let study = Study::parse("s", &text).expect("a study");
        let written = study.to_toml().expect("TOML");
        assert_eq!(
            Study::parse("again", &written).expect("the same study"),
            study,
            "{written}"
        );
    }
}

#[test]
fn wrong_studies_are_told_file_key_and_what_is_allowed() {
    let good = with_variant("a = {}");
    let cases = [
        (
            with_variant("a = { dropuot = 0.5 }"),
            vec!["dropuot", "dropout", "kernel_regularizer"],
        ),
        (
            with_variant("a = { kernel_regularizer = { l3 = 1.0 } }"),
            vec!["l3", "l1", "l2"],
        ),
        (
            with_variant("a = { kernel_regularizer = { l2 = -1.0 } }"),
            vec!["variants.a", "kernel_regularizer", "not negative"],
        ),
        (
            with_variant("a = { dropout = 1.0 }"),
            vec!["variants.a", "dropout", "below 1"],
        ),
        (
            with_variant("a = { dropout = \"half\" }"),
            vec!["a = ", "f64"],
        ),
        (
            with_variant("a = { on = [\"hiden\"], dropout = 0.1 }"),
            vec!["variants.a", "hiden", "hidden"],
        ),
        (with_variant("\"a/b\" = {}"), vec!["a/b", "letters, digits"]),
        (with_variant(""), vec!["variants", "baseline = {}"]),
        (
            good.replace("regularize = true", "regularize = false")
                .replace("a = {}", "a = { dropout = 0.1 }"),
            vec!["variants.a", "regularize = true"],
        ),
        (
            good.replace("epochs = 1", "epochs = 0"),
            vec!["epochs", "at least 1"],
        ),
        (
            good.replace("epochs = 1", "epochs = \"one\""),
            vec!["epochs", "line 3"],
        ),
        (
            good.replace("epochs = 1\n", ""),
            vec!["missing field", "epochs"],
        ),
        (
            good.replace("epochs = 1", "epoch = 1"),
            vec!["unknown field", "epoch", "expected one of"],
        ),
        (
            good.replace("seeds = [0]", "seeds = [1, 2, 1]"),
            vec!["seeds", "1 twice"],
        ),
        (
            good.replace("seeds = [0]", "seeds = []"),
            vec!["seeds", "empty"],
        ),
        (
            good.replace("[variants]", "[variants"),
            vec!["file.toml", "line"],
        ),
    ];
    for (text, parts) in cases {
        let message = message(&text);
        for part in parts.into_iter().chain(["file.toml"]) {
            assert!(message.contains(part), "no {part:?} in: {message}");
        }
    }
}

#[test]
fn wrong_options_are_told_line_and_what_is_allowed() {
    let variants = "a = {}\nb = { kernel_regularizer = { l2 = 0.1 }, dropout = 0.1 }";
    let good = with_variant(variants);
    for (from, to, line, parts) in [
        (
            "dropout = 0.1",
            "dropout = nan",
            19,
            &["variants.b.dropout", "below 1"][..],
        ),
        (
            "dropout = 0.1",
            "droput = 0.1",
            19,
            &["variants.b.droput", "`dropout`"],
        ),
        (
            "dropout = 0.1",
            "seeds = [1]",
            19,
            &["seeds", "study as a whole", "`dropout`"],
        ),
        (
            "dropout = 0.1",
            "set = { kernel_regularizer = \"l2\" }",
            19,
            &["variants.b.set", "kernel_regularizer", "leave one"],
        ),
        (
            "dropout = 0.1",
            "optimizer = { momentun = 0.9 }",
            19,
            &["variants.b.optimizer", "`momentum` or `nesterov`"],
        ),
        (
            "dropout = 0.1",
            "optimizer = { class_name = 3 }",
            19,
            &["variants.b.optimizer", "class_name", "no string"],
        ),
        (
            "batch_size = 8",
            "batch_size = 0",
            4,
            &["`batch_size`", "at least 1"],
        ),
        (
            "batch_size = 8",
            "batch_size = 8\ndropout = 0.5",
            5,
            &["belongs into a variant"],
        ),
        (
            "batch_size = 8",
            "batch_size = 8\nloss = \"hing\"",
            5,
            &["\"hing\"", "mean_squared_error"],
        ),
        (
            "momentum = 0.5",
            "momentum = \"a lot\"",
            6,
            &["`optimizer`", "a lot"],
        ),
    ] {
        let wrong = good.replacen(from, to, 1);
        let said = message(&wrong);
        let text = wrong.lines().nth(line - 1).expect("a line");
        let place = [
            format!("file.toml: line {line}: "),
            format!("\n{line} | {text}"),
        ];
        let parts = parts.iter().map(|part| (*part).to_owned());
        for part in parts.chain(place) {
            assert!(said.contains(&part), "no {part:?} in: {said}");
        }
    }
}

#[test]
fn layers_that_do_not_exist_or_fit_name_the_variant() {
    let study = Study::parse(
        "s",
        &with_variant("a = {}").replace("\"Flatten\"", "\"Flaten\""),
    )
    .expect("TOML is sound");
    let message = study
        .build("a", Seed(0))
        .map(|_| ())
        .expect_err("no such layer")
        .to_string();
    assert!(
        message.contains("variants.a") && message.contains("Flaten"),
        "{message}"
    );
    let study =
        Study::parse("s", &with_variant("a = { set = { unit = 3 } }")).expect("TOML is sound");
    let message = study
        .build("a", Seed(0))
        .map(|_| ())
        .expect_err("no such option")
        .to_string();
    assert!(
        message.contains("variants.a") && message.contains("unit"),
        "{message}"
    );
}

#[test]
fn overrides_change_what_they_name() {
    let quick = Overrides {
        quick: true,
        variants: Some(vec!["l2".into(), "baseline".into()]),
        ..Overrides::default()
    };
    let quick = quick.set("seeds", Some([3, 1])).expect("two seeds");
    let figures = |study: &Study| {
        let base = study.base();
        (base.epochs, base.train_size, base.test_size)
    };
    let study = Study::regularization().with(&quick).expect("valid");
    assert_eq!(figures(&study), (2, Some(6_000), Some(1_000)));
    let jobs: Vec<String> = study.jobs().iter().map(ToString::to_string).collect();
    assert_eq!(
        jobs,
        [
            "l2 (seed 3)",
            "baseline (seed 3)",
            "l2 (seed 1)",
            "baseline (seed 1)"
        ]
    );
    let both = quick.set("epochs", Some(5)).expect("a number");
    let both = both.set("train_size", Some(100)).expect("a number");
    let study = Study::regularization().with(&both).expect("valid");
    assert_eq!(figures(&study), (5, Some(100), Some(1_000)));
    for (key, value, part) in [
        ("epochs", 0, "at least 1"),
        ("epoch", 1, "`epochs`"),
        ("dropout", 0, "belongs into a variant"),
    ] {
        let wrong = Overrides::default()
            .set(key, Some(value))
            .expect("a number");
        let message = Study::regularization()
            .with(&wrong)
            .expect_err("no such value or option")
            .to_string();
        assert!(message.contains(key) && message.contains(part), "{message}");
    }
    let unknown = Overrides {
        variants: Some(vec!["l3".into()]),
        ..Overrides::default()
    };
    let message = Study::regularization()
        .with(&unknown)
        .expect_err("no such variant")
        .to_string();
    assert!(
        message.contains("`l3`") && message.contains("l2_dropout50"),
        "{message}"
    );
}

/// A few bytes must not stand for more than a machine can hold: each of these took gigabytes or minutes.
#[test]
fn studies_that_ask_for_too_much_are_refused() {
    let plain = with_variant("plain = {}");
    let list = |item: &str, count: usize| vec![item; count].join(",");
    let layers = |count| {
        plain.replace(
            "layers = [",
            &format!("layers = [{},", list("{ layer = \"Flatten\" }", count)),
        )
    };
    assert!(message(&layers(1_000)).contains("more than the 1000 allowed"));
    assert!(Study::parse("file.toml", &layers(900)).is_ok());
    let variants: String = (0..1_000).map(|i| format!("v{i} = {{}}\n")).collect();
    let many = |layers: String| layers + &variants;
    assert!(message(&many(layers(900))).contains("may have 500000"));
    let seeds: Vec<String> = (0..200).map(|i| i.to_string()).collect();
    let seeds = format!("seeds = [{}]", seeds.join(","));
    let trainings = many(plain.clone()).replace("seeds = [0]", &seeds);
    assert!(message(&trainings).contains("200200 trainings"));
    let options: String = (0..200).map(|i| format!("a{i} = 0, ")).collect();
    let set = format!("v = {{ set = {{ {} }} }}", options.trim_end_matches(", "));
    assert!(message(&with_variant(&set)).contains("more than the 1000 allowed"));
    assert!(message(&format!("# {}", "a".repeat(1 << 17))).contains("131072"));
}

#[test]
fn a_study_that_would_not_be_read_again_is_not_written() {
    let variants: String = (0..9_000).map(|i| format!("v{i}={{}}\n")).collect();
    let study = Study::parse("file.toml", &with_variant(&variants)).expect("short enough");
    let error = study.to_toml().expect_err("too long as TOML");
    assert!(error.to_string().contains("131072"), "{error}");
}
