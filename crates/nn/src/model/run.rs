//! Running a model: predicting, measuring, and one step of training.

use super::{Losses, Measured, Model, Step, Tensors};
use crate::{ActivationKind, Context, Error, Loss, Result};
use taper_autograd::{Tape, Var};
use taper_tensor::prepared::in_pool;
use taper_tensor::{Element, Seed, Tensor};

/// How many samples [`Model::predict`] runs at once.
const PREDICT_BATCH: usize = 256;

impl<E: Element> Model<E> {
    /// The output for any number of samples: `[n, …]` → `[n, …]`. Dropout is off. A model with several inputs takes
    /// them as a list (`[&a, &b]`).
    ///
    /// # Errors
    /// Inputs of another shape; a model of several outputs, for which there is [`predict_all`](Self::predict_all).
    pub fn predict<'a>(&self, x: impl Into<Tensors<'a, E>>) -> Result<Tensor<E>> {
        only(self.predict_all(x)?, "predict_all")
    }

    /// All outputs for any number of samples.
    ///
    /// # Errors
    /// Inputs of another shape.
    pub fn predict_all<'a>(&self, x: impl Into<Tensors<'a, E>>) -> Result<Vec<Tensor<E>>> {
        let Tensors(x) = x.into();
        in_pool(|| self.infer_all(&x))
    }

    fn infer_all(&self, x: &[&Tensor<E>]) -> Result<Vec<Tensor<E>>> {
        let samples = self.check_inputs(x)?;
        if samples == 0 {
            let shapes = self.graph.outputs.iter().map(|&v| &self.graph.shapes[v]);
            return Ok(shapes
                .map(|s| Tensor::zeros([&[0], &**s].concat()))
                .collect());
        }
        if samples <= PREDICT_BATCH {
            return self.infer(x);
        }
        let mut parts: Vec<Vec<Tensor<E>>> = vec![Vec::new(); self.graph.outputs.len()];
        for start in (0..samples).step_by(PREDICT_BATCH) {
            let range = start..samples.min(start + PREDICT_BATCH);
            let piece = |x: &&Tensor<E>| x.slice(0, range.clone());
            let piece = x.iter().map(piece).collect::<Result<Vec<_>, _>>()?;
            let outputs = self.infer(&piece.iter().collect::<Vec<_>>())?;
            for (part, output) in parts.iter_mut().zip(outputs) {
                part.push(output);
            }
        }
        let whole =
            |part: &Vec<Tensor<E>>| Ok(Tensor::concat(&part.iter().collect::<Vec<_>>(), 0)?);
        parts.iter().map(whole).collect()
    }

    /// Runs the model on a tape of your own: inputs `[n, …]` to outputs, with the model's weights as constants. With an
    /// input that is a parameter of the tape, gradients towards it can be had.
    ///
    /// ```
    /// use taper_autograd::Tape;
    /// use taper_nn::{Context, Seed, Sequential, layers::Dense};
    /// use taper_tensor::Tensor;
    /// let model = Sequential::new([2]).add(Dense::new(1)).build(Seed(7))?;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::ones([1, 2]));
    /// let y = model.forward(&[x.clone()], &mut Context::inference())?;
    /// let gradient = y[0].sum().backward()?[&x].to_vec(); // how the output changes with each input
    /// assert_eq!(gradient, model.parameter("dense/kernel").unwrap().value.to_vec());
    /// # Ok::<(), taper_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Inputs of another shape.
    pub fn forward(&self, x: &[Var<E>], context: &mut Context<E>) -> Result<Vec<Var<E>>> {
        self.check_inputs(&x.iter().map(Var::value).collect::<Vec<_>>())?;
        let Some(first) = x.first() else {
            return Err(Error::layer("model", "there are no inputs"));
        };
        let mut weights = self.constants(first.tape());
        self.plan.forward(
            &self.graph,
            x.to_vec(),
            &mut weights,
            &self.trainable,
            context,
        )
    }

    /// The gradients of the loss of a batch towards its inputs, one an input, with dropout off: what the loss is most
    /// sensitive to. Penalties of layers' outputs are part of the loss.
    ///
    /// # Errors
    /// Inputs of another shape, a target that does not fit.
    pub fn input_gradients<'a, 'l>(
        &self,
        x: impl Into<Tensors<'a, E>>,
        y: impl Into<Tensors<'a, E>>,
        loss: impl Into<Losses<'l, E>>,
    ) -> Result<Vec<Tensor<E>>> {
        let (Tensors(x), Tensors(y), loss) = (x.into(), y.into(), loss.into());
        in_pool(|| self.towards_inputs(&x, &y, &loss))
    }

    fn towards_inputs(
        &self,
        x: &[&Tensor<E>],
        y: &[&Tensor<E>],
        loss: &Losses<'_, E>,
    ) -> Result<Vec<Tensor<E>>> {
        self.check_inputs(x)?;
        let tape = Tape::new();
        let inputs: Vec<Var<E>> = x.iter().map(|x| tape.parameter(x)).collect();
        let mut weights = self.constants(&tape);
        let mut context = Context::inference();
        let pass = self.pass(inputs.clone(), y, loss, &mut weights, &mut context)?;
        let total = total(pass.total, &context.penalties)?;
        let mut gradients = total.backward()?;
        let gradient = |x: &Var<E>| {
            gradients
                .take(x)
                .unwrap_or_else(|| Tensor::zeros(x.shape()))
        };
        Ok(inputs.iter().map(gradient).collect())
    }

    /// Outputs and loss of a batch, with dropout off. The penalties of layers' outputs (activity regularizers) stand beside
    /// the loss, as in [`train_batch`](Self::train_batch); those of weights are [`penalty`](Self::penalty).
    ///
    /// # Errors
    /// Inputs of another shape, a target that does not fit.
    pub fn evaluate_batch<'a, 'l>(
        &self,
        x: impl Into<Tensors<'a, E>>,
        y: impl Into<Tensors<'a, E>>,
        loss: impl Into<Losses<'l, E>>,
    ) -> Result<Measured<E>> {
        let (Tensors(x), Tensors(y), loss) = (x.into(), y.into(), loss.into());
        in_pool(|| self.measured(&x, &y, &loss))
    }

    fn measured(
        &self,
        x: &[&Tensor<E>],
        y: &[&Tensor<E>],
        loss: &Losses<'_, E>,
    ) -> Result<Measured<E>> {
        self.check_inputs(x)?;
        let tape = Tape::new();
        let inputs = x.iter().map(|x| tape.constant(x)).collect();
        let mut weights = self.constants(&tape);
        let mut context = Context::inference();
        let pass = self.pass(inputs, y, loss, &mut weights, &mut context)?;
        Ok(Measured {
            loss: scalar(&pass.total)?,
            activity_penalty: sum(&context.penalties)? + 0.0, // an empty sum is -0
            losses: pass.losses,
            outputs: pass.outputs,
        })
    }

    /// Forward and backward in training mode, for batch number `step` of the run with this seed. The optimizer's step
    /// is the caller's; new values of weights that are not trainable (running statistics) are stored here, if loss, penalty
    /// and all gradients are finite: a batch that no optimizer can learn from leaves the model as it was.
    ///
    /// # Errors
    /// Inputs of another shape, a target that does not fit; a running statistic that would not be finite
    /// ([`Error::NotFinite`]), after which the model is as it was.
    pub fn train_batch<'a, 'l>(
        &mut self,
        x: impl Into<Tensors<'a, E>>,
        y: impl Into<Tensors<'a, E>>,
        loss: impl Into<Losses<'l, E>>,
        seed: Seed,
        step: u64,
    ) -> Result<Step<E>> {
        let (Tensors(x), Tensors(y), loss) = (x.into(), y.into(), loss.into());
        // The pool is entered once: else every kernel would put this thread to sleep and wake it.
        in_pool(|| self.trained(&x, &y, &loss, Context::training(seed, step)))
    }

    fn trained(
        &mut self,
        x: &[&Tensor<E>],
        y: &[&Tensor<E>],
        loss: &Losses<'_, E>,
        mut context: Context<E>,
    ) -> Result<Step<E>> {
        self.check_inputs(x)?;
        let penalty = self.penalty();
        let tape = Tape::new();
        let mut weights: Vec<Var<E>> = self
            .parameters
            .iter()
            .map(|p| {
                if p.trainable {
                    tape.parameter(&p.value)
                } else {
                    tape.constant(&p.value)
                }
            })
            .collect();
        let inputs = x.iter().map(|x| tape.constant(x)).collect();
        let pass = self.pass(inputs, y, loss, &mut weights, &mut context)?;
        let figures = (scalar(&pass.total)?, penalty + sum(&context.penalties)?);
        let mut gradients = self.gradients(pass.total, &context.penalties, &weights)?;
        drop(weights);
        self.keep(context.take_updates(), figures, &mut gradients)?;
        Ok(Step {
            loss: figures.0,
            losses: pass.losses,
            penalty: figures.1,
            outputs: pass.outputs,
            gradients,
        })
    }

    /// Stores running statistics, unless something of the batch is not finite. What gradients come to is noted: the
    /// optimizer asks for it, too.
    fn keep(
        &mut self,
        updates: Vec<(usize, Tensor<E>)>,
        (loss, penalty): (f64, f64),
        gradients: &mut [Option<Tensor<E>>],
    ) -> Result<()> {
        if updates.is_empty() || !loss.is_finite() || !penalty.is_finite() {
            return Ok(());
        }
        if let Some((index, _)) = updates.iter().find(|(_, x)| !x.is_finite()) {
            return Err(Error::NotFinite {
                weight: self.parameters[*index].name.clone(),
                loss,
                penalty,
            });
        }
        let magnitudes = Tensor::note_magnitudes(gradients.iter_mut().flatten());
        if magnitudes.iter().all(|magnitude| magnitude.is_finite()) {
            for (index, value) in updates {
                self.parameters[index].value = value;
            }
        }
        Ok(())
    }

    /// One gradient a trainable parameter, of the loss and the penalties on the tape.
    fn gradients(
        &self,
        loss: Var<E>,
        penalties: &[Var<E>],
        weights: &[Var<E>],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let total = total(loss, penalties)?;
        // Nothing is trainable, or nothing trainable leads to the loss.
        let mut gradients = match total.wants_gradient() {
            true => Some(total.backward()?),
            false => None,
        };
        let mut gradient = |(parameter, weight): (&super::Parameter<E>, &Var<E>)| {
            // A weight that the loss does not depend on stands still, but for its penalty.
            parameter.trainable.then(|| {
                let taken = gradients.as_mut().and_then(|g| g.take(weight));
                taken.unwrap_or_else(|| Tensor::zeros(weight.shape()))
            })
        };
        let pairs = self.parameters.iter().zip(weights);
        Ok(pairs.map(&mut gradient).collect())
    }

    /// Outputs and losses of one pass.
    fn pass(
        &self,
        x: Vec<Var<E>>,
        y: &[&Tensor<E>],
        losses: &Losses<'_, E>,
        weights: &mut [Var<E>],
        context: &mut Context<E>,
    ) -> Result<Pass<E>> {
        let run = |plan: &crate::plan::Plan<E>, weights: &mut [Var<E>], context: &mut _| {
            plan.forward(&self.graph, x, weights, &self.trainable, context)
        };
        match &self.head {
            Some(head) => {
                let logits = run(&head.plan, weights, context)?;
                outputs_and_losses(&logits, &head.activations, y, losses)
            }
            None => {
                let outputs = run(&self.plan, weights, context)?;
                let linear = vec![ActivationKind::Linear; outputs.len()];
                outputs_and_losses(&outputs, &linear, y, losses)
            }
        }
    }

    fn infer(&self, x: &[&Tensor<E>]) -> Result<Vec<Tensor<E>>> {
        let tape = Tape::new();
        let inputs = x.iter().map(|x| tape.constant(x)).collect();
        let mut weights = self.constants(&tape);
        let outputs = self.plan.forward(
            &self.graph,
            inputs,
            &mut weights,
            &self.trainable,
            &mut Context::inference(),
        )?;
        Ok(outputs.iter().map(|y| y.value().clone()).collect())
    }

    fn constants(&self, tape: &Tape<E>) -> Vec<Var<E>> {
        self.parameters
            .iter()
            .map(|parameter| tape.constant(&parameter.value))
            .collect()
    }

    /// The number of samples in the inputs, which must have the model's shapes behind their batch axes.
    fn check_inputs(&self, x: &[&Tensor<E>]) -> Result<usize> {
        check_inputs(x, &self.inputs().collect::<Vec<_>>())
    }
}

/// What a forward pass came to.
pub(crate) struct Pass<E: Element> {
    pub(crate) outputs: Vec<Tensor<E>>,
    pub(crate) losses: Vec<f64>,
    /// The weighted sum of the losses, on the tape.
    pub(crate) total: Var<E>,
}

/// The outputs and the losses. Where a loss and the last activation have a joint form, the loss comes from the logits
/// and the output is computed beside the tape.
pub(crate) fn outputs_and_losses<E: Element>(
    logits: &[Var<E>],
    activations: &[ActivationKind],
    targets: &[&Tensor<E>],
    losses: &Losses<'_, E>,
) -> Result<Pass<E>> {
    if targets.len() != logits.len() || losses.terms.len() != logits.len() {
        let message = format!(
            "{} outputs, but {} targets and {} losses; there must be one of each an output",
            logits.len(),
            targets.len(),
            losses.terms.len()
        );
        return Err(Error::layer("model", message));
    }
    let mut outputs = Vec::new();
    let mut values = Vec::new();
    let mut sum: Option<Var<E>> = None;
    for (i, logits) in logits.iter().enumerate() {
        let (loss, weight) = losses.terms[i];
        let (output, value) = output_and_loss(
            logits,
            activations[i],
            targets[i],
            loss,
            losses.sample_weights,
        )?;
        outputs.push(output);
        values.push(scalar(&value)?);
        let term = if weight == 1.0 {
            value
        } else {
            value.scale(E::from_f64(weight))
        };
        sum = Some(match sum {
            None => term,
            Some(sum) => sum.add(&term)?,
        });
    }
    let total = sum.ok_or_else(|| Error::layer("model", "there are no outputs"))?;
    Ok(Pass {
        outputs,
        losses: values,
        total,
    })
}

fn output_and_loss<E: Element>(
    logits: &Var<E>,
    activation: ActivationKind,
    y: &Tensor<E>,
    loss: &dyn Loss<E>,
    weights: Option<&Tensor<E>>,
) -> Result<(Tensor<E>, Var<E>)> {
    let joint = match weights {
        None => loss.from_logits(logits, y, activation),
        Some(weights) => loss.from_logits_weighted(logits, y, weights, activation),
    };
    if let Some(value) = joint {
        return Ok((activation.apply_to(logits.value())?, value?));
    }
    let output = activation.apply(logits)?;
    let value = match weights {
        None => loss.forward(&output, y)?,
        Some(weights) => loss.forward_weighted(&output, y, weights)?,
    };
    Ok((output.value().clone(), value))
}

/// The number of samples in `x`, which must have these shapes (each with its name) behind their batch axes.
pub(crate) fn check_inputs<E: Element>(
    x: &[&Tensor<E>],
    wanted: &[(&str, &[usize])],
) -> Result<usize> {
    let fail = |message: String| Err(Error::layer("model", message));
    if x.len() != wanted.len() {
        let names: Vec<String> = wanted
            .iter()
            .map(|(name, s)| format!("{name} {s:?}"))
            .collect();
        return fail(format!(
            "{} inputs are wanted ({}), {} are given",
            wanted.len(),
            names.join(", "),
            x.len()
        ));
    }
    let several = wanted.len() > 1;
    let mut samples = None;
    for (x, (name, wanted)) in x.iter().zip(wanted) {
        let own = match x.shape() {
            [samples, sample @ ..] if sample == *wanted => *samples,
            other => {
                let shape: Vec<String> = wanted.iter().map(|n| format!(", {n}")).collect();
                let shape = shape.concat();
                return fail(match several {
                    false => format!("inputs [n{shape}] are wanted, these are {other:?}"),
                    true => format!("input {name:?} is to be [n{shape}], it is {other:?}"),
                });
            }
        };
        let first = *samples.get_or_insert(own);
        if own != first {
            return fail(format!(
                "input {name:?} has {own} samples, the one in front of it {first}"
            ));
        }
    }
    samples.map_or_else(|| fail("there are no inputs".into()), Ok)
}

/// The only one of the outputs.
pub(crate) fn only<T>(mut outputs: Vec<T>, instead: &str) -> Result<T> {
    match (outputs.pop(), outputs.len()) {
        (Some(only), 0) => Ok(only),
        (_, others) => {
            let message = format!(
                "it has {} outputs; `{instead}` gives them all",
                others + usize::from(others > 0)
            );
            Err(Error::layer("model", message))
        }
    }
}

fn total<E: Element>(loss: Var<E>, penalties: &[Var<E>]) -> Result<Var<E>> {
    Ok(penalties
        .iter()
        .try_fold(loss, |total, penalty| total.add(penalty))?)
}

fn scalar<E: Element>(value: &Var<E>) -> Result<f64> {
    Ok(value.value().item()?.to_f64())
}

fn sum<E: Element>(values: &[Var<E>]) -> Result<f64> {
    values.iter().map(scalar).sum()
}
