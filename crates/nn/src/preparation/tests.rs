//! Layers that vary images: with their draws fixed against Keras (`fixtures/golden/augmentation.py`), and what is drawn by its
//! statistics.

use super::{Augment, augment, drawn};
use crate::layers::*;
use crate::{AtInference, Context, Layer, Result, Seed, Sequential, config};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use taper_autograd::{Tape, Var};
use taper_tensor::{Stream, Tensor};

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    class_name: String,
    config: Value,
    drawn: Vec<Vec<f64>>,
    input: Numbers,
    output: Numbers,
    back: Numbers,
    gradient: Option<Numbers>,
    tolerance: f64,
}

#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Numbers {
    fn tensor(&self) -> Tensor<f64> {
        Tensor::from_slice(&self.shape[..], &self.values).unwrap()
    }
}

/// What is done with a layer that is read from its description, whichever it is.
trait Visit {
    type Out;
    fn visit<L: Augment + Layer<f64> + Layer<f32>>(self, layer: L) -> Self::Out;
}

fn with<V: Visit>(class_name: &str, config: &Value, visit: V) -> V::Out {
    fn read<L: DeserializeOwned>(class_name: &str, config: &Value) -> L {
        config::parse(class_name, config).unwrap()
    }
    match class_name {
        "RandomBrightness" => visit.visit(read::<RandomBrightness>(class_name, config)),
        "RandomContrast" => visit.visit(read::<RandomContrast>(class_name, config)),
        "RandomCrop" => visit.visit(read::<RandomCrop>(class_name, config)),
        "RandomErasing" => visit.visit(read::<RandomErasing>(class_name, config)),
        "RandomFlip" => visit.visit(read::<RandomFlip>(class_name, config)),
        "RandomGaussianBlur" => visit.visit(read::<RandomGaussianBlur>(class_name, config)),
        "RandomGrayscale" => visit.visit(read::<RandomGrayscale>(class_name, config)),
        "RandomHue" => visit.visit(read::<RandomHue>(class_name, config)),
        "RandomInvert" => visit.visit(read::<RandomInvert>(class_name, config)),
        "RandomPosterization" => visit.visit(read::<RandomPosterization>(class_name, config)),
        "RandomRotation" => visit.visit(read::<RandomRotation>(class_name, config)),
        "RandomSaturation" => visit.visit(read::<RandomSaturation>(class_name, config)),
        "RandomSharpness" => visit.visit(read::<RandomSharpness>(class_name, config)),
        "RandomShear" => visit.visit(read::<RandomShear>(class_name, config)),
        "RandomTranslation" => visit.visit(read::<RandomTranslation>(class_name, config)),
        "RandomZoom" => visit.visit(read::<RandomZoom>(class_name, config)),
        "Solarization" => visit.visit(read::<Solarization>(class_name, config)),
        other => panic!("{other} is not known here"),
    }
}

/// Applies what was drawn.
struct Transform<'a>(&'a Var<f64>, &'a [Vec<f64>]);

impl Visit for Transform<'_> {
    type Out = Result<Var<f64>>;
    fn visit<L: Augment + Layer<f64> + Layer<f32>>(self, layer: L) -> Self::Out {
        layer.output_shape(&self.0.shape()[1..])?;
        layer.transform(self.0, self.1)
    }
}

/// Draws for a batch of this shape.
struct Draw<'a>(&'a [usize], u64);

impl Visit for Draw<'_> {
    type Out = Vec<Vec<f64>>;
    fn visit<L: Augment + Layer<f64> + Layer<f32>>(self, layer: L) -> Self::Out {
        drawn(
            &layer,
            self.0,
            &mut Context::<f64>::training(Seed(11), self.1),
        )
    }
}

fn draw(class_name: &str, config: Value, batch: &[usize]) -> Vec<Vec<f64>> {
    with(class_name, &config, Draw(batch, 0))
}

#[test]
fn with_their_draws_fixed_they_are_those_of_keras() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/golden/augmentation.json"
    );
    let file: File = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut classes = std::collections::BTreeSet::new();
    for case in &file.cases {
        classes.insert(&*case.class_name);
        let tape = Tape::new();
        let x = tape.parameter(&case.input.tensor());
        let y = with(&case.class_name, &case.config, Transform(&x, &case.drawn)).unwrap();
        let loss = y.mul(&tape.constant(&case.back.tensor())).unwrap().sum();
        let found = loss.backward().unwrap();
        let found = found.get(&x).cloned();
        let found = found.unwrap_or_else(|| Tensor::zeros(x.shape()));
        let mut compare = |what: &str, found: &Tensor<f64>, wanted: &Numbers| {
            let largest = wanted.values.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            let difference = found.max_abs_difference(&wanted.tensor()).unwrap();
            let near = difference <= case.tolerance * largest; // false for NaN
            if !near {
                let Case {
                    class_name,
                    config,
                    drawn,
                    ..
                } = case;
                wrong.push(format!(
                    "{class_name} {config} {drawn:?}: {what} is off by {difference}"
                ));
            }
        };
        compare("output", y.value(), &case.output);
        if let Some(gradient) = &case.gradient {
            compare("gradient", &found, gradient);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The crop's place is tested below, color jitter is four of these.
    assert_eq!(classes.len(), 16);
}

/// Mean and extremes of one of the numbers that are drawn.
fn statistics(drawn: &[Vec<f64>], which: usize) -> [f64; 3] {
    let values = drawn.iter().map(|d| d[which]);
    let mean = values.clone().sum::<f64>() / drawn.len() as f64;
    let least = values.clone().fold(f64::INFINITY, f64::min);
    [mean, least, values.fold(f64::NEG_INFINITY, f64::max)]
}

#[test]
fn draws_have_the_ranges_of_keras() {
    const MANY: usize = 4000;
    let batch = [MANY, 20, 10, 3];
    // (layer, settings, which number, lowest and highest)
    let uniform = [
        (
            "RandomTranslation",
            json!({"height_factor": 0.5, "width_factor": [-0.2, 0.1]}),
            0,
            -10.0,
            10.0,
        ),
        (
            "RandomTranslation",
            json!({"height_factor": 0.5, "width_factor": [-0.2, 0.1]}),
            1,
            -2.0,
            1.0,
        ),
        ("RandomRotation", json!({"factor": 0.25}), 0, -90.0, 90.0),
        (
            "RandomRotation",
            json!({"factor": [0.0, 0.25]}),
            0,
            0.0,
            90.0,
        ),
        (
            "RandomZoom",
            json!({"height_factor": 0.5, "width_factor": [-0.2, 0.1]}),
            0,
            0.5,
            1.5,
        ),
        (
            "RandomZoom",
            json!({"height_factor": 0.5, "width_factor": [-0.2, 0.1]}),
            1,
            0.8,
            1.1,
        ),
        (
            "RandomShear",
            json!({"x_factor": 0.5, "y_factor": 0.25}),
            0,
            -0.5,
            0.5,
        ),
        (
            "RandomShear",
            json!({"x_factor": 0.5, "y_factor": 0.25}),
            1,
            -0.25,
            0.25,
        ),
        ("RandomBrightness", json!({"factor": 0.2}), 0, -51.0, 51.0),
        ("RandomContrast", json!({"factor": 0.2}), 0, 1.0, 1.2),
        ("RandomContrast", json!({"factor": [0.2, 0.4]}), 0, 0.8, 1.4),
        ("RandomSharpness", json!({"factor": 0.6}), 0, 0.0, 0.6),
        (
            "Solarization",
            json!({"threshold_factor": [0.2, 0.5]}),
            1,
            0.2,
            127.5,
        ),
    ];
    for (class_name, config, which, low, high) in uniform {
        let [mean, least, most] = statistics(&draw(class_name, config, &batch), which);
        let width = high - low;
        let near = |value: f64, wanted: f64| (value - wanted).abs() <= 0.03 * width;
        assert!(near(mean, (low + high) / 2.0), "{class_name}: {mean}");
        assert!(least >= low && near(least, low), "{class_name}: {least}");
        assert!(most < high && near(most, high), "{class_name}: {most}");
    }
    let shares = [
        ("RandomFlip", json!({}), 0.5),
        ("RandomErasing", json!({"fill_value": 1.0}), 0.25),
        (
            "RandomErasing",
            json!({"fill_value": 1.0, "factor": [1.0, 1.0]}),
            1.0,
        ),
        ("RandomInvert", json!({}), 0.5),
        ("RandomInvert", json!({"factor": 0.5}), 0.25),
        ("RandomGrayscale", json!({"factor": 0.2}), 0.2),
        ("RandomGaussianBlur", json!({}), 0.5),
    ];
    for (class_name, config, wanted) in shares {
        let [mean, ..] = statistics(&draw(class_name, config, &batch), 0);
        assert!((mean - wanted).abs() <= 0.03, "{class_name}: {mean}");
    }
    // Hue: as often one way as the other; bits: whole, without the upper end.
    let [mean, least, most] = statistics(&draw("RandomHue", json!({"factor": 0.5}), &batch), 0);
    assert!(mean.abs() <= 0.02 && least < -0.24 && most > 0.24 && most <= 0.25);
    let bits = draw("RandomPosterization", json!({"factor": [3.0, 6.0]}), &batch);
    let [mean, least, most] = statistics(&bits, 0);
    assert!((mean - 4.0).abs() <= 0.1 && least == 3.0 && most == 5.0);
    // The box has the area that was asked for, and lies in the image.
    let boxes = draw(
        "RandomErasing",
        json!({"scale": [0.1, 0.4], "fill_value": 0.0}),
        &batch,
    );
    let area = |d: &Vec<f64>| (d[2] - d[1]) * (d[4] - d[3]) / 200.0;
    assert!(boxes.iter().all(|d| (0.1..=0.4).contains(&area(d))));
    assert!(
        boxes
            .iter()
            .all(|d| d[1] >= 0.0 && d[2] <= 20.0 && d[3] >= 0.0 && d[4] <= 10.0)
    );
    let crops = draw("RandomCrop", json!({"height": 18, "width": 9}), &batch);
    let [mean, least, most] = statistics(&crops, 0);
    assert!((mean - 1.0).abs() <= 0.05 && least == 0.0 && most == 2.0);
}

#[test]
fn what_is_drawn_depends_on_seed_step_and_place_in_the_batch_alone() {
    let of_step = |step| {
        with(
            "RandomRotation",
            &json!({"factor": 1.0}),
            Draw(&[5, 3, 3, 1], step),
        )
    };
    assert_eq!(of_step(3), of_step(3));
    assert_ne!(of_step(3), of_step(4));
    let drawn = of_step(3);
    assert!(drawn.windows(2).all(|two| two[0] != two[1]));
    // A smaller batch begins as the larger one.
    let fewer = with(
        "RandomRotation",
        &json!({"factor": 1.0}),
        Draw(&[2, 3, 3, 1], 3),
    );
    assert_eq!(fewer, drawn[..2]);
}

/// All of them, with settings that always change something.
fn all() -> Vec<Box<dyn Layer<f32>>> {
    vec![
        Box::new(RandomFlip::new()),
        Box::new(RandomTranslation::new((0.2, 0.3), 0.3)),
        Box::new(RandomRotation::new((0.1, 0.2))),
        Box::new(RandomZoom::new((0.2, 0.5))),
        Box::new(RandomShear::new().x_factor((0.2, 0.5))),
        Box::new(
            RandomErasing::new()
                .factor((1.0, 1.0))
                .value_range(0.0, 1.0),
        ),
        Box::new(RandomBrightness::new((0.1, 0.2)).value_range(0.0, 1.0)),
        Box::new(RandomContrast::new(0.5).value_range(0.0, 1.0)),
        Box::new(RandomInvert::new().factor((1.0, 1.0)).value_range(0.0, 1.0)),
        Box::new(RandomGrayscale::new().factor(1.0)),
        Box::new(RandomPosterization::new((2.0, 3.0)).value_range(0.0, 1.0)),
        Box::new(RandomSharpness::new((0.7, 0.9)).value_range(0.0, 1.0)),
        Box::new(RandomSaturation::new((0.1, 0.2)).value_range(0.0, 1.0)),
        Box::new(RandomHue::new((0.2, 0.3)).value_range(0.0, 1.0)),
        Box::new(
            RandomColorJitter::new()
                .value_range(0.0, 1.0)
                .hue_factor((0.2, 0.3)),
        ),
        Box::new(Solarization::new().value_range(0.0, 1.0)),
        Box::new(
            RandomGaussianBlur::new()
                .factor((1.0, 1.0))
                .value_range(0.0, 1.0),
        ),
    ]
}

#[test]
fn at_inference_they_are_nothing() {
    let key = Seed(3).key(Stream::User(0), 0);
    let x = Tensor::<f32>::uniform([6, 5, 4, 3], 0.0, 1.0, key);
    for layer in all() {
        assert_eq!(layer.at_inference(), AtInference::Nothing, "{layer:?}");
        let run = |mut context: Context<f32>| {
            let x = Tape::new().constant(&x);
            layer
                .forward(&x, &[], &mut context)
                .unwrap()
                .value()
                .to_vec()
        };
        assert_eq!(run(Context::inference()), x.to_vec(), "{layer:?}");
        let trained = run(Context::training(Seed(1), 2));
        assert_ne!(trained, x.to_vec(), "{layer:?}");
        assert_eq!(trained, run(Context::training(Seed(1), 2)));
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let alone = pool.install(|| run(Context::training(Seed(1), 2)));
        assert_eq!(trained, alone, "{layer:?}");
    }
}

#[test]
fn prepared_models_leave_them_out() {
    let model = Sequential::new([6, 6, 1])
        .add(RandomFlip::new())
        .add(RandomRotation::new(0.2))
        .add(RandomCrop::new(4, 4))
        .add(Flatten)
        .add(Dense::new(2))
        .build(Seed(7))
        .unwrap();
    let x = Tensor::uniform([3, 6, 6, 1], 0.0, 1.0, Seed(3).key(Stream::User(0), 0));
    let wanted = model.predict(&x).unwrap().to_vec();
    let mut found = vec![0.0; 6];
    let mut prepared = model.prepare(3).unwrap();
    prepared
        .predict_into(x.as_slice().unwrap(), &mut found)
        .unwrap();
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() <= 1e-6, "{found}, {wanted}");
    }
}

#[test]
fn crops_are_parts_of_the_image() {
    let x = Tensor::<f64>::from_fn([40, 4, 5, 1], |i| (i % 20) as f64);
    let layer = RandomCrop::new(2, 2);
    let run = |context: &mut Context<f64>| {
        let x = Tape::new().constant(&x);
        Layer::forward(&layer, &x, &[], context)
            .unwrap()
            .value()
            .to_vec()
    };
    let crops = run(&mut Context::training(Seed(1), 0));
    let mut firsts = std::collections::BTreeSet::new();
    for crop in crops.chunks_exact(4) {
        assert_eq!(
            [crop[1], crop[2], crop[3]],
            [crop[0] + 1.0, crop[0] + 5.0, crop[0] + 6.0]
        );
        firsts.insert(crop[0] as usize);
    }
    assert!(firsts.len() > 8, "{firsts:?}");
    assert_eq!(run(&mut Context::inference())[..4], [6.0, 7.0, 11.0, 12.0]);
}

#[test]
fn empty_batches_pass() {
    let x = Tape::new().constant(&Tensor::<f64>::zeros([0, 4, 4, 3]));
    let y = augment(
        &RandomRotation::new(0.1),
        &x,
        &mut Context::training(Seed(1), 0),
    )
    .unwrap();
    assert_eq!(y.shape(), [0, 4, 4, 3]);
}
