//! Normalization of groups of channels of each sample.

use super::{Row, Sample, boxed};
use crate::constraints::Axes;
use crate::settings::scale_and_offset_settings;
use crate::{
    Constraint, Context, Describe, Error, Initializer, Layer, Regularizer, Result, WeightSpec,
    config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// γ · (x − mean) / √(variance + ε) + β, with mean and variance over a group of channels and all other axes of each sample by
/// itself (Wu and He 2018). Any shape with an axis of channels.
///
/// `groups` divides the channels; −1 (or as many groups as channels) is instance normalization, 1 group a layer normalization
/// over the whole sample. `axis` is the one of the channels, counted as Keras does, with the batch as axis 0. Weights: `gamma`
/// and `beta` `[channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::GroupNormalization};
/// let layer = GroupNormalization::new(4);
/// assert_eq!(layer.weights(&[7, 7, 8])?[0].shape, [8]);
/// assert!(layer.output_shape(&[7, 7, 6]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupNormalization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of groups, or −1: as many as channels (default: 32).
    #[serde(default = "groups")]
    pub groups: i64,
    /// The axis of the channels (default: −1, the last).
    #[serde(default = "Axes::last")]
    pub axis: Axes,
    /// Added to the variance, 0 or more (default: 0.001).
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Whether β is added (default: yes).
    #[serde(default = "config::yes")]
    pub center: bool,
    /// Whether γ multiplies (default: yes).
    #[serde(default = "config::yes")]
    pub scale: bool,
    /// First values of β (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub beta_initializer: Initializer,
    /// First values of γ (default: ones).
    #[serde(default = "Initializer::default_scale")]
    pub gamma_initializer: Initializer,
    /// Penalty on β (default: none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_regularizer: Option<Regularizer>,
    /// Penalty on γ (default: none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma_regularizer: Option<Regularizer>,
    /// What β must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_constraint: Option<Constraint>,
    /// What γ must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma_constraint: Option<Constraint>,
}

impl Default for GroupNormalization {
    fn default() -> Self {
        Self::new(groups())
    }
}

fn groups() -> i64 {
    32
}

fn epsilon() -> f64 {
    1e-3
}

impl GroupNormalization {
    /// So many groups (−1: as many as channels); everything else as Keras has it by default.
    pub fn new(groups: i64) -> Self {
        GroupNormalization {
            name: None,
            groups,
            axis: Axes::last(),
            epsilon: epsilon(),
            center: true,
            scale: true,
            beta_initializer: Initializer::default_bias(),
            gamma_initializer: Initializer::default_scale(),
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
        }
    }

    /// The axis of the channels (default: −1, the last).
    pub fn axis(mut self, axis: i64) -> Self {
        self.axis = axis.into();
        self
    }

    scale_and_offset_settings!();

    /// The axis of the channels of a sample, and the number of groups.
    fn groups_of(&self, sample: &[usize]) -> Result<(usize, usize)> {
        let fail = |message: String| Error::layer("GroupNormalization", message);
        let [axis] = self.axis.of_sample("GroupNormalization", sample)?[..] else {
            return Err(fail(format!("axis is {:?}, it must be one", self.axis)));
        };
        let channels = sample[axis];
        let groups = match self.groups {
            -1 => channels.max(1),
            groups => usize::try_from(groups).unwrap_or(0),
        };
        setting::count("groups", groups).map_err(|_| {
            fail(format!(
                "groups is {}, it must be at least 1, or -1",
                self.groups
            ))
        })?;
        if !channels.is_multiple_of(groups) || channels == 0 {
            return Err(fail(format!(
                "groups is {groups}, which {channels} channels (axis {} of an input {sample:?}) cannot be divided into",
                axis + 1
            )));
        }
        Ok((axis, groups))
    }
}

impl Describe for GroupNormalization {
    fn class_name(&self) -> &'static str {
        "GroupNormalization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.check("GroupNormalization")?;
        self.groups_of(input)?;
        Ok(input.to_vec())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let (axis, _) = self.groups_of(input)?;
        Ok(self.weight_specs(vec![input[axis]]))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.constraint_of(weight)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for GroupNormalization {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], _context: &mut Context<E>) -> Result<Var<E>> {
        let (gamma, beta) = self.of_weights("GroupNormalization", weights)?;
        let (axis, groups) = self.groups_of(x.shape().get(1..).unwrap_or_default())?;
        let (shape, axis) = (x.shape(), axis + 1);
        // [n, …, groups, channels of one, …], the groups brought to the front: each is a row.
        let split = [
            &shape[..axis],
            &[groups, shape[axis] / groups],
            &shape[axis + 1..],
        ]
        .concat();
        let mut order: Vec<usize> = (0..split.len()).filter(|&a| a != axis).collect();
        order.insert(1, axis);
        let turned = x.reshape(split)?.permute(&order)?;
        let width = shape[1..].iter().product::<usize>() / groups;
        let rows = turned.reshape([shape[0] * groups, width])?;
        let rows = rows.layer_normalization(None, None, self.epsilon)?;
        let mut back = vec![0; order.len()];
        order
            .iter()
            .enumerate()
            .for_each(|(to, &from)| back[from] = to);
        let mut y = rows
            .reshape(turned.shape())?
            .permute(&back)?
            .reshape(shape)?;
        let mut channels = vec![1; shape.len()];
        channels[axis] = shape[axis];
        if let Some(gamma) = gamma {
            y = y.mul(&gamma.reshape(&channels[..])?)?;
        }
        if let Some(beta) = beta {
            y = y.add(&beta.reshape(&channels[..])?)?;
        }
        Ok(y)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "GroupNormalization",
        about: "groups of channels of each sample brought to mean 0 and variance 1, then γ · x + β",
        file: file!(),
        from_config: |config| boxed::<E, GroupNormalization>("GroupNormalization", config),
        sample: |sampler| {
            let mut input = sampler.shape(1, 3, 3);
            let axis = sampler.integer(0, input.len() - 1);
            let groups = sampler.integer(1, 3);
            input[axis] *= groups;
            let groups = if sampler.coin() { groups as i64 } else { -1 };
            let layer = GroupNormalization::new(groups);
            let layer = layer.axis(axis as i64 + 1);
            Sample::new(layer.random_settings(sampler), input)
        },
    }
}
