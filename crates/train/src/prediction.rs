//! What a row of scores predicts, in one place: metrics, confusion matrices, class weights, lists of mistakes and the
//! program all ask here, so that a broken network is broken everywhere alike.
//!
//! - **A row that holds a NaN predicts nothing** (and neither does an empty one). Nothing is no class: it is wrong in
//!   [`Accuracy`](crate::Accuracy) and [`TopKAccuracy`](crate::TopKAccuracy), and
//!   [`ConfusionMatrix`](crate::ConfusionMatrix) counts it beside its table. ±∞ are scores like others.
//! - **Of equal scores the first class is predicted**, as by the `argmax` of NumPy and Keras.
//! - **A row of one score is the probability of class 1** of two: above 0.5 it predicts 1, otherwise 0.

/// The class that a row of scores predicts: the first of the greatest scores; `None` if one of them is NaN.
///
/// ```
/// use taper_train::prediction::predicted;
/// assert_eq!(predicted(&[0.1, 0.7, 0.2]), Some(1));
/// assert_eq!(predicted(&[0.4, 0.2, 0.4]), Some(0)); // the first of equals
/// assert_eq!(predicted(&[0.9, f32::NAN]), None);
/// assert_eq!(predicted(&[0.9]), Some(1)); // one score: the probability of class 1
/// ```
#[must_use]
pub fn predicted(scores: &[f32]) -> Option<usize> {
    match scores {
        [probability] => (!probability.is_nan()).then_some(usize::from(*probability > 0.5)),
        _ => first_greatest(scores),
    }
}

/// All classes with their scores, those of the greatest scores first, equal ones in the order of their numbers; `None`
/// where nothing is [`predicted`], and otherwise that class in front. One score p becomes those of two classes, 1 − p
/// and p.
///
/// ```
/// use taper_train::prediction::ranked;
/// assert_eq!(ranked(&[0.25, 0.5, 0.25]), Some(vec![(1, 0.5), (0, 0.25), (2, 0.25)]));
/// assert_eq!(ranked(&[0.75]), Some(vec![(1, 0.75), (0, 0.25)]));
/// assert_eq!(ranked(&[f32::NAN, 1.0]), None);
/// ```
#[must_use]
pub fn ranked(scores: &[f32]) -> Option<Vec<(usize, f32)>> {
    predicted(scores)?;
    let both;
    let scores = match scores {
        [probability] => {
            both = [1.0 - probability, *probability];
            &both
        }
        _ => scores,
    };
    let mut ranked: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    // Stable. None is NaN, so all can be compared; −0 and 0 are equal.
    ranked.sort_by(|(_, a), (_, b)| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));
    Some(ranked)
}

/// Whether `class` is among the `k` best of a row of scores: fewer than `k` are strictly greater, so that classes of the
/// same score count together, as in TensorFlow's `in_top_k`. False where nothing is [`predicted`], and for a class that
/// the row does not have.
///
/// ```
/// use taper_train::prediction::among_best;
/// assert!(among_best(&[0.5, 0.3, 0.2], 1, 2) && !among_best(&[0.5, 0.3, 0.2], 2, 2));
/// assert!(among_best(&[0.4, 0.4, 0.2], 1, 1)); // as good as the first
/// assert!(!among_best(&[0.4, f32::NAN, 0.2], 0, 3));
/// ```
#[must_use]
pub fn among_best(scores: &[f32], class: usize, k: usize) -> bool {
    match (scores, class) {
        // A single probability stands for two classes.
        ([p], 0..=1) => among_best(&[1.0 - p, *p], class, k),
        ([_], _) => false,
        _ => {
            let broken = scores.iter().any(|score| score.is_nan());
            scores.get(class).is_some_and(|score| {
                !broken && scores.iter().filter(|other| *other > score).count() < k
            })
        }
    }
}

/// Position of the first greatest value; `None` of none, or if one is NaN.
pub(crate) fn first_greatest(values: &[f32]) -> Option<usize> {
    let mut best = None;
    for (i, value) in values.iter().enumerate() {
        if value.is_nan() {
            return None;
        }
        if best.is_none_or(|best: usize| *value > values[best]) {
            best = Some(i);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Accuracy, ConfusionMatrix, Metric, TopKAccuracy};
    use taper_tensor::Tensor;

    const NAN: f32 = f32::NAN;
    const INF: f32 = f32::INFINITY;

    #[test]
    fn nan_anywhere_is_no_prediction() {
        for place in 0..4 {
            for rest in [0.0, 1.0, INF, -INF] {
                let mut scores = [rest; 4];
                scores[place] = NAN;
                assert_eq!(predicted(&scores), None);
                assert_eq!(ranked(&scores), None);
                for class in 0..4 {
                    assert!(
                        (1..=4).all(|k| !among_best(&scores, class, k)),
                        "{scores:?}"
                    );
                }
            }
        }
        assert_eq!((predicted(&[]), predicted(&[NAN])), (None, None));
        assert_eq!((ranked(&[]), ranked(&[NAN])), (None, None));
        assert!(!among_best(&[NAN], 0, 2) && !among_best(&[NAN], 1, 2) && !among_best(&[], 0, 1));
    }

    #[test]
    fn the_first_of_equals_is_predicted() {
        for (scores, class) in [
            (&[3.0, 3.0][..], 0),
            (&[0.1, 0.7, 0.7], 1),
            (&[-0.0, 0.0], 0),
            (&[0.0, 0.0, 0.0], 0),
            (&[-INF, -INF], 0),
            (&[1.0, INF, INF], 1),
            (&[0.5], 0),
            (&[0.500_000_06], 1),
            (&[INF], 1),
            (&[-INF], 0),
        ] {
            assert_eq!(predicted(scores), Some(class), "{scores:?}");
            let ranked = ranked(scores).unwrap();
            assert_eq!(ranked[0].0, class, "{scores:?}");
            assert!(among_best(scores, class, 1), "{scores:?}");
            assert_eq!(ranked.len(), scores.len().max(2));
        }
        assert!(!among_best(&[1.0, 2.0], 7, 9) && !among_best(&[0.7], 2, 9));
    }

    /// Everything that counts predictions says the same of a batch of whole, tied and broken rows.
    #[test]
    fn every_count_follows_the_one_rule() {
        let rows = [
            [0.1, 0.8, 0.1],
            [0.4, 0.2, 0.4],
            [0.1, NAN, 0.8],
            [NAN, NAN, NAN],
            [0.3, 0.3, 0.4],
        ];
        for label in 0..3 {
            let output = Tensor::from_slice([5, 3], rows.as_flattened()).unwrap();
            let sparse = Tensor::full([5], label as f32);
            let one_hot = Tensor::one_hot(&[label; 5], 3).unwrap();
            for target in [&sparse, &one_hot] {
                let right = |row: &&[f32; 3]| predicted(&row[..]) == Some(label);
                let share = rows.iter().filter(right).count() as f64 / 5.0;
                assert_eq!(Accuracy.measure(&output, target).unwrap(), share);
                let best = |row: &&[f32; 3]| among_best(&row[..], label, 2);
                let top = rows.iter().filter(best).count() as f64 / 5.0;
                let metric = TopKAccuracy::new(2);
                assert_eq!(metric.measure(&output, target).unwrap(), top);
                let mut confusion = ConfusionMatrix::new(3);
                confusion.update(&output, target).unwrap();
                assert_eq!(confusion.accuracy(), Some(share));
                assert_eq!(confusion.unpredicted(label), 2);
                assert_eq!(confusion.samples(label), 5);
            }
        }
    }
}
