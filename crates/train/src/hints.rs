//! What is usually meant where an output and a target do not fit: a layer that is missing, or another loss.

/// What to do, to be put behind a message; none where it is not known. Shapes are those of a sample.
pub(crate) fn about_targets(loss: &str, output: &[usize], target: &[usize]) -> Option<String> {
    let units = output.last().copied().unwrap_or(1);
    let one_number = target.is_empty() || target == [1];
    if output.len() > 1 && target.len() <= 1 && output.len() > target.len() {
        let axes = &output[..output.len() - 1];
        return Some(format!(
            "; the output keeps the axes {axes:?} of an image: is a Flatten layer missing in front of the Dense layers?"
        ));
    }
    match loss {
        "categorical_crossentropy" if one_number && units > 1 => Some(
            "; targets that are class numbers go with sparse_categorical_crossentropy (categorical_crossentropy takes a 1 \
             at the class and 0 elsewhere)"
                .into(),
        ),
        "sparse_categorical_crossentropy" if output == target && units > 1 => Some(
            "; targets with a 1 at the class and 0 elsewhere go with categorical_crossentropy".into(),
        ),
        "binary_crossentropy" if one_number && units > 1 => Some(
            "; one label a sample goes with one output, class numbers with sparse_categorical_crossentropy".into(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_named() {
        for (loss, output, target, part) in [
            (
                "categorical_crossentropy",
                &[24, 24, 10][..],
                &[10][..],
                "Flatten",
            ),
            (
                "sparse_categorical_crossentropy",
                &[24, 24, 10],
                &[1],
                "Flatten",
            ),
            ("mean_squared_error", &[24, 1], &[], "Flatten"),
            (
                "categorical_crossentropy",
                &[10],
                &[],
                "sparse_categorical_crossentropy",
            ),
            (
                "categorical_crossentropy",
                &[10],
                &[1],
                "sparse_categorical_crossentropy",
            ),
            (
                "sparse_categorical_crossentropy",
                &[10],
                &[10],
                "with categorical_crossentropy",
            ),
            (
                "binary_crossentropy",
                &[3],
                &[1],
                "sparse_categorical_crossentropy",
            ),
        ] {
            let hint = about_targets(loss, output, target).unwrap();
            assert!(hint.contains(part), "{hint}");
        }
        assert_eq!(
            about_targets("categorical_crossentropy", &[10], &[11]),
            None
        );
    }
}
