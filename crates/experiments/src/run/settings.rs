//! What a job was begun with, in a file of its own: going on with a study that was edited is noticed, told setting by
//! setting, and done where it is asked for by name.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use taper_datasets::Dataset;
use taper_nn::{Model, Seed};
use taper_train::{EpochRecord, is_asked_for};

use super::StudyData;
use crate::Result;
use crate::study::{Job, Study};

/// What the results of a job depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct JobSettings {
    /// By names such as `optimizer.learning_rate`.
    settings: Map<String, Value>,
    /// As the study says it; layers are only built where two of them differ.
    network: Value,
    /// What was changed on the way here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
    /// What else may have changed, as it was asked for when the run was last gone on with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accept: Vec<String>,
}

/// A setting of a job that is not what it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Such as `optimizer.learning_rate` or `network.dropout.rate`.
    pub name: String,
    /// What it was; null: it was not there.
    pub was: Value,
    /// What it is; null: it is not there.
    pub is: Value,
    /// How many epochs were complete when it was asked for.
    #[serde(default)]
    pub epochs_done: u64,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |value: &Value| match value {
            Value::Null => "nothing".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        write!(f, "{}: {} → {}", self.name, word(&self.was), word(&self.is))
    }
}

/// What another part of an epoch that has begun cannot be trained with.
const FIXED_WITHIN_EPOCHS: [&str; 4] = ["batch_size", "train_size", "dataset", "data.digest"];

impl Change {
    /// Whether these words of the user's mean it.
    pub(super) fn is_asked_for(&self, accept: &[String]) -> bool {
        accept.iter().any(|asked| is_asked_for(asked, &self.name))
    }

    /// Whether weights may not fit any more.
    pub(super) fn is_of_network(&self) -> bool {
        self.name.starts_with("network.")
    }

    /// Whether it can only be made between two epochs.
    pub(super) fn is_between_epochs(&self) -> bool {
        FIXED_WITHIN_EPOCHS.contains(&&*self.name)
    }

    /// What a trainer calls it.
    fn to_trainer(&self) -> &str {
        match &*self.name {
            "train_size" | "dataset" | "data.digest" => "data",
            other => other,
        }
    }
}

impl JobSettings {
    /// Of a job as it would be begun now. What else a study says (names, titles, what is told of variants, the number of
    /// epochs, the other variants and seeds) is nothing that its results so far depend on.
    pub(super) fn of(study: &Study, data: &StudyData, job: &Job) -> Result<JobSettings> {
        let plan = study.plan(&job.variant)?;
        let mut settings = Map::new();
        let mut set = |name: &str, value: Value| settings.insert(name.to_owned(), value);
        set("dataset", json!(study.dataset));
        set("data.digest", json!(data.train.digest()));
        set("data.test_digest", json!(data.test.digest()));
        set("train_size", json!(data.train.len()));
        set("test_size", json!(data.test.len()));
        set("batch_size", json!(plan.batch_size));
        // As they are built: a default that is written down is no change.
        let loss = plan.loss.build()?;
        set("loss", json!(loss.name()));
        insert(&mut settings, "loss", loss.config());
        let optimizer = plan.optimizer.build();
        let optimizer = optimizer.map_err(|error| super::job::failed(job, error.to_string()))?;
        settings.insert("optimizer".into(), json!(plan.optimizer.class_name));
        insert(&mut settings, "optimizer", optimizer.config());
        Ok(JobSettings {
            settings,
            network: plan.network(),
            changes: Vec::new(),
            accept: Vec::new(),
        })
    }

    /// Whether the same holds for both, however they came there.
    pub(super) fn is_like(&self, other: &JobSettings) -> bool {
        self.settings == other.settings && self.network == other.network
    }

    /// What is another in `now`.
    pub(super) fn differences(&self, now: &JobSettings) -> Vec<Change> {
        let (mut was, mut is) = (self.settings.clone(), now.settings.clone());
        if self.network != now.network {
            was.extend(layers(&self.network));
            is.extend(layers(&now.network));
        }
        let mut names: Vec<&String> = was.keys().chain(is.keys()).collect();
        names.sort();
        names.dedup();
        let mut changes: Vec<Change> = Vec::new();
        for name in names {
            let of = |side: &Map<String, Value>| side.get(name).cloned().unwrap_or_default();
            let (was, is) = (of(&was), of(&is));
            // Settings of another optimizer, loss or layer say nothing: that it is another does. So do other data.
            let other = |change: &Change| name.starts_with(&format!("{}.", change.name));
            let is_new = !changes.iter().any(other);
            if was != is && is_new {
                changes.push(Change {
                    name: name.clone(),
                    was,
                    is,
                    epochs_done: 0,
                });
            }
        }
        if changes.iter().any(|change| change.name == "dataset") {
            changes.retain(|change| !change.name.starts_with("data."));
        }
        changes
    }

    /// Those of `now`, with these changes noted.
    pub(super) fn changed_to(
        self,
        now: JobSettings,
        changes: Vec<Change>,
        epochs_done: u64,
    ) -> JobSettings {
        let changes = changes.into_iter().map(|change| Change {
            epochs_done,
            ..change
        });
        JobSettings {
            changes: self.changes.into_iter().chain(changes).collect(),
            ..now
        }
    }

    /// With what may have changed beside what is compared here.
    pub(super) fn accepting(self, accept: &[String]) -> JobSettings {
        JobSettings {
            accept: accept.to_vec(),
            ..self
        }
    }

    /// All that was changed, first to last.
    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// A line of the history with what was changed for its epoch: trainers know nothing of changes in the network.
    pub(super) fn noted_in(&self, record: &EpochRecord) -> EpochRecord {
        let mut record = record.clone();
        let changes = self.changes.iter();
        for change in changes.filter(|change| change.epochs_done + 1 == record.epoch) {
            let change = change.to_string();
            if !record.changes.contains(&change) {
                record.changes.push(change);
            }
        }
        record
    }

    /// What a trainer that goes on may find changed.
    pub(super) fn accepted(&self) -> impl Iterator<Item = &str> {
        let changes = self.changes.iter().map(Change::to_trainer);
        changes.chain(self.accept.iter().map(String::as_str))
    }
}

/// `network.<layer>` with its class, and what it is set to below it: as built, so that defaults stand there too.
fn layers(network: &Value) -> Map<String, Value> {
    let built = Model::<f32>::from_config(network, Seed(0)).map(|model| model.config());
    let network = built.as_ref().unwrap_or(network);
    let config = &network["config"];
    let mut all = Map::new();
    let mut names = Vec::new();
    all.insert("network.input_shape".into(), config["input_shape"].clone());
    for (i, layer) in config["layers"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let name = layer["config"]["name"].as_str();
        let name = name.map_or_else(|| (i + 1).to_string(), str::to_owned);
        let at = format!("network.{name}");
        all.insert(at.clone(), layer["class_name"].clone());
        let mut settings = layer["config"].clone();
        settings.as_object_mut().map(|map| map.remove("name"));
        flatten(&mut all, &at, settings);
        names.push(name);
    }
    all.insert("network.layers".into(), json!(names));
    all
}

/// Every setting by its name, as trainers call it.
fn insert(all: &mut Map<String, Value>, at: &str, config: Value) {
    if let Value::Object(config) = config {
        let named = |(key, value)| (format!("{at}.{key}"), value);
        all.extend(config.into_iter().map(named));
    }
}

/// Every setting by its path; where one is a table, its parts are.
fn flatten(all: &mut Map<String, Value>, at: &str, config: Value) {
    let Value::Object(config) = config else {
        return;
    };
    for (key, value) in config {
        let at = format!("{at}.{key}");
        match value {
            Value::Object(_) => flatten(all, &at, value),
            value => {
                all.insert(at, value);
            }
        }
    }
}
