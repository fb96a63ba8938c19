//! How layers are called: the user's names, and for the others Keras's, made from the class.

use crate::{Error, Result};
use std::collections::{HashMap, HashSet};

/// What a name is made of.
pub(crate) struct Named<'a> {
    /// Keras's class name.
    pub(crate) class_name: &'static str,
    /// The name that the user gave.
    pub(crate) given: Option<&'a str>,
}

/// The names: the given ones, and for the others `conv2d`, `conv2d_1`, `max_pooling2d`, …; none is one of `taken`, the
/// names of inputs.
///
/// # Errors
/// Names that are empty, contain `/`, or stand twice.
pub(crate) fn of(taken: &[&str], layers: &[Named<'_>]) -> Result<Vec<String>> {
    let mut used = HashSet::new();
    for (index, name) in taken.iter().enumerate() {
        check(name, &mut used).map_err(|why| Error::Config(format!("input {index}: {why}")))?;
    }
    for (index, name) in layers
        .iter()
        .enumerate()
        .filter_map(|(index, layer)| Some((index, layer.given?)))
    {
        check(name, &mut used).map_err(|why| Error::Config(format!("layer {index}: {why}")))?;
    }
    // Where the search goes on for each class: a thousand layers of one class do not ask for a thousand names each.
    let mut next = HashMap::new();
    let mut name = |layer: &Named<'_>| match layer.given {
        Some(name) => name.to_owned(),
        None => {
            let number = next.entry(layer.class_name).or_insert(0);
            let free = free_name(&snake_case(layer.class_name), number, &used);
            used.insert(free.clone());
            free
        }
    };
    Ok(layers.iter().map(&mut name).collect())
}

fn check(name: &str, used: &mut HashSet<String>) -> Result<(), String> {
    if name.is_empty() || name.contains('/') {
        return Err(format!(
            "a name must not be empty or contain '/', this one is {name:?}"
        ));
    }
    if !used.insert(name.to_owned()) {
        return Err(format!("another layer is already called {name:?}"));
    }
    Ok(())
}

/// `class` (number 0), or the first of `class_1`, `class_2`, … that is not used; from `number` on, which is left behind it.
fn free_name(class: &str, number: &mut usize, used: &HashSet<String>) -> String {
    loop {
        let name = match *number {
            0 => class.to_owned(),
            number => format!("{class}_{number}"),
        };
        *number += 1;
        if !used.contains(&name) {
            return name;
        }
    }
}

/// Keras's way from a class name to a layer name: `MaxPooling2D` → `max_pooling2d`, `InputLayer` → `input_layer`.
pub(crate) fn snake_case(class_name: &str) -> String {
    let letters: Vec<char> = class_name.chars().collect();
    let mut name = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let word_begins = letter.is_uppercase()
            && i > 0
            && (letters[i - 1].is_lowercase()
                || letters.get(i + 1).is_some_and(|next| next.is_lowercase()));
        if word_begins {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case_is_that_of_keras() {
        for (class, name) in [
            ("Conv2D", "conv2d"),
            ("MaxPooling2D", "max_pooling2d"),
            ("Dense", "dense"),
            ("InputLayer", "input_layer"),
            ("BatchNormalization", "batch_normalization"),
            ("ReLU", "re_lu"),
            ("LSTM", "lstm"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }

    #[test]
    fn names_of_inputs_are_taken() {
        let dense = |given| Named {
            class_name: "Dense",
            given,
        };
        assert_eq!(
            of(&["dense", "image"], &[dense(None), dense(Some("stem"))]).unwrap(),
            ["dense_1", "stem"]
        );
        let error = of(&["image"], &[dense(Some("image"))]).unwrap_err();
        assert!(error.to_string().starts_with("layer 0: another layer"));
        assert!(of(&["a", "a"], &[]).is_err());
    }
}
