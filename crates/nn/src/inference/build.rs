//! From layers to steps, and from steps to stages.

use super::fold::Item;
use super::run::{Stage, Step};
use super::steps::{self, Found, Row, Then};
use crate::{ActivationKind, Linear, Model, Result, Sigmoid, Softmax};

/// What runs for `model`, in order; at least one stage.
pub(super) fn stages(model: &Model) -> Result<Vec<Stage>> {
    let mut stages: Vec<Stage> = Vec::new();
    for step in steps_of(model)? {
        match stages.last_mut() {
            Some(stage) if stage.is_local && step.is_local() => stage.steps.push(step),
            _ => stages.push(Stage {
                is_local: step.is_local(),
                steps: vec![step],
            }),
        }
    }
    Ok(stages)
}

/// Takes the activation function of the last layer away where losses may take it in, and says which it is.
pub(super) fn take_last(model: &Model, stages: &mut [Stage]) -> ActivationKind {
    let last = model.head.as_ref().map(|head| head.activation);
    let taken = stages
        .last_mut()
        .and_then(|stage| stage.steps.last_mut())
        .and_then(|step| {
            step.then.pop_if(|then| match then {
                Then::Softmax(_) => last == Some(Softmax),
                Then::Sigmoid => last == Some(Sigmoid),
                _ => false,
            })
        });
    taken.and(last).unwrap_or(Linear)
}

fn steps_of(model: &Model) -> Result<Vec<Step>> {
    let items = Item::all(model);
    let table = steps::all();
    let mut steps = Vec::new();
    let mut first = 0;
    let mut start = model.input_shape();
    while first < items.len() || steps.is_empty() {
        let ahead = &items[first..];
        let (name, mut found) = match find(&table, model, ahead)? {
            Some(found) => found,
            None => ("copy", Found::copy(start)),
        };
        let mut covers = found.covers;
        while let Some(then) = ahead.get(covers).and_then(Then::of) {
            found.then.push(then);
            covers += 1;
        }
        let covered = &ahead[..covers];
        let output = covered.last().map_or(start, |item| item.output);
        steps.push(Step {
            name,
            layers: covered.first().map_or(0..0, |item| {
                item.index..covered.last().map_or(item.index, |last| last.index + 1)
            }),
            inputs: start.iter().product(),
            outputs: output.iter().product(),
            work: found.work,
            then: found.then,
        });
        first += covers;
        start = output;
    }
    Ok(steps)
}

/// The first row that can make something of the layers ahead, by name.
fn find(table: &[Row], model: &Model, ahead: &[Item<'_>]) -> Result<Option<(&'static str, Found)>> {
    for row in table.iter().filter(|_| !ahead.is_empty()) {
        if let Some(found) = (row.find)(model, ahead)? {
            return Ok(Some((row.name, found)));
        }
    }
    Ok(None)
}
