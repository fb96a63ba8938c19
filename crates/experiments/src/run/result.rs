//! What is measured once, when a job is done: the confusion matrix and the worst mistakes.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use taper_datasets::Dataset;
use taper_nn::Model;
use taper_train::number;
use taper_train::prediction::ranked;

use super::Predictions;
use crate::Result;
use crate::picture::png;

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
    /// How many images of each true class have [no prediction](taper_train::prediction); empty if all have one (and in
    /// results from before they were counted).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unpredicted: Vec<u32>,
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
    /// What the network says; `None` if it gives [no prediction](taper_train::prediction).
    pub predicted: Option<usize>,
    /// Probability of what the network says; 0 if it says nothing.
    #[serde(with = "number")]
    pub probability: f64,
    /// Probability of the true class; 0 if the network says nothing.
    #[serde(with = "number")]
    pub truth_probability: f64,
    /// The image: a PNG in base64.
    pub png: String,
}

impl JobResult {
    /// Of what the network says of `data`.
    ///
    /// # Errors
    /// Images that cannot be read.
    pub fn of(model: &Model, data: &dyn Dataset, predictions: &Predictions) -> Result<JobResult> {
        let (confusion, unpredicted) = predictions.counts();
        let mut wrong: Vec<Mistake> = Vec::new();
        for (index, truth, scores) in predictions.iter() {
            let ranked = ranked(scores);
            let best = ranked.as_ref().and_then(|ranked| ranked.first());
            let predicted = best.map(|&(class, _)| class);
            if predicted != Some(truth) {
                let of = |class| {
                    let mut ranked = ranked.iter().flatten();
                    let entry = ranked.find(|(other, _)| *other == class);
                    entry.map_or(0.0, |&(_, probability)| f64::from(probability))
                };
                wrong.push(Mistake {
                    index,
                    truth,
                    predicted,
                    probability: predicted.map_or(0.0, of),
                    truth_probability: of(truth),
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
            unpredicted,
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
    use taper_datasets::InMemory;
    use taper_nn::{Seed, Sequential};
    use taper_tensor::Tensor;

    const NAN: f32 = f32::NAN;

    fn measured(scores: &[f32], width: usize, labels: &[f32]) -> JobResult {
        let n = labels.len();
        // A network that says what it is shown.
        let model = Sequential::new([1, width, 1])
            .add(taper_nn::layers::Flatten::default())
            .build(Seed(0))
            .unwrap();
        let inputs = Tensor::from_slice([n, 1, width, 1], scores).unwrap();
        let targets = Tensor::from_slice([n, 1], labels).unwrap();
        let data = InMemory::new(inputs, targets).unwrap();
        let predictions = Predictions::of(&model, &data, 2).unwrap();
        JobResult::of(&model, &data, &predictions).unwrap()
    }

    #[test]
    fn images_without_a_prediction_are_the_worst_mistakes() {
        let scores = [0.9, 0.1, NAN, 0.8, 0.3, 0.7, 0.5, 0.5, NAN, NAN];
        let result = measured(&scores, 2, &[0.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(result.confusion, [[1, 1], [1, 0]]);
        assert_eq!(result.unpredicted, [0, 2]);
        let said: Vec<_> = result
            .mistakes
            .iter()
            .map(|m| (m.index, m.predicted))
            .collect();
        assert_eq!(said, [(1, None), (4, None), (2, Some(1)), (3, Some(0))]);
        assert_eq!(result.mistakes[0].truth_probability, 0.0);
        let json = serde_json::to_string(&result).unwrap();
        assert_eq!(serde_json::from_str::<JobResult>(&json).unwrap(), result);
    }

    #[test]
    fn one_score_is_two_classes() {
        let result = measured(&[0.9, 0.2, 0.75, NAN], 1, &[1.0, 0.0, 0.0, 1.0]);
        assert_eq!(result.confusion, [[1, 1], [0, 1]]);
        assert_eq!(result.unpredicted, [0, 1]);
        let worst = &result.mistakes[1];
        assert_eq!((worst.predicted, worst.probability), (Some(1), 0.75));
        assert_eq!(worst.truth_probability, 0.25);
    }

    #[test]
    fn results_of_earlier_versions_can_be_read() {
        let old = r#"{"parameters":2,"network":"","confusion":[[1,1],[0,0]],"mistakes":[{"index":1,"truth":0,
            "predicted":1,"probability":0.75,"truth_probability":0.25,"png":""}]}"#;
        let read: JobResult = serde_json::from_str(old).unwrap();
        assert_eq!(read.mistakes[0].predicted, Some(1));
        assert!(read.unpredicted.is_empty());
        let written: serde_json::Value = serde_json::to_value(&read).unwrap();
        assert_eq!(
            written,
            serde_json::from_str::<serde_json::Value>(old).unwrap()
        );
    }

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
}
