//! Layers and junctions against Keras in f64: outputs, gradients of inputs and weights, statistics that move. The scripts
//! `fixtures/golden/layers_<family>.py` made the numbers.

use serde::Deserialize;
use serde_json::Value;
use taper_autograd::{Tape, Var};
use taper_nn::{Context, Result, WeightSpec, junctions, layers};
use taper_tensor::{Seed, Tensor};

/// What has no numbers: random in training and nothing at inference, or nothing at all. (Those that vary images are compared
/// with their draws fixed: `src/preparation/tests.rs`.)
const WITHOUT: &[&str] = &[
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "InputLayer",
    "RandomBrightness",
    "RandomColorJitter",
    "RandomContrast",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
];

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    class_name: String,
    config: Value,
    training: bool,
    inputs: Vec<Numbers>,
    weights: Vec<Weight>,
    outputs: Vec<Numbers>,
    back: Vec<Numbers>,
    input_gradients: Vec<Option<Numbers>>,
    tolerance: f64,
    /// Which steps of the first input count.
    #[serde(default)]
    mask: Option<Numbers>,
}

#[derive(Deserialize)]
struct Weight {
    name: String,
    shape: Vec<usize>,
    values: Vec<f64>,
    gradient: Option<Numbers>,
    after: Option<Numbers>,
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

/// The cases of every `layers_*.json`.
fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("layers_") && name.ends_with(".json") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut file: File =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            for case in &mut file.cases {
                bare_regularizers(&mut case.config);
            }
            cases.extend(file.cases);
        }
    }
    cases
}

/// Keras names the class of a regularizer; here its settings alone say what it is.
fn bare_regularizers(config: &mut Value) {
    let Value::Object(entries) = config else {
        return;
    };
    for (key, value) in entries.iter_mut() {
        if key.ends_with("_regularizer") && !value.is_null() {
            *value = value["config"].take();
        } else {
            bare_regularizers(value);
        }
    }
}

/// A layer, or a junction.
enum Unit {
    Layer(Box<dyn taper_nn::Layer<f64>>),
    Junction(Box<dyn taper_nn::Junction<f64>>),
}

impl Unit {
    fn of(case: &Case) -> Result<Self> {
        let is_layer = layers::all::<f64>()
            .iter()
            .any(|row| row.class_name == case.class_name);
        // What is a layer with one input may be a junction with several.
        Ok(
            if is_layer && case.inputs.len() == 1 && case.outputs.len() == 1 {
                Unit::Layer(layers::from_config(&case.class_name, &case.config)?)
            } else {
                Unit::Junction(junctions::from_config(&case.class_name, &case.config)?)
            },
        )
    }

    /// The shapes of the outputs and the weights, of one sample.
    fn describe(&self, inputs: &[&[usize]]) -> Result<(Vec<Vec<usize>>, Vec<WeightSpec>)> {
        Ok(match self {
            Unit::Layer(layer) => (
                vec![layer.output_shape(inputs[0])?],
                layer.weights(inputs[0])?,
            ),
            Unit::Junction(junction) => {
                (junction.output_shapes(inputs)?, junction.weights(inputs)?)
            }
        })
    }

    fn forward(
        &self,
        inputs: &[Var<f64>],
        weights: &[Var<f64>],
        context: &mut Context<f64>,
    ) -> Result<Vec<Var<f64>>> {
        match self {
            Unit::Layer(layer) => Ok(vec![layer.forward(&inputs[0], weights, context)?]),
            Unit::Junction(junction) => {
                let inputs: Vec<&Var<f64>> = inputs.iter().collect();
                junction.forward(&inputs, weights, context)
            }
        }
    }
}

/// What differs; an error is a difference, too.
fn differences(case: &Case) -> Result<Vec<String>> {
    let unit = Unit::of(case)?;
    let shapes: Vec<&[usize]> = case.inputs.iter().map(|x| &x.shape[1..]).collect();
    let (outputs, specs) = unit.describe(&shapes)?;
    let mut wrong = Vec::new();
    let wanted: Vec<&[usize]> = case.outputs.iter().map(|y| &y.shape[1..]).collect();
    if outputs != wanted {
        wrong.push(format!("says that its outputs are {outputs:?}"));
    }
    let mine: Vec<_> = specs.iter().map(|s| (&*s.name, &s.shape)).collect();
    let keras: Vec<_> = case.weights.iter().map(|w| (&*w.name, &w.shape)).collect();
    if mine != keras {
        wrong.push(format!("has the weights {mine:?}, Keras has {keras:?}"));
        return Ok(wrong);
    }

    let tape = Tape::new();
    let inputs: Vec<_> = case
        .inputs
        .iter()
        .map(|x| tape.parameter(&x.tensor()))
        .collect();
    let weights: Vec<_> = case
        .weights
        .iter()
        .map(|w| tape.parameter(&Tensor::from_slice(&w.shape[..], &w.values).unwrap()))
        .collect();
    let mut context = if case.training {
        Context::training(Seed(0), 0)
    } else {
        Context::inference()
    };
    context.set_mask(case.mask.as_ref().map(Numbers::tensor));
    let found = unit.forward(&inputs, &weights, &mut context)?;
    let mut loss = tape.constant(&Tensor::from_slice(&[][..], &[0.0])?);
    for (i, (found, case_back)) in found.iter().zip(&case.back).enumerate() {
        compare(
            case,
            &format!("output {i}"),
            found.value(),
            &case.outputs[i],
            &mut wrong,
        );
        loss = loss.add(&found.mul(&tape.constant(&case_back.tensor()))?.sum())?;
    }
    for penalty in &context.penalties {
        loss = loss.add(penalty)?;
    }
    for (weight, spec) in weights.iter().zip(&specs) {
        if let Some(regularizer) = spec.regularizer {
            loss = loss.add(&regularizer.penalty(weight)?)?;
        }
    }
    let gradients = loss.backward()?;
    let none = |v: &Var<f64>| Tensor::zeros(v.shape());
    let of = |v: &Var<f64>| gradients.get(v).cloned().unwrap_or_else(|| none(v));
    for (i, (input, wanted)) in inputs.iter().zip(&case.input_gradients).enumerate() {
        if let Some(wanted) = wanted {
            compare(
                case,
                &format!("gradient of input {i}"),
                &of(input),
                wanted,
                &mut wrong,
            );
        }
    }
    for (i, (weight, keras)) in weights.iter().zip(&case.weights).enumerate() {
        let name = &keras.name;
        if specs[i].trainable != keras.gradient.is_some() {
            wrong.push(format!("whether {name} learns is not as in Keras"));
        }
        if let Some(wanted) = &keras.gradient {
            compare(
                case,
                &format!("gradient of {name}"),
                &of(weight),
                wanted,
                &mut wrong,
            );
        }
        let after = context
            .updates()
            .iter()
            .rev()
            .find(|(index, _)| *index == i);
        match (after, &keras.after) {
            (Some((_, found)), Some(wanted)) => {
                compare(
                    case,
                    &format!("{name} afterwards"),
                    found,
                    wanted,
                    &mut wrong,
                );
            }
            (None, None) => {}
            _ => wrong.push(format!("whether {name} moves is not as in Keras")),
        }
    }
    Ok(wrong)
}

/// What is 0 but for rounding, such as the gradient of the keys' bias behind a softmax.
const NOTHING: f64 = 1e-15;

/// Within the case's tolerance of the value and of the largest of the tensor; a NaN is not.
fn compare(
    case: &Case,
    what: &str,
    found: &Tensor<f64>,
    wanted: &Numbers,
    wrong: &mut Vec<String>,
) {
    if found.shape() != wanted.shape {
        wrong.push(format!(
            "{what} is {:?}, Keras has {:?}",
            found.shape(),
            wanted.shape
        ));
        return;
    }
    let largest = wanted.values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    for (i, (found, wanted)) in found.to_vec().iter().zip(&wanted.values).enumerate() {
        let near = (found - wanted).abs() <= case.tolerance * (wanted.abs() + largest) + NOTHING;
        if !near {
            wrong.push(format!("{what} has {found} at {i}, Keras {wanted}"));
            return;
        }
    }
}

#[test]
fn every_layer_and_junction_has_golden_numbers() {
    let cases = cases();
    let layers = layers::all::<f64>().into_iter().map(|row| row.class_name);
    let junctions = junctions::all::<f64>()
        .into_iter()
        .map(|row| row.class_name);
    for name in layers.chain(junctions) {
        let has = cases.iter().any(|case| case.class_name == name);
        assert!(
            has != WITHOUT.contains(&name),
            "{name}: numbers in fixtures/golden/layers_*.json: {has}; listed as without: {}",
            WITHOUT.contains(&name)
        );
    }
}

#[test]
fn outputs_and_gradients_are_those_of_keras() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = differences(&case).unwrap_or_else(|error| vec![error.to_string()]);
        let shapes: Vec<_> = case.inputs.iter().map(|x| &x.shape).collect();
        let training = if case.training { ", training" } else { "" };
        for difference in found {
            wrong.push(format!(
                "{} {} of {shapes:?}{training}: {difference}",
                case.class_name, case.config
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
