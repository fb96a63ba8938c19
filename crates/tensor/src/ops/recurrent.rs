//! LSTM and GRU over whole sequences: shapes are checked here, and what the way back needs is kept.

use super::arguments::{packed, values};
use crate::buffer::Buffer;
use crate::kernels::{Course, GruBackward, GruForward, LstmBackward, LstmForward};
use crate::{Element, Error, Result, Tensor, shape};

/// The weights of a recurrent layer of `g` gates (4 of an LSTM, 3 of a GRU) with `u` units.
#[derive(Clone, Debug)]
pub struct RecurrentWeights<E: Element = f32> {
    /// What inputs are multiplied with, `[features, g · u]`.
    pub kernel: Tensor<E>,
    /// What states are multiplied with, `[u, g · u]`.
    pub recurrent: Tensor<E>,
    /// `[4 · u]` of an LSTM; `[2, 3 · u]` of a GRU, whose second row belongs to the recurrent product.
    pub bias: Option<Tensor<E>>,
}

/// How a recurrent layer goes over its sequences.
#[derive(Clone, Debug, Default)]
pub struct Recurrence<E: Element = f32> {
    /// Whether the outputs of all steps come out, or the last one.
    pub sequences: bool,
    /// Whether the states behind the last step stand behind the outputs, as further rows: h, and c of an LSTM.
    pub states: bool,
    /// From the last step to the first; outputs are in the order in which they are made.
    pub backwards: bool,
    /// `[n, steps]`, 0 where a step is left out: the states stay as they are, the output is that of the step before (zeros in
    /// front of the first that counts).
    pub mask: Option<Tensor<E>>,
    /// Whether the outputs of steps that are left out are zeros instead.
    pub zero_output: bool,
}

/// What the way back of [`Tensor::lstm`] and [`Tensor::gru`] needs.
pub struct RecurrentTrace<E: Element = f32> {
    course: Course,
    features: usize,
    weights: RecurrentWeights<E>,
    initial: Vec<Tensor<E>>,
    /// Rows of all steps, in the order of the kernels: inputs, gates, the states in front.
    inputs: Tensor<E>,
    gates: Tensor<E>,
    before: Tensor<E>,
    /// Of an LSTM c and tanh c; of a GRU the candidates' part of the recurrent products.
    kept: [Buffer<E>; 2],
}

/// Gradients of [`Tensor::lstm`] or [`Tensor::gru`].
pub struct RecurrentGradients<E: Element = f32> {
    /// Of the sequences, if it was wanted.
    pub input: Option<Tensor<E>>,
    /// Of the input kernel.
    pub kernel: Tensor<E>,
    /// Of the recurrent kernel.
    pub recurrent: Tensor<E>,
    /// Of the bias, if there is one.
    pub bias: Option<Tensor<E>>,
    /// Of the states in front of the first step, if there are some.
    pub initial: Vec<Tensor<E>>,
}

impl<E: Element> Tensor<E> {
    /// An LSTM with tanh and sigmoid over sequences `[n, steps, features]`, from the states `initial` (h and c, `[n, u]` each,
    /// or none for zeros), gates in Keras's order i, f, g, o: `c = f·c + i·g`, `h = o·tanh c`. The outputs are rows
    /// `[n, rows, u]`: all steps or the last one, and the states behind them, as `how` says.
    ///
    /// ```
    /// use taper_tensor::{Tensor, ops::{Recurrence, RecurrentWeights}};
    /// let weights = RecurrentWeights { kernel: Tensor::zeros([2, 12]), recurrent: Tensor::zeros([3, 12]), bias: None };
    /// let x = Tensor::<f32>::ones([5, 4, 2]);
    /// let (y, _) = x.lstm(&weights, &[], &Recurrence { sequences: true, ..Default::default() })?;
    /// assert_eq!(y.shape(), [5, 4, 3]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, or there is no step.
    pub fn lstm(
        &self,
        weights: &RecurrentWeights<E>,
        initial: &[Tensor<E>],
        how: &Recurrence<E>,
    ) -> Result<(Tensor<E>, RecurrentTrace<E>)> {
        let mut trace = RecurrentTrace::new("lstm", self, weights, initial, how, 4, 2)?;
        let states = trace.states(2);
        let (bias, recurrent) = (
            weights.bias.as_ref().map(packed),
            packed(&weights.recurrent),
        );
        let mut y = Buffer::uninit(trace.course.outputs());
        let [cells, squashed] = &mut trace.kept;
        let pass = LstmForward {
            recurrent: values(&recurrent),
            bias: bias.as_ref().map(values),
            initial: states.each(),
            gates: trace.gates.as_mut_slice(),
            before: trace.before.as_mut_slice(),
            cells,
            squashed,
            y: &mut y,
        };
        E::lstm_forward(&trace.course, pass);
        Ok((trace.output(y), trace))
    }

    /// A GRU with tanh and sigmoid whose reset gate works behind the recurrent product (Keras's `reset_after`), gates in
    /// Keras's order z, r, g: `h = z·h + (1 − z)·tanh(x·K + b + r·(h·R + b′))`. Otherwise as [`lstm`](Self::lstm), with one
    /// state.
    ///
    /// # Errors
    /// When the shapes do not fit, or there is no step.
    pub fn gru(
        &self,
        weights: &RecurrentWeights<E>,
        initial: &[Tensor<E>],
        how: &Recurrence<E>,
    ) -> Result<(Tensor<E>, RecurrentTrace<E>)> {
        let mut trace = RecurrentTrace::new("gru", self, weights, initial, how, 3, 1)?;
        let states = trace.states(1);
        let (bias, recurrent) = (
            weights.bias.as_ref().map(packed),
            packed(&weights.recurrent),
        );
        let mut y = Buffer::uninit(trace.course.outputs());
        let pass = GruForward {
            recurrent: values(&recurrent),
            bias: bias.as_ref().map(values),
            initial: states.each()[0],
            gates: trace.gates.as_mut_slice(),
            before: trace.before.as_mut_slice(),
            inner: &mut trace.kept[0],
            y: &mut y,
        };
        E::gru_forward(&trace.course, pass);
        Ok((trace.output(y), trace))
    }
}

/// States in front of the first step, packed.
struct States<E: Element>([Option<Tensor<E>>; 2]);

impl<E: Element> States<E> {
    fn each(&self) -> [Option<&[E]>; 2] {
        self.0.each_ref().map(|state| state.as_ref().map(values))
    }
}

impl Course {
    fn outputs(&self) -> usize {
        self.samples * self.rows() * self.units
    }
}

impl<E: Element> RecurrentTrace<E> {
    /// Checks all shapes, and computes the input products.
    fn new(
        name: &'static str,
        x: &Tensor<E>,
        weights: &RecurrentWeights<E>,
        initial: &[Tensor<E>],
        how: &Recurrence<E>,
        gates: usize,
        states: usize,
    ) -> Result<Self> {
        let fail = |message: String| Err(Error::shape(name, message));
        let &[samples, steps, features] = x.shape() else {
            return fail(format!(
                "the input must be [n, steps, features], it is {:?}",
                x.shape()
            ));
        };
        let units = weights.recurrent.shape().first().copied().unwrap_or(0);
        if steps == 0 || features == 0 || units == 0 {
            let message = format!(
                "{steps} steps of {features} features, {units} units: at least 1 is wanted"
            );
            return fail(message);
        }
        let wide = gates * units;
        let bias = if gates == 3 {
            vec![2, wide]
        } else {
            vec![wide]
        };
        let wanted = [
            ("kernel", Some(&weights.kernel), vec![features, wide]),
            (
                "recurrent kernel",
                Some(&weights.recurrent),
                vec![units, wide],
            ),
            ("bias", weights.bias.as_ref(), bias),
            ("mask", how.mask.as_ref(), vec![samples, steps]),
            ("first state", initial.first(), vec![samples, units]),
            ("second state", initial.get(1), vec![samples, units]),
        ];
        for (what, tensor, shape) in wanted {
            if let Some(found) = tensor.map(Tensor::shape).filter(|found| *found != shape) {
                return fail(format!(
                    "the {what} must be {shape:?}, it is {found:?} (input {:?}, {units} units)",
                    x.shape()
                ));
            }
        }
        if !initial.is_empty() && initial.len() != states {
            return fail(format!(
                "{} states are given, it has {states}",
                initial.len()
            ));
        }
        let mut course = Course {
            samples,
            steps,
            units,
            sequences: how.sequences,
            states: if how.states { states } else { 0 },
            backwards: how.backwards,
            marks: None,
        };
        if let Some(mask) = &how.mask {
            course.mark(values(&packed(mask)), how.zero_output);
        }
        shape::element_count(name, &[samples, course.rows(), units])?;
        let rows = shape::element_count(name, &[samples, steps])?;
        let inputs = course.packed(values(&packed(x)), features);
        let inputs = Tensor::from_buffer([rows, features], inputs);
        let state = shape::element_count(name, &[rows, units])?;
        let second = if gates == 4 { state } else { 0 };
        Ok(RecurrentTrace {
            gates: inputs.matmul(&weights.kernel)?,
            inputs,
            before: Tensor::from_buffer([rows, units], Buffer::uninit(state)),
            kept: [Buffer::uninit(state), Buffer::uninit(second)],
            course,
            features,
            weights: weights.clone(),
            initial: initial.to_vec(),
        })
    }

    fn states(&self, count: usize) -> States<E> {
        let state = |index: usize| {
            self.initial
                .get(index)
                .filter(|_| index < count)
                .map(packed)
        };
        States([state(0), state(1)])
    }

    fn output(&self, y: Buffer<E>) -> Tensor<E> {
        let course = &self.course;
        Tensor::from_buffer([course.samples, course.rows(), course.units], y)
    }

    /// The gradients of [`Tensor::lstm`], given that of its outputs.
    ///
    /// # Errors
    /// When the gradient has another shape than the outputs.
    pub fn lstm_gradients(
        mut self,
        dy: &Tensor<E>,
        want_input: bool,
    ) -> Result<RecurrentGradients<E>> {
        let dy = self.checked("lstm", dy)?;
        let transposed = self.weights.recurrent.transpose().contiguous();
        let states = self.states(2);
        let [mut h, mut c] = [self.state(), self.state()];
        let pass = LstmBackward {
            dy: values(&dy),
            transposed: values(&transposed),
            initial: states.each(),
            gates: self.gates.as_mut_slice(),
            cells: &self.kept[0],
            squashed: &self.kept[1],
            states: [h.as_mut_slice(), c.as_mut_slice()],
        };
        E::lstm_backward(&self.course, pass);
        let z = self.gates.clone();
        let bias = self.weights.bias.is_some().then(|| z.sum_to_last_axis());
        self.gradients(&z, &z, bias, vec![h, c], want_input)
    }

    /// The gradients of [`Tensor::gru`], given that of its outputs.
    ///
    /// # Errors
    /// When the gradient has another shape than the outputs.
    pub fn gru_gradients(
        mut self,
        dy: &Tensor<E>,
        want_input: bool,
    ) -> Result<RecurrentGradients<E>> {
        let dy = self.checked("gru", dy)?;
        let transposed = self.weights.recurrent.transpose().contiguous();
        let mut h = self.state();
        let mut products = Buffer::uninit(self.gates.len());
        let before = self.before.contiguous();
        let pass = GruBackward {
            dy: values(&dy),
            transposed: values(&transposed),
            gates: self.gates.as_mut_slice(),
            products: &mut products,
            before: values(&before),
            inner: &self.kept[0],
            state: h.as_mut_slice(),
        };
        E::gru_backward(&self.course, pass);
        let z = self.gates.clone();
        let products = Tensor::from_buffer(z.shape(), products);
        let bias = match &self.weights.bias {
            Some(_) => {
                let rows = [z.sum_to_last_axis(), products.sum_to_last_axis()];
                let rows = [rows[0].expand_dims(0)?, rows[1].expand_dims(0)?];
                Some(Tensor::concat(&[&rows[0], &rows[1]], 0)?)
            }
            None => None,
        };
        self.gradients(&z, &products, bias, vec![h], want_input)
    }

    fn checked(&self, name: &'static str, dy: &Tensor<E>) -> Result<Tensor<E>> {
        let course = &self.course;
        let wanted = [course.samples, course.rows(), course.units];
        if dy.shape() == wanted {
            return Ok(packed(dy));
        }
        let message = format!("the gradient must be {wanted:?}, it is {:?}", dy.shape());
        Err(Error::shape(name, message))
    }

    /// Room for the gradient of a state.
    fn state(&self) -> Tensor<E> {
        let Course { samples, units, .. } = self.course;
        Tensor::from_buffer([samples, units], Buffer::uninit(samples * units))
    }

    /// From the gradients of both products.
    fn gradients(
        &self,
        of_inputs: &Tensor<E>,
        of_states: &Tensor<E>,
        bias: Option<Tensor<E>>,
        states: Vec<Tensor<E>>,
        want_input: bool,
    ) -> Result<RecurrentGradients<E>> {
        let Course { samples, steps, .. } = self.course;
        let input = if want_input {
            let dx = of_inputs.matmul(&self.weights.kernel.transpose())?;
            let dx = self.course.unpacked(values(&packed(&dx)), self.features);
            Some(Tensor::from_buffer([samples, steps, self.features], dx))
        } else {
            None
        };
        Ok(RecurrentGradients {
            input,
            kernel: self.inputs.dense_kernel_gradient(of_inputs)?,
            recurrent: self.before.dense_kernel_gradient(of_states)?,
            bias,
            initial: if self.initial.is_empty() {
                Vec::new()
            } else {
                states
            },
        })
    }
}
