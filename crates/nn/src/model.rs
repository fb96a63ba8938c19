//! A built model: layers, parameters and the plan of how to run them.

use crate::plan::{Architecture, Head, Plan};
use crate::{
    ActivationKind, Context, Error, Layer, Loss, Regularizer, Result, Sequential, summary, weights,
};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use taper_autograd::{Tape, Var};
use taper_tensor::{Element, Seed, Tensor};

/// How many samples [`Model::predict`] runs at once.
const PREDICT_BATCH: usize = 256;

/// A built model: layers, parameters, and the (fused) plan. [`Sequential`] builds it.
///
/// ```
/// use taper_nn::{CategoricalCrossentropy, Relu, Seed, Sequential, Softmax, layers::Dense};
/// use taper_tensor::Tensor;
///
/// let mut model = Sequential::new([4]).add(Dense::new(8).activation(Relu)).add(Dense::new(3).activation(Softmax)).build(Seed(7))?;
/// let (x, y) = (Tensor::ones([2, 4]), Tensor::one_hot(&[0, 2], 3)?);
/// let step = model.train_batch(&x, &y, &CategoricalCrossentropy, Seed(7), 0)?;
/// assert_eq!(step.output.shape(), [2, 3]);
/// assert_eq!(step.gradients.len(), model.parameters().len());
/// assert_eq!(model.predict(&x)?.shape(), [2, 3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub struct Model<E: Element = f32> {
    /// Shared with what is prepared from the model.
    pub(crate) architecture: Arc<Architecture<E>>,
    pub(crate) parameters: Vec<Parameter<E>>,
    pub(crate) plan: Plan<E>,
    pub(crate) head: Option<Head<E>>,
}

/// One named weight of a model.
#[derive(Clone, Debug)]
pub struct Parameter<E: Element = f32> {
    /// Layer and weight, e.g. `conv2d_1/kernel`.
    pub name: String,
    /// The value.
    pub value: Tensor<E>,
    /// Its penalty.
    pub regularizer: Option<Regularizer>,
    /// Whether the optimizer moves it.
    pub trainable: bool,
}

/// Loss and gradients of one training batch.
#[derive(Clone, Debug)]
pub struct Step<E: Element = f32> {
    /// Mean loss of the batch without penalties.
    pub loss: f64,
    /// Penalties: of the weights as they were before the step, and of layers' outputs.
    pub penalty: f64,
    /// The model's output `[n, …]` (probabilities when softmax is last), with dropout on.
    pub output: Tensor<E>,
    /// One a parameter, in the order of [`Model::parameters`]; `None` for those that are not trainable. The gradients
    /// of the weights' penalties are not in them: the optimizer adds them in the one pass that it makes anyway.
    pub gradients: Vec<Option<Tensor<E>>>,
}

impl<E: Element> Model<E> {
    /// The shape of one input, without the batch axis.
    pub fn input_shape(&self) -> &[usize] {
        &self.architecture.shapes[0]
    }

    /// The shape of one output, without the batch axis.
    pub fn output_shape(&self) -> &[usize] {
        &self.architecture.shapes[self.architecture.layers.len()]
    }

    /// The layers.
    pub fn layers(&self) -> &[Box<dyn Layer<E>>] {
        &self.architecture.layers
    }

    /// The names of the layers.
    pub fn layer_names(&self) -> &[String] {
        &self.architecture.names
    }

    /// The shape of a sample behind each layer, without the batch axis.
    pub fn layer_output_shapes(&self) -> &[Vec<usize>] {
        &self.architecture.shapes[1..]
    }

    /// All weights, layer by layer.
    pub fn parameters(&self) -> &[Parameter<E>] {
        &self.parameters
    }

    /// All weights, to be changed. Shapes must stay as they are.
    pub fn parameters_mut(&mut self) -> &mut [Parameter<E>] {
        &mut self.parameters
    }

    /// The weights of layer number `index`.
    pub fn layer_parameters(&self, index: usize) -> &[Parameter<E>] {
        &self.parameters[self.architecture.parameters[index].clone()]
    }

    /// How the model runs: for each stage the fused kernel's name (`None` for a layer by itself) and the names of the
    /// layers that it covers.
    pub fn stages(&self) -> Vec<(Option<&'static str>, &[String])> {
        self.plan
            .stages()
            .map(|(name, layers)| (name, &self.architecture.names[layers]))
            .collect()
    }

    /// Replaces all weights, by name. On an error nothing has changed.
    ///
    /// # Errors
    /// Weights that are unknown, missing, given twice or of another shape.
    pub fn set_weights(
        &mut self,
        new: impl IntoIterator<Item = (String, Tensor<E>)>,
    ) -> Result<()> {
        let mut new = weights::by_name(new)?;
        let take = |old: &Parameter<E>| weights::take(&mut new, &old.name, old.value.shape());
        let values = self
            .parameters
            .iter()
            .map(take)
            .collect::<Result<Vec<_>>>()?;
        weights::none_left(&new)?;
        for (parameter, value) in self.parameters.iter_mut().zip(values) {
            parameter.value = value;
        }
        Ok(())
    }

    /// A table of the layers, their output shapes and numbers of parameters, as Keras prints it.
    pub fn summary(&self) -> String {
        summary::table(self)
    }

    /// The architecture as JSON, which [`from_config`](Self::from_config) reads back:
    /// `{"class_name":"Sequential","config":{"input_shape":[28,28,1],"layers":[{"class_name":"Conv2D","config":{…}},…]}}`.
    pub fn config(&self) -> Value {
        let named = self.layers().iter().zip(self.layer_names());
        let describe = named.map(|(layer, name)| {
            let mut config = layer.config();
            config["name"] = json!(name);
            json!({"class_name": layer.class_name(), "config": config})
        });
        let layers: Vec<Value> = describe.collect();
        json!({"class_name": "Sequential", "config": {"input_shape": self.input_shape(), "layers": layers}})
    }

    /// A model from its JSON, with fresh weights. [`Sequential::from_config`] and [`Sequential::build_with`] take
    /// existing weights instead.
    ///
    /// # Errors
    /// What is no description of a model, by layer.
    pub fn from_config(config: &Value, seed: Seed) -> Result<Self> {
        Sequential::from_config(config)?.build(seed)
    }

    /// The sum of the penalties of all weights.
    pub fn penalty(&self) -> f64 {
        let value = |parameter: &Parameter<E>| Some(parameter.regularizer?.value(&parameter.value));
        self.parameters.iter().filter_map(value).sum()
    }

    /// The output for any number of samples: `[n, …]` → `[n, …]`. Dropout is off.
    ///
    /// # Errors
    /// An input of another shape.
    pub fn predict(&self, x: &Tensor<E>) -> Result<Tensor<E>> {
        let samples = self.check_input(x)?;
        if samples == 0 {
            return Ok(Tensor::zeros([&[0], self.output_shape()].concat()));
        }
        if samples <= PREDICT_BATCH {
            return self.infer(x);
        }
        let starts = (0..samples).step_by(PREDICT_BATCH);
        let parts: Result<Vec<Tensor<E>>> = starts
            .map(|start| self.infer(&x.slice(0, start..samples.min(start + PREDICT_BATCH))?))
            .collect();
        Ok(Tensor::concat(&parts?.iter().collect::<Vec<_>>(), 0)?)
    }

    /// The output and the mean loss of a batch, with dropout off. The penalties of layers' outputs (activity
    /// regularizers) are part of the loss, those of weights ([`penalty`](Self::penalty)) are not.
    ///
    /// # Errors
    /// An input of another shape, a target that does not fit.
    pub fn evaluate_batch(
        &self,
        x: &Tensor<E>,
        y: &Tensor<E>,
        loss: &dyn Loss<E>,
    ) -> Result<(Tensor<E>, f64)> {
        self.check_input(x)?;
        let tape = Tape::new();
        let weights = self.constants(&tape);
        let mut context = Context::inference();
        let (output, loss) =
            self.output_and_loss(tape.constant(x), y, loss, &weights, &mut context)?;
        Ok((output, scalar(&loss)? + sum(&context.penalties)?))
    }

    /// Forward and backward in training mode, for batch number `step` of the run with this seed. The optimizer's step
    /// is the caller's; new values of weights that are not trainable (running statistics) are stored here.
    ///
    /// # Errors
    /// An input of another shape, a target that does not fit.
    pub fn train_batch(
        &mut self,
        x: &Tensor<E>,
        y: &Tensor<E>,
        loss: &dyn Loss<E>,
        seed: Seed,
        step: u64,
    ) -> Result<Step<E>> {
        self.check_input(x)?;
        let penalty = self.penalty();
        let tape = Tape::new();
        let on_tape = |p: &Parameter<E>| {
            if p.trainable {
                tape.parameter(&p.value)
            } else {
                tape.constant(&p.value)
            }
        };
        let weights: Vec<Var<E>> = self.parameters.iter().map(on_tape).collect();
        let mut context = Context::training(seed, step);
        let (output, loss) =
            self.output_and_loss(tape.constant(x), y, loss, &weights, &mut context)?;
        let figures = (scalar(&loss)?, penalty + sum(&context.penalties)?);
        let gradients = self.gradients(loss, &context.penalties, &weights)?;
        drop(weights);
        for (layer, index, value) in context.updates {
            let first = self.architecture.parameters[layer as usize].start;
            self.parameters[first + index].value = value;
        }
        Ok(Step {
            loss: figures.0,
            penalty: figures.1,
            output,
            gradients,
        })
    }

    /// One gradient a trainable parameter, of the loss and the penalties on the tape.
    fn gradients(
        &self,
        loss: Var<E>,
        penalties: &[Var<E>],
        weights: &[Var<E>],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        if !self.parameters.iter().any(|parameter| parameter.trainable) {
            return Ok(vec![None; weights.len()]);
        }
        let total = penalties
            .iter()
            .try_fold(loss, |total, penalty| total.add(penalty))?;
        let mut gradients = total.backward()?;
        let gradient = |(parameter, weight): (&Parameter<E>, &Var<E>)| {
            // A weight that the loss does not depend on stands still, but for its penalty.
            let none = || Tensor::zeros(weight.shape());
            parameter
                .trainable
                .then(|| gradients.take(weight).unwrap_or_else(none))
        };
        Ok(self.parameters.iter().zip(weights).map(gradient).collect())
    }

    fn output_and_loss(
        &self,
        x: Var<E>,
        y: &Tensor<E>,
        loss: &dyn Loss<E>,
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<(Tensor<E>, Var<E>)> {
        let Some(head) = &self.head else {
            let output = self.plan.forward(&self.architecture, x, weights, context)?;
            let value = loss.forward(&output, y)?;
            return Ok((output.value().clone(), value));
        };
        let logits = head.plan.forward(&self.architecture, x, weights, context)?;
        output_and_loss(&logits, head.activation, y, loss)
    }

    fn infer(&self, x: &Tensor<E>) -> Result<Tensor<E>> {
        let tape = Tape::new();
        let weights = self.constants(&tape);
        let output = self.plan.forward(
            &self.architecture,
            tape.constant(x),
            &weights,
            &mut Context::inference(),
        )?;
        Ok(output.value().clone())
    }

    fn constants(&self, tape: &Tape<E>) -> Vec<Var<E>> {
        self.parameters
            .iter()
            .map(|parameter| tape.constant(&parameter.value))
            .collect()
    }

    /// The number of samples in `x`, which must have the model's shape behind its batch axis.
    fn check_input(&self, x: &Tensor<E>) -> Result<usize> {
        samples(x, self.input_shape())
    }
}

/// The output and the loss. Where loss and last activation have a joint form, the loss comes from the logits and the
/// output is computed beside the tape.
pub(crate) fn output_and_loss<E: Element>(
    logits: &Var<E>,
    activation: ActivationKind,
    y: &Tensor<E>,
    loss: &dyn Loss<E>,
) -> Result<(Tensor<E>, Var<E>)> {
    if let Some(value) = loss.from_logits(logits, y, activation) {
        return Ok((activation.apply_to(logits.value())?, value?));
    }
    let output = activation.apply(logits)?;
    let value = loss.forward(&output, y)?;
    Ok((output.value().clone(), value))
}

/// The number of samples in `x`, which must have this shape behind its batch axis.
pub(crate) fn samples<E: Element>(x: &Tensor<E>, wanted: &[usize]) -> Result<usize> {
    match x.shape() {
        [samples, sample @ ..] if sample == wanted => Ok(*samples),
        other => {
            let wanted: Vec<String> = wanted.iter().map(|n| format!(", {n}")).collect();
            let message = format!(
                "inputs [n{}] are wanted, these are {other:?}",
                wanted.concat()
            );
            Err(Error::layer("model", message))
        }
    }
}

impl<E: Element> fmt::Debug for Model<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("layers", &self.layers())
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

fn scalar<E: Element>(value: &Var<E>) -> Result<f64> {
    Ok(value.value().item()?.to_f64())
}

fn sum<E: Element>(values: &[Var<E>]) -> Result<f64> {
    values.iter().map(scalar).sum()
}

#[cfg(test)]
mod tests;
