//! What is measured once, when a job is done: the confusion matrix and the worst mistakes.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use taper_datasets::Dataset;
use taper_nn::Model;

use crate::picture::png;
use crate::{Error, Result};

/// How many mistakes are kept.
const MISTAKES: usize = 12;

/// What is measured when a job is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    /// Weights of the network.
    pub parameters: usize,
    /// The network as a Keras-like table.
    pub network: String,
    /// Rows: true classes; columns: predicted ones.
    #[serde(deserialize_with = "square")]
    pub confusion: Vec<Vec<u32>>,
    /// The validation images with the smallest probability of their true class, worst first.
    pub mistakes: Vec<Mistake>,
}

/// A validation image that the network takes for something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its number in the validation set.
    pub index: usize,
    /// Its true class.
    pub truth: usize,
    /// What the network says.
    pub predicted: usize,
    /// Probability of what the network says.
    pub probability: f64,
    /// Probability of the true class.
    pub truth_probability: f64,
    /// The image: a PNG in base64.
    pub png: String,
}

impl JobResult {
    /// Predicts all of `data`, a batch at a time, by [prepared inference](taper_nn::inference).
    ///
    /// # Errors
    /// A model that does not fit the data.
    pub fn measure(model: &Model, data: &dyn Dataset, batch_size: usize) -> Result<JobResult> {
        let classes = *model
            .output_shape()
            .last()
            .ok_or_else(|| Error::Fit("the model has no output".into()))?;
        let mut confusion = vec![vec![0u32; classes]; classes];
        let mut wrong: Vec<Mistake> = Vec::new();
        let outputs = taper_train::predict(model, data, batch_size)?.to_vec();
        for (index, probabilities) in outputs.chunks_exact(classes.max(1)).enumerate() {
            let (truth, predicted) = (true_class(data, index)?, argmax(probabilities));
            let Some(cell) = confusion
                .get_mut(truth)
                .and_then(|row| row.get_mut(predicted))
            else {
                continue;
            };
            *cell += 1;
            if truth != predicted {
                wrong.push(Mistake {
                    index,
                    truth,
                    predicted,
                    probability: f64::from(probabilities[predicted]),
                    truth_probability: f64::from(probabilities[truth]),
                    png: String::new(),
                });
            }
        }
        wrong.sort_by(|a, b| {
            a.truth_probability
                .total_cmp(&b.truth_probability)
                .then(a.index.cmp(&b.index))
        });
        wrong.truncate(MISTAKES);
        for mistake in &mut wrong {
            mistake.png = picture(data, mistake.index)?;
        }
        let parameters = model
            .parameters()
            .iter()
            .map(|parameter| parameter.value.len())
            .sum();
        Ok(JobResult {
            parameters,
            network: model.summary(),
            confusion,
            mistakes: wrong,
        })
    }
}

/// As many columns as rows: what is no such matrix is refused at the row that shows it.
fn square<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<Vec<u32>>, D::Error> {
    struct Rows;
    impl<'de> Visitor<'de> for Rows {
        type Value = Vec<Vec<u32>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a square matrix of counts")
        }

        fn visit_seq<A: SeqAccess<'de>>(
            self,
            mut seq: A,
        ) -> std::result::Result<Self::Value, A::Error> {
            let mut rows: Vec<Vec<u32>> = Vec::new();
            while let Some(row) = seq.next_element::<Vec<u32>>()? {
                let columns = rows.first().map_or(row.len(), Vec::len);
                if row.len() != columns || rows.len() == columns {
                    return Err(A::Error::invalid_length(rows.len() + 1, &self));
                }
                rows.push(row);
            }
            match rows.first() {
                Some(first) if first.len() != rows.len() => {
                    Err(A::Error::invalid_length(rows.len(), &self))
                }
                _ => Ok(rows),
            }
        }
    }
    deserializer.deserialize_seq(Rows)
}

/// The class of a sample: its label, or the largest entry of its target.
fn true_class(data: &dyn Dataset, index: usize) -> Result<usize> {
    if let Some(class) = data.label(index) {
        return Ok(class);
    }
    let mut target = vec![0.0; data.target_shape().iter().product()];
    data.read_target(index.into(), &mut target)?;
    Ok(argmax(&target))
}

/// Position of the largest value (the first of equals; NaN never wins).
fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (i, &value) in values.iter().enumerate() {
        if value > values[best] || values[best].is_nan() {
            best = i;
        }
    }
    best
}

fn picture(data: &dyn Dataset, index: usize) -> Result<String> {
    let shape = data.input_shape();
    let mut values = vec![0.0; shape.iter().product()];
    data.read_input(index.into(), &mut values)?;
    let bytes: Vec<u8> = values
        .iter()
        .map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8)
        .collect();
    png::encode(shape, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confusion_matrix_is_square() {
        let read = |confusion: &str| {
            let json =
                format!(r#"{{"parameters":1,"network":"","confusion":{confusion},"mistakes":[]}}"#);
            serde_json::from_str::<JobResult>(&json)
        };
        for square in ["[]", "[[3]]", "[[1,2],[3,4]]"] {
            assert!(read(square).is_ok(), "{square}");
        }
        for other in [
            "[[]]",
            "[[],[]]",
            "[[1],[2]]",
            "[[1,2]]",
            "[[1,2],[3]]",
            "3",
        ] {
            assert!(read(other).is_err(), "{other}");
        }
    }

    #[test]
    fn argmax_takes_the_first_of_equals_and_no_nan() {
        assert_eq!(argmax(&[0.1, 0.7, 0.7]), 1);
        assert_eq!(argmax(&[f32::NAN, -1.0, f32::NAN, -0.5]), 3);
    }
}
