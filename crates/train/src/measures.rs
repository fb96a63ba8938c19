//! What a checkpoint says of how its model was measured: the losses with their settings, and the metrics.

use crate::{CheckpointExt, Error, Evaluate, Result, goal::Goal, metrics, number};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper_autograd::Var;
use taper_checkpoint::Checkpoint;
use taper_nn::{Loss, Model, Result as NnResult, losses};
use taper_tensor::Tensor;

/// The key of a checkpoint's provenance.
const MEASURES: &str = "measures";
/// It is no longer than this, in bytes: thousands of metrics. In memory it takes many times its length.
const LONGEST_NOTE: usize = 1 << 20;

/// The losses with their settings and the metrics with which a checkpoint's model was trained.
///
/// ```no_run
/// # fn f(data: &dyn taper_datasets::Dataset) -> Result<(), Box<dyn std::error::Error>> {
/// use taper_train::{Checkpoint, CheckpointExt, Measures};
/// let checkpoint = Checkpoint::load("best.taper")?;
/// let measures = Measures::of(&checkpoint)?;
/// let model = checkpoint.into_model()?;
/// let (evaluate, unknown) = measures.evaluate(&model);
/// let measured = evaluate.run(&model, data)?; // as validation measured it, label smoothing included
/// assert!(unknown.is_empty(), "a loss or a metric of one's own");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Measures {
    losses: Vec<LossNote>,
    metrics: Vec<MetricNote>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct LossNote {
    /// `None`: the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    name: String,
    #[serde(default)]
    config: Value,
    #[serde(with = "number")]
    weight: f64,
    #[serde(default)]
    classification: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct MetricNote {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    name: String,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    weighted: bool,
}

impl Measures {
    /// What a checkpoint says. Files of earlier versions know the name of a loss and perhaps its settings; one that says
    /// nothing is taken for one of categorical cross-entropy.
    ///
    /// # Errors
    /// Notes that cannot be read.
    pub fn of(checkpoint: &Checkpoint) -> Result<Self> {
        let note = |key: &str| checkpoint.provenance.get(key);
        let unreadable = |error: serde_json::Error| {
            Error::Restore(format!("the notes on its loss cannot be read: {error}"))
        };
        let all = [MEASURES, "loss_config"].into_iter().filter_map(note);
        if let Some(long) = all.map(String::len).find(|length| *length > LONGEST_NOTE) {
            let message = format!("the notes on its loss have {long} bytes, which no loss has");
            return Err(Error::Restore(message));
        }
        if let Some(json) = note(MEASURES) {
            return serde_json::from_str(json).map_err(unreadable);
        }
        let config = note("loss_config").map(|json| serde_json::from_str(json));
        let name = note("loss").map_or("categorical_crossentropy", |name| name);
        Ok(Measures {
            losses: vec![LossNote {
                output: None,
                name: name.into(),
                config: config.transpose().map_err(unreadable)?.unwrap_or_default(),
                weight: 1.0,
                classification: false,
            }],
            metrics: Vec::new(),
        })
    }

    /// Name and value, a line each: `loss` (of each output: `loss of <output>`) with its settings, and `metrics`, such as
    /// `top_2_accuracy (k = 2)`.
    #[must_use]
    pub fn in_words(&self) -> Vec<(String, String)> {
        let of = |what: &str, output: &Option<String>| match output {
            Some(output) => format!("{what} of {output}"),
            None => what.to_owned(),
        };
        let mut lines: Vec<(String, String)> = Vec::new();
        for loss in &self.losses {
            let weight = match loss.weight {
                1.0 => String::new(),
                weight => format!(", weight {weight}"),
            };
            let value = with_settings(&loss.name, &loss.config) + &weight;
            lines.push((of("loss", &loss.output), value));
        }
        for metric in &self.metrics {
            let (name, value) = (
                of("metrics", &metric.output),
                with_settings(&metric.name, &metric.config),
            );
            match lines.iter_mut().find(|(other, _)| *other == name) {
                Some((_, values)) => *values += &format!(", {value}"),
                None => lines.push((name, value)),
            }
        }
        lines
    }

    /// What measures `model` in the same way, and what is a loss or a metric of the user's own, which a file cannot hold:
    /// such a metric is left out, and such a loss is NaN wherever it stands, beside metrics that are what they are.
    #[must_use]
    pub fn evaluate(&self, model: &Model) -> (Evaluate<'static>, Vec<String>) {
        let mut unknown = Vec::new();
        let mut evaluate = Evaluate::new(&Unknown {
            classification: false,
        });
        let names = model.output_names();
        let of_all = |output: &Option<String>| match output {
            Some(output) => vec![output.clone()],
            None => names.to_vec(),
        };
        for note in &self.losses {
            let known = || losses::from_config::<f32>(&note.name, &note.config);
            if known().is_err() {
                unknown.push(format!("the loss {}", note.name));
            }
            for output in of_all(&note.output) {
                let classification = note.classification;
                let loss = known().unwrap_or_else(|_| Box::new(Unknown { classification }));
                evaluate.outputs.loss(output.clone(), loss);
                evaluate.outputs.weight(output, note.weight);
            }
        }
        for note in &self.metrics {
            match metrics::restore(&note.name, &note.config) {
                Some(metric) => {
                    evaluate
                        .outputs
                        .metric(metric, note.output.clone(), note.weighted);
                }
                None => unknown.push(format!("the metric {}", note.name)),
            }
        }
        (evaluate, unknown)
    }
}

fn with_settings(name: &str, config: &Value) -> String {
    let settings = config.as_object().into_iter().flatten();
    let settings: Vec<String> = settings.map(|(k, v)| format!("{k} = {v}")).collect();
    match settings.is_empty() {
        true => name.to_owned(),
        false => format!("{name} ({})", settings.join(", ")),
    }
}

/// Adds what a run measures to a checkpoint's notes.
pub(crate) fn noted(checkpoint: Checkpoint, goal: &Goal<'_>) -> Checkpoint {
    let several = goal.terms.len() > 1;
    let output = |at: usize| several.then(|| goal.terms[at].name.clone());
    let losses = goal.terms.iter().enumerate().map(|(at, term)| LossNote {
        output: output(at),
        name: term.loss.name().into(),
        config: term.loss.config(),
        weight: term.weight,
        classification: term.loss.is_classification(),
    });
    let entries = goal.measured.metrics.iter().map(|entry| MetricNote {
        output: output(entry.output),
        name: entry.metric.name(),
        config: entry.metric.config(),
        weighted: entry.weighted,
    });
    let measures = Measures {
        losses: losses.collect(),
        metrics: entries.collect(),
    };
    // Strings and numbers in named fields: there is nothing here that JSON cannot say.
    let json = serde_json::to_string(&measures).unwrap_or_default();
    let noted = checkpoint.provenance(MEASURES, json);
    match &*goal.terms {
        [term]
            if term
                .loss
                .config()
                .as_object()
                .is_some_and(|c| !c.is_empty()) =>
        {
            noted.provenance("loss_config", term.loss.config().to_string())
        }
        _ => noted,
    }
}

/// Stands for a loss that only its author can compute.
#[derive(Debug)]
struct Unknown {
    classification: bool,
}

impl Loss for Unknown {
    fn name(&self) -> &'static str {
        "unknown"
    }

    fn forward(&self, output: &Var, _target: &Tensor) -> NnResult<Var> {
        Ok(output.tape().constant(&Tensor::scalar(f32::NAN)))
    }

    fn per_sample(&self, output: &Var, _target: &Tensor) -> NnResult<Var> {
        let samples = output.shape().first().copied().unwrap_or(1);
        Ok(output.tape().constant(&Tensor::full([samples], f32::NAN)))
    }

    fn check_target(&self, _output: &[usize], _target: &[usize]) -> NnResult<()> {
        Ok(())
    }

    fn is_classification(&self) -> bool {
        self.classification
    }
}
