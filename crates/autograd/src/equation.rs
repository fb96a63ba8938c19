//! The letters of an `einsum`: which axis of which operand each one names, and which axes come out.

use std::fmt;
use taper_tensor::{Error, Result};

/// The name of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// A letter of the equation.
    Letter(char),
    /// One of the axes behind an ellipsis, counted from the last of them.
    Dots(usize),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Letter(letter) => write!(f, "{letter}"),
            Label::Dots(_) => write!(f, "..."),
        }
    }
}

/// The labels of all axes of all operands, and those of the result.
pub(crate) struct Equation {
    pub(crate) inputs: Vec<Vec<Label>>,
    pub(crate) output: Vec<Label>,
}

impl Equation {
    /// Reads an equation for operands of these shapes.
    ///
    /// # Errors
    /// When it cannot be read, or does not fit the shapes; the message has the equation.
    pub(crate) fn read(text: &str, shapes: &[&[usize]]) -> Result<Self> {
        read(text, shapes)
            .map_err(|what| Error::shape("einsum", format!("{text:?} of {shapes:?}: {what}")))
    }
}

fn read(text: &str, shapes: &[&[usize]]) -> Result<Equation, String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match text.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (text.as_str(), None),
    };
    let terms: Vec<&str> = inputs.split(',').collect();
    if terms.len() != shapes.len() || shapes.is_empty() {
        return Err(format!(
            "it names {} operands, {} are given",
            terms.len(),
            shapes.len()
        ));
    }
    let terms = terms.into_iter().zip(shapes);
    let inputs = terms.map(|(term, shape)| labels(term, shape.len()));
    let inputs: Vec<Vec<Label>> = inputs.collect::<Result<_, _>>()?;
    check_lengths(&inputs, shapes)?;
    let is_dots = |label: &&Label| matches!(label, Label::Dots(_));
    let dots = inputs
        .iter()
        .map(|labels| labels.iter().filter(is_dots).count());
    let dots = dots.max().unwrap_or(0);
    let output = match output {
        Some(output) => told(output, dots, &inputs)?,
        None => implied(dots, &inputs),
    };
    Ok(Equation { inputs, output })
}

/// The letters in front of an ellipsis and those behind it; of what has none, no letters behind and `false`.
fn parts(term: &str) -> Result<(Vec<char>, Vec<char>, bool), String> {
    let (front, behind, has_dots) = match term.split_once("...") {
        Some((front, behind)) => (front, behind, true),
        None => (term, "", false),
    };
    if let Some(odd) = term
        .replacen("...", "", 1)
        .chars()
        .find(|c| !c.is_alphabetic())
    {
        return Err(format!(
            "{odd:?} is no letter; an axis is a letter, and axes without names are \"...\", once an operand"
        ));
    }
    Ok((front.chars().collect(), behind.chars().collect(), has_dots))
}

/// A label for each of the `rank` axes.
fn labels(term: &str, rank: usize) -> Result<Vec<Label>, String> {
    let (front, behind, has_dots) = parts(term)?;
    let letters = front.len() + behind.len();
    if letters > rank || (!has_dots && letters < rank) {
        return Err(format!(
            "{term:?} names {letters} axes of an operand that has {rank}"
        ));
    }
    let dots = (0..rank - letters).rev().map(Label::Dots);
    let front = front.into_iter().map(Label::Letter);
    Ok(front
        .chain(dots)
        .chain(behind.into_iter().map(Label::Letter))
        .collect())
}

/// The axes of a result that is told.
fn told(output: &str, dots: usize, inputs: &[Vec<Label>]) -> Result<Vec<Label>, String> {
    let (front, behind, has_dots) = parts(output)?;
    if dots > 0 && !has_dots {
        return Err("the result must have the \"...\" of the operands".into());
    }
    let letters: Vec<char> = front.iter().chain(&behind).copied().collect();
    for (i, &letter) in letters.iter().enumerate() {
        if letters[..i].contains(&letter) {
            return Err(format!("the result has the axis {letter} twice"));
        }
        if !inputs
            .iter()
            .flatten()
            .any(|&label| label == Label::Letter(letter))
        {
            return Err(format!(
                "the result has an axis {letter}, which no operand has"
            ));
        }
    }
    let front = front.into_iter().map(Label::Letter);
    let middle = (0..dots).rev().map(Label::Dots);
    Ok(front
        .chain(middle)
        .chain(behind.into_iter().map(Label::Letter))
        .collect())
}

/// The axes of a result that is not told: those of ellipses, then the letters that stand once, in alphabetical order.
fn implied(dots: usize, inputs: &[Vec<Label>]) -> Vec<Label> {
    let letters = inputs.iter().flatten().filter_map(|label| match label {
        Label::Letter(letter) => Some(*letter),
        Label::Dots(_) => None,
    });
    let mut letters: Vec<char> = letters.collect();
    letters.sort_unstable();
    let runs = letters.chunk_by(|a, b| a == b).filter(|run| run.len() == 1);
    let once = runs.map(|run| Label::Letter(run[0]));
    (0..dots).rev().map(Label::Dots).chain(once).collect()
}

/// A letter has one length everywhere; axes of ellipses are broadcast.
fn check_lengths(inputs: &[Vec<Label>], shapes: &[&[usize]]) -> Result<(), String> {
    let axes = || {
        inputs
            .iter()
            .zip(shapes)
            .flat_map(|(labels, shape)| labels.iter().zip(*shape))
    };
    for (label, &length) in axes() {
        let fits = |other: usize| match label {
            Label::Letter(_) => other == length,
            Label::Dots(_) => other == length || other == 1 || length == 1,
        };
        let same = axes().filter(|(other, _)| *other == label);
        if let Some((_, other)) = same.into_iter().find(|(_, other)| !fits(**other)) {
            return Err(format!(
                "the axis {label} has the lengths {length} and {other}"
            ));
        }
    }
    Ok(())
}
