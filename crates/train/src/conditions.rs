//! What the result of a run depends on, so that going on under other conditions is refused, or asked for by name and noted.

use crate::{Error, Result, goal::Goal, settings::Settings};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use taper_checkpoint::{OptimizerState, Position};
use taper_datasets::Dataset;
use taper_nn::losses;
use taper_optim::optimizers;

/// The key of a checkpoint's provenance that holds what was changed, as a JSON list.
pub(crate) const CHANGES: &str = "changes";
/// That list is no longer than this, in bytes: thousands of changes. In memory it takes many times its length.
const LONGEST_NOTE: usize = 1 << 20;

/// Conditions by name, e.g. `loss.label_smoothing`; each is compared where both sides know it.
pub(crate) type Conditions = Map<String, Value>;

/// What differs, by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) name: String,
    was: Value,
    is: Value,
}

/// What holds here, without the optimizer and the seed, which a checkpoint has anyway.
pub(crate) fn here(settings: &Settings<'_>, goal: &Goal<'_>, data: &dyn Dataset) -> Conditions {
    let mut all = Conditions::new();
    for term in &goal.terms {
        let at = match goal.terms.len() {
            1 => "loss".to_owned(),
            _ => format!("loss.{}", term.name),
        };
        if goal.terms.len() > 1 {
            all.insert(format!("{at}.weight"), json!(term.weight));
        }
        let config = losses::from_config::<f32>(term.loss.name(), &term.loss.config());
        let config = config.map_or_else(|_| term.loss.config(), |loss| loss.config());
        all.insert(at.clone(), json!(term.loss.name()));
        insert(&mut all, &at, config);
    }
    let mut metrics = Map::new();
    for entry in &goal.measured.metrics {
        metrics.insert(entry.name.clone(), entry.metric.config());
    }
    all.insert("metrics".into(), Value::Object(metrics));
    all.insert("batch_size".into(), json!(settings.batch_size));
    all.insert("shuffle".into(), json!(settings.shuffle));
    let weights = settings.class_weight.iter();
    let weights = weights.map(|(class, weight)| (class.to_string(), json!(weight)));
    all.insert("class_weight".into(), Value::Object(weights.collect()));
    all.insert("data.samples".into(), json!(data.len()));
    let shapes = |fields: Vec<taper_datasets::Field>| -> Vec<Value> {
        let fields = fields.into_iter();
        fields
            .map(|field| json!([field.name, field.shape]))
            .collect()
    };
    all.insert("data.inputs".into(), json!(shapes(data.inputs())));
    all.insert("data.targets".into(), json!(shapes(data.targets())));
    if let Some(fingerprint) = data.fingerprint() {
        all.insert("data.fingerprint".into(), json!(fingerprint));
    }
    all
}

/// With the optimizer and the seed.
pub(crate) fn whole(
    mut conditions: Conditions,
    optimizer: &OptimizerState,
    position: &Position,
) -> Conditions {
    let config = serde_json::from_str(&optimizer.config).unwrap_or(Value::Null);
    // What an earlier version did not write down has its default.
    let config = match optimizers::from_config::<f32>(&optimizer.class_name, &config) {
        Ok(known) => serde_json::from_str(&known.config().to_string()).unwrap_or(config),
        Err(_) => config,
    };
    conditions.insert("optimizer".into(), json!(optimizer.class_name));
    insert(&mut conditions, "optimizer", config);
    conditions.insert("seed".into(), json!(position.seed));
    conditions
}

fn insert(all: &mut Conditions, at: &str, config: Value) {
    if let Value::Object(config) = config {
        for (key, value) in config {
            all.insert(format!("{at}.{key}"), value);
        }
    }
}

/// What both know and differ in. Settings of another optimizer or loss say nothing: that it is another does.
pub(crate) fn differences(was: &Conditions, is: &Conditions) -> Vec<Difference> {
    // As text and back, so that both have come the same way.
    let text = Value::Object(is.clone()).to_string();
    let is: Conditions = serde_json::from_str(&text).unwrap_or_default();
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let mut all: Vec<Difference> = Vec::new();
    for name in names {
        let parent = name.rsplit_once('.').map(|(parent, _)| parent);
        let known = match (was.get(name), is.get(name)) {
            (Some(was), Some(is)) => Some((was, is)),
            // A setting that may be left out, such as a limit of gradients; one of something that only one side knows
            // of says nothing.
            (was_it, is_it)
                if parent.is_some_and(|of| was.contains_key(of) && is.contains_key(of)) =>
            {
                Some((
                    was_it.unwrap_or(&Value::Null),
                    is_it.unwrap_or(&Value::Null),
                ))
            }
            _ => None,
        };
        let Some((was, is)) = known.filter(|(was, is)| was != is) else {
            continue;
        };
        if !all.iter().any(|other| Some(&*other.name) == parent) {
            all.push(Difference {
                name: name.clone(),
                was: was.clone(),
                is: is.clone(),
            });
        }
    }
    all
}

/// Refuses what was not asked for; what was is returned.
///
/// # Errors
/// All that differs and was not accepted; within an epoch, what cannot be accepted there.
pub(crate) fn accepted(
    differences: Vec<Difference>,
    accept: &[String],
    within_epoch: bool,
) -> Result<Vec<Difference>> {
    let asked = |difference: &Difference| {
        accept
            .iter()
            .any(|name| is_asked_for(name, &difference.name))
    };
    let fixed = |name: &str| {
        within_epoch && (name.starts_with("data.") || FIXED_WITHIN_EPOCHS.contains(&name))
    };
    let refused: Vec<&Difference> = differences
        .iter()
        .filter(|difference| !asked(difference) || fixed(&difference.name))
        .collect();
    if refused.is_empty() {
        return Ok(differences);
    }
    let list: Vec<String> = refused
        .iter()
        .map(|d| {
            format!(
                "{} was {} and is {}",
                d.name,
                in_words(&d.was),
                in_words(&d.is)
            )
        })
        .collect();
    let hint = match refused.iter().all(|difference| fixed(&difference.name)) {
        true => "within an epoch these cannot change; give it what it had".to_owned(),
        false => format!(
            "give it what it had, or accept the change by name (accept: {})",
            refused[0].name
        ),
    };
    Err(Error::Resume(format!("{}; {hint}", list.join("; "))))
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        other => other.to_string(),
    }
}

/// What the sums and the order of an epoch that has begun are about.
const FIXED_WITHIN_EPOCHS: [&str; 4] = ["batch_size", "shuffle", "metrics", "seed"];

/// Whether `asked`, given to [`Trainer::accept`](crate::Trainer::accept), means the condition of this name: it is the
/// whole name, or some of the words between its dots.
///
/// ```
/// use taper_train::is_asked_for;
/// assert!(is_asked_for("learning_rate", "optimizer.learning_rate"));
/// assert!(is_asked_for("optimizer", "optimizer.learning_rate"));
/// assert!(!is_asked_for("rate", "optimizer.learning_rate"));
/// ```
#[must_use]
pub fn is_asked_for(asked: &str, name: &str) -> bool {
    format!(".{name}.").contains(&format!(".{asked}."))
}

/// Adds changes to those noted before, a JSON list.
pub(crate) fn note(earlier: Option<&String>, changes: &[Difference], at: &Position) -> String {
    let earlier = earlier.filter(|json| json.len() <= LONGEST_NOTE);
    let earlier = earlier.and_then(|json| serde_json::from_str::<Vec<Value>>(json).ok());
    let mut all = earlier.unwrap_or_default();
    all.extend(changes.iter().map(|change| {
        json!({
            "name": change.name, "was": change.was, "is": change.is,
            "epoch": at.epoch + 1, "batch": at.batch + 1,
        })
    }));
    Value::Array(all).to_string()
}

/// The noted changes in words, each with the epoch that it was made in or before.
pub(crate) fn noted_changes(noted: Option<&String>) -> Vec<(u64, String)> {
    let noted = noted.filter(|json| json.len() <= LONGEST_NOTE);
    let all = noted.and_then(|json| serde_json::from_str::<Vec<Value>>(json).ok());
    let bare = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| in_words(value), str::to_owned)
    };
    let all_in_words = |change: Value| {
        let [name, was, is] = ["name", "was", "is"].map(|key| bare(&change[key]));
        let epoch = change["epoch"].as_u64().unwrap_or_default();
        (epoch, format!("{name}: {was} → {is}"))
    };
    all.unwrap_or_default()
        .into_iter()
        .map(all_in_words)
        .collect()
}

/// Those of one epoch.
pub(crate) fn changes_of(noted: Option<&String>, epoch: u64) -> Vec<String> {
    let all = noted_changes(noted).into_iter();
    all.filter(|(of, _)| *of == epoch)
        .map(|(_, change)| change)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_may_be_left_out_are_compared_where_both_know_what_they_belong_to() {
        let of = |value: Value| value.as_object().cloned().unwrap();
        let clipped = json!({ "optimizer": "Adam", "optimizer.clipnorm": 1.0 });
        let plain = json!({ "optimizer": "Adam", "optimizer.learning_rate": null });
        let found = differences(&of(clipped.clone()), &of(plain.clone()));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "optimizer.clipnorm");
        assert_eq!((&found[0].was, &found[0].is), (&json!(1.0), &Value::Null));
        assert_eq!(differences(&of(plain), &of(clipped.clone())).len(), 1);
        // A checkpoint that says nothing of the loss, and another optimizer altogether.
        let other = json!({ "optimizer": "SGD", "loss": "own", "loss.k": 1 });
        let found = differences(&of(clipped), &of(other));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "optimizer");
    }

    #[test]
    fn a_change_is_asked_for_by_its_name_its_last_word_or_its_whole() {
        for asked in ["optimizer.learning_rate", "learning_rate", "optimizer"] {
            assert!(is_asked_for(asked, "optimizer.learning_rate"), "{asked}");
        }
        assert!(!is_asked_for("rate", "optimizer.learning_rate"));
        assert!(!is_asked_for("opt", "optimizer.learning_rate"));
        assert!(!is_asked_for("", "optimizer.learning_rate"));
    }
}
