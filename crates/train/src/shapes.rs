//! Checks that model and data fit each other, before anything is computed, with messages that say what to change.

use crate::{
    Error, Result, hints,
    outputs::{Term, Wishes},
};
use taper_datasets::{Dataset, Field};
use taper_nn::Model;

/// The data set has samples, its inputs are what the model takes, and batches have a size. Which of the data set's inputs
/// each of the model's is.
pub(crate) fn check(
    operation: &'static str,
    model: &Model,
    data: &dyn Dataset,
    batch_size: usize,
) -> Result<Vec<usize>> {
    if batch_size == 0 {
        return Err(Error::Setting(format!(
            "{operation}: the batch size must be at least 1"
        )));
    }
    if data.is_empty() {
        return Err(Error::EmptyDataset {
            operation,
            name: data.name().to_owned(),
        });
    }
    if u32::try_from(data.len()).is_err() {
        let message = format!(
            "{operation}: {} has {} samples; at most 2^32 - 1 can be numbered",
            data.name(),
            data.len()
        );
        return Err(Error::Setting(message));
    }
    let wanted: Vec<Field> = model
        .inputs()
        .map(|(name, shape)| Field::new(name, shape))
        .collect();
    let given = data.inputs();
    let fields = matched(INPUTS, &wanted, &given, data.name())
        .map_err(|message| Error::shapes(operation, message))?;
    for (wanted, &field) in wanted.iter().zip(&fields) {
        let (wants, has) = (&wanted.shape, &given[field].shape);
        if wants == has {
            continue;
        }
        let same = wanted.size() == given[field].size();
        let hint = if same {
            "; begin the model with a Reshape layer, or give it the data's shape"
        } else {
            ""
        };
        let name = data.name();
        let message = match several(&wanted_names(model), &given) {
            false => format!(
                "the model takes samples of shape {wants:?}, but those of {name} are {has:?}{hint}"
            ),
            true => format!(
                "the model takes samples of shape {wants:?} as input {}, but those of {name} are {has:?} (its input \
                 {}){hint}",
                wanted.name, given[field].name
            ),
        };
        return Err(Error::shapes(operation, message));
    }
    Ok(fields)
}

/// One term an output: the targets are what its loss takes.
pub(crate) fn terms<'a>(
    operation: &'static str,
    model: &Model,
    data: &dyn Dataset,
    wishes: &Wishes<'a>,
) -> Result<Vec<Term<'a>>> {
    wishes.check(operation, model)?;
    let names = model.output_names();
    let outputs = names.iter().zip(model.output_shapes());
    let outputs: Vec<Field> = outputs.map(|(n, s)| Field::new(n.as_str(), s)).collect();
    let given = data.targets();
    let fields = matched(TARGETS, &outputs, &given, data.name())
        .map_err(|message| Error::shapes(operation, message))?;
    let term = |(output, field): (Field, usize)| {
        let (loss, weight) = wishes.loss_of(&output.name);
        let term = Term {
            loss,
            weight,
            output: output.shape,
            field,
            target: given[field].shape.clone(),
            name: output.name,
        };
        check_target(operation, &term, wishes, &given, names.len(), data.name())?;
        Ok(term)
    };
    outputs.into_iter().zip(fields).map(term).collect()
}

/// The targets are what the loss takes for such an output.
fn check_target(
    operation: &'static str,
    term: &Term<'_>,
    wishes: &Wishes<'_>,
    given: &[Field],
    outputs: usize,
    data: &str,
) -> Result<()> {
    let (output, target) = (&term.output, &term.target);
    term.loss.check_target(output, target).map_err(|error| {
        let classes = if term.loss.is_classification() {
            "; the last layer must have as many units as there are classes"
        } else {
            ""
        };
        let hint = hints::about_targets(term.loss.name(), output, target);
        let classes = hint.as_deref().unwrap_or(classes);
        let own = if outputs > 1 && !wishes.has_own_loss(&term.name) {
            format!("; an output gets a loss of its own with loss_for({:?}, …)", term.name)
        } else {
            String::new()
        };
        let message = match outputs > 1 || given.len() > 1 {
            false => format!(
                "the model's output {output:?} does not fit the targets {target:?} of {data}{classes} ({error})"
            ),
            true => format!(
                "the model's output {} {output:?} does not fit the targets {} {target:?} of {data}{classes}{own} \
                 ({error})",
                term.name, given[term.field].name
            ),
        };
        Error::shapes(operation, message)
    })
}

/// What is matched with what, in words: the model's, the data set's, and what to do.
type Words = (&'static str, &'static str, &'static str);

const INPUTS: Words = (
    "inputs",
    "inputs",
    "name the data set's inputs as the model's (InMemory::named, Dataset::inputs), or the model's as the data set's \
     (Functional::input)",
);

const TARGETS: Words = (
    "outputs",
    "targets",
    "name the data set's targets as the model's outputs (InMemory::named, Dataset::targets), or the layers that make \
     the outputs as the targets (.name(…))",
);

/// Which of the data set's fields each of the model's is. A model with one takes that of its name or else the first,
/// which is what a data set's `input_shape` and `target_shape` are about; several are found by name.
fn matched(
    (of_model, of_data, advice): Words,
    wanted: &[Field],
    given: &[Field],
    data: &str,
) -> Result<Vec<usize>, String> {
    let find = |field: &Field| given.iter().position(|given| given.name == field.name);
    if let ([one], false) = (wanted, given.is_empty()) {
        return Ok(vec![find(one).unwrap_or(0)]);
    }
    let found: Vec<Option<usize>> = wanted.iter().map(find).collect();
    let pairs = wanted.iter().zip(&found);
    let missing: Vec<&str> = pairs
        .filter(|(_, found)| found.is_none())
        .map(|(field, _)| field.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(found.into_iter().flatten().collect());
    }
    let list = |fields: &[Field]| {
        let each = fields.iter().map(|f| format!("{} {:?}", f.name, f.shape));
        each.collect::<Vec<_>>().join(", ")
    };
    Err(format!(
        "the model has the {of_model} {}, and {data} the {of_data} {}: none is called {}; {advice}",
        list(wanted),
        list(given),
        missing.join(" or ")
    ))
}

fn wanted_names(model: &Model) -> Vec<&str> {
    model.inputs().map(|(name, _)| name).collect()
}

/// Whether names are worth saying.
fn several(wanted: &[&str], given: &[Field]) -> bool {
    wanted.len() > 1 || given.len() > 1
}
