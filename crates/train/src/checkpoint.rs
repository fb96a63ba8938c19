//! Between models and checkpoint files: `taper-checkpoint` knows names and tensors only, this file knows layers.

use crate::{Error, History, Result, conditions};
use taper_checkpoint::{Checkpoint, Position};
use taper_nn::{Loaded, Model, Registry};

/// The key of [`Checkpoint::provenance`] that holds the class names, as a JSON list.
const CLASS_NAMES: &str = "class_names";
/// Names of classes take no more bytes of JSON than this: a list of empty ones takes many times its length in memory.
const LONGEST_NAMES: usize = 1 << 20;

/// Makes checkpoints of models, and models of checkpoints.
///
/// ```
/// use taper_nn::{Sequential, layers::Dense};
/// use taper_tensor::{Seed, Tensor};
/// use taper_train::{Checkpoint, CheckpointExt};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("model.taper");
/// let model = Sequential::new([4]).add(Dense::new(3)).build(Seed(7))?;
/// Checkpoint::of(&model).class_names(&["a", "b", "c"]).save(&path)?;
///
/// let checkpoint = Checkpoint::load(&path)?;
/// assert_eq!(checkpoint.read_class_names(), ["a", "b", "c"]);
/// let x = Tensor::ones([1, 4]);
/// assert_eq!(checkpoint.into_model()?.predict(&x)?.to_vec(), model.predict(&x)?.to_vec());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CheckpointExt: Sized {
    /// Architecture and weights of a model. The tensors are shared, not copied.
    fn of(model: &Model) -> Self;

    /// With the figures of its training.
    #[must_use]
    fn history(self, history: &History) -> Self;

    /// With the names of its classes.
    #[must_use]
    fn class_names<S: AsRef<str>>(self, names: &[S]) -> Self;

    /// With a note on where it comes from; a later note of the same key replaces an earlier one.
    #[must_use]
    fn provenance(self, key: &str, value: impl Into<String>) -> Self;

    /// The figures of its training.
    ///
    /// # Errors
    /// The history is no JSON of this form.
    fn read_history(&self) -> Result<History>;

    /// The names of its classes; empty when it does not know them (what is no list of names, or longer than a mebibyte,
    /// says nothing).
    fn read_class_names(&self) -> Vec<String>;

    /// What was changed, by [name](crate::Trainer::accept), when its training was gone on with: the epoch (from 1) in or
    /// before which, and what, such as `optimizer.learning_rate: 0.001 → 0.0001`.
    fn read_changes(&self) -> Vec<(u64, String)>;

    /// The model, rebuilt from its architecture, with these weights.
    ///
    /// # Errors
    /// The architecture is unknown to this version; weights are missing, left over or of another shape.
    fn into_model(self) -> Result<Model> {
        self.into_model_with(&Registry::new())
    }

    /// As [`into_model`](Self::into_model), for an architecture with layers of other crates.
    ///
    /// # Errors
    /// As there.
    fn into_model_with(self, registry: &Registry) -> Result<Model>;

    /// Puts the weights into a model of the same architecture.
    ///
    /// # Errors
    /// Weights are missing, left over or of another shape; the model is then unchanged.
    fn load_into(&self, model: &mut Model) -> Result<()>;

    /// Puts those of the weights into a model whose names and shapes fit, and says which did not.
    ///
    /// # Errors
    /// A weight that the file has twice.
    fn load_part_into(&self, model: &mut Model) -> Result<Loaded>;
}

impl CheckpointExt for Checkpoint {
    fn of(model: &Model) -> Self {
        Checkpoint {
            architecture: model.config().to_string(),
            weights: model
                .parameters()
                .iter()
                .map(|p| (p.name.clone(), p.value.clone()))
                .collect(),
            ..Checkpoint::default()
        }
    }

    fn history(mut self, history: &History) -> Self {
        self.history = history.to_json();
        self
    }

    fn class_names<S: AsRef<str>>(self, names: &[S]) -> Self {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        self.provenance(CLASS_NAMES, serde_json::Value::from(names).to_string())
    }

    fn provenance(mut self, key: &str, value: impl Into<String>) -> Self {
        self.provenance.insert(key.to_owned(), value.into());
        self
    }

    fn read_history(&self) -> Result<History> {
        History::from_json(&self.history)
            .map_err(|e| Error::Restore(format!("its history cannot be read: {e}")))
    }

    fn read_class_names(&self) -> Vec<String> {
        let json = self.provenance.get(CLASS_NAMES);
        let json = json.filter(|json| json.len() <= LONGEST_NAMES);
        json.and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default()
    }

    fn into_model_with(self, registry: &Registry) -> Result<Model> {
        Ok(Model::restore_from_text(
            &self.architecture,
            registry,
            self.weights,
        )?)
    }

    fn read_changes(&self) -> Vec<(u64, String)> {
        conditions::noted_changes(self.provenance.get(conditions::CHANGES))
    }

    fn load_into(&self, model: &mut Model) -> Result<()> {
        Ok(model.set_weights(self.weights.iter().cloned())?)
    }

    fn load_part_into(&self, model: &mut Model) -> Result<Loaded> {
        Ok(model.load_weights(self.weights.iter().cloned())?)
    }
}

/// What a running `fit` can say of itself.
pub(crate) trait Snapshot {
    fn checkpoint(&self) -> Checkpoint;
    fn position(&self) -> Position;
    /// The figures of the epoch so far.
    fn running(&self) -> Vec<(String, f64)>;
}
