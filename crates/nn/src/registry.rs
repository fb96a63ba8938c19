//! Which layers and junctions a description may name: those of this crate, and those that a program adds.

use crate::{Error, Junction, Layer, Result, config, junctions, layers};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use taper_tensor::Element;

/// Makes a layer of its description.
pub type LayerFromConfig<E> = fn(&Value) -> Result<Box<dyn Layer<E>>>;
/// Makes a junction of its description.
pub type JunctionFromConfig<E> = fn(&Value) -> Result<Box<dyn Junction<E>>>;

/// The layers and junctions that a description (a checkpoint's, too) may name: all of this crate, and what is added. It
/// is passed to whoever reads a description; there is no global list.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use serde_json::{Value, json};
/// use taper_autograd::Var;
/// use taper_nn::{Context, Describe, Layer, Model, Registry, Result, Seed, Sequential};
/// use taper_tensor::{Element, Tensor};
///
/// /// Multiplies by a number.
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Times { factor: f64 }
///
/// impl Describe for Times {
///     fn class_name(&self) -> &'static str { "Times" }
///     fn config(&self) -> Value { json!({"factor": self.factor}) }
///     fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> { Ok(input.to_vec()) }
///     fn as_any(&self) -> &dyn std::any::Any { self }
/// }
///
/// impl<E: Element> Layer<E> for Times {
///     fn forward(&self, x: &Var<E>, _: &[Var<E>], _: &mut Context<E>) -> Result<Var<E>> {
///         Ok(x.scale(E::from_f64(self.factor)))
///     }
/// }
///
/// let model = Sequential::new([2]).add(Times { factor: 3.0 }).build(Seed(7))?;
/// let registry = Registry::new().layer::<Times>("Times");
/// let again = Model::from_config_with(&model.config(), &registry, Seed(7))?;
/// assert_eq!(again.predict(&Tensor::ones([1, 2]))?.to_vec(), [3.0, 3.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub struct Registry<E: Element = f32> {
    added: Vec<(String, Read<E>)>,
}

/// Makes a layer or a junction of a description, given the class's name for messages.
type Read<E> = Box<dyn Fn(&str, &Value) -> Result<Made<E>> + Send + Sync>;

/// What a description stands for.
pub(crate) enum Made<E: Element> {
    Layer(Box<dyn Layer<E>>),
    Junction(Box<dyn Junction<E>>),
}

impl Registry {
    /// All layers and junctions of this crate, for models of f32.
    #[allow(clippy::new_without_default)] // a default would have to choose between f32 and f64
    pub fn new() -> Self {
        Self::of()
    }
}

impl<E: Element> Registry<E> {
    /// As [`new`](Registry::new), for any element type: `Registry::<f64>::of()`.
    pub fn of() -> Self {
        Registry { added: Vec::new() }
    }

    /// Adds a layer of another crate, whose description serde reads. The name is its `class_name`; one that this crate
    /// has too is replaced.
    #[must_use]
    pub fn layer<L: Layer<E> + DeserializeOwned>(self, class_name: &str) -> Self {
        self.add(class_name, |class, config| {
            Ok(Made::Layer(Box::new(config::parse::<L>(class, config)?)))
        })
    }

    /// As [`layer`](Self::layer), for junctions.
    #[must_use]
    pub fn junction<J: Junction<E> + DeserializeOwned>(self, class_name: &str) -> Self {
        self.add(class_name, |class, config| {
            Ok(Made::Junction(Box::new(config::parse::<J>(class, config)?)))
        })
    }

    /// Adds a layer of another crate, read by a function.
    #[must_use]
    pub fn layer_from(self, class_name: &str, from_config: LayerFromConfig<E>) -> Self {
        self.add(class_name, move |_, config| {
            from_config(config).map(Made::Layer)
        })
    }

    /// As [`layer_from`](Self::layer_from), for junctions.
    #[must_use]
    pub fn junction_from(self, class_name: &str, from_config: JunctionFromConfig<E>) -> Self {
        self.add(class_name, move |_, config| {
            from_config(config).map(Made::Junction)
        })
    }

    fn add(
        mut self,
        class_name: &str,
        read: impl Fn(&str, &Value) -> Result<Made<E>> + Send + Sync + 'static,
    ) -> Self {
        self.added.push((class_name.to_owned(), Box::new(read)));
        self
    }

    /// The layer or junction of this description, which is called with so many inputs.
    ///
    /// # Errors
    /// An unknown class name, an unknown entry, or a value of the wrong kind.
    pub(crate) fn make(&self, class_name: &str, config: &Value, inputs: usize) -> Result<Made<E>> {
        // The latest addition counts.
        let own = |name: &str| name == class_name;
        if let Some((name, read)) = self.added.iter().rev().find(|(name, _)| own(name)) {
            return read(name, config);
        }
        // Recurrent layers that get states or hand them out are junctions of the same name.
        let state = config.get("return_state").and_then(Value::as_bool) == Some(true);
        let is_joint = junctions::all::<E>().iter().any(|r| own(r.class_name));
        let layers = layers::all::<E>();
        let layer = layers.iter().find(|r| own(r.class_name));
        if let Some(row) = layer.filter(|_| !(is_joint && (state || inputs > 1))) {
            return (row.from_config)(config).map(Made::Layer);
        }
        if let Some(row) = junctions::all::<E>().iter().find(|r| own(r.class_name)) {
            return (row.from_config)(config).map(Made::Junction);
        }
        let known: Vec<String> = self.names().collect();
        Err(Error::Config(format!(
            "no layer is called {class_name:?}: there are {}; a layer of another crate must be registered (`Registry`)",
            known.join(", ")
        )))
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let layers = layers::all::<E>().into_iter().map(|row| row.class_name);
        let junctions = junctions::all::<E>().into_iter().map(|row| row.class_name);
        let added = self.added.iter().map(|(name, _)| name.clone());
        layers.chain(junctions).map(str::to_owned).chain(added)
    }
}

impl<E: Element> fmt::Debug for Registry<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
