//! A layer whose kernel goes over axes named by letters.

use super::{Row, Sample, boxed, finish};
use crate::constraints::constraint_settings;
use crate::{
    ActivationKind, Constraint, Context, Describe, Error, Initializer, Layer, Regularizer, Result,
    WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// activation(einsum(equation, x, kernel) + bias): a dense layer over any axes, which the letters of an equation name.
///
/// The equation is `input,kernel->output`, in one of the forms `ab,bc->ac`, `...b,bc->...c` and `ab...,bc->ac...`; the first
/// axis of input and output is the batch. `output_shape` tells the lengths of the output's letters (without the batch, and
/// without what `...` stands for), with `None` where the input has the letter. `bias_axes` are the letters of the output along
/// which a bias is added; without them there is none.
///
/// Weights: `kernel`, with an axis for each of its letters, and `bias`, with the axes of the output from the first of
/// `bias_axes` on, of length 1 where it is the same all along. See [`Var::einsum`].
///
/// Keras's LoRA and quantization are absent.
///
/// ```
/// use taper_nn::{Describe, Relu, layers::EinsumDense};
/// // A dense layer on sequences of 32 with 128 features.
/// let layer = EinsumDense::new("abc,cd->abd", [None, Some(64)]).bias_axes("d").activation(Relu);
/// assert_eq!(layer.output_shape(&[32, 128])?, [32, 64]);
/// // Onto 4 heads of 16 features.
/// let heads = EinsumDense::new("...x,xhd->...hd", [4, 16]);
/// assert_eq!(heads.output_shape(&[32, 128])?, [32, 4, 16]);
/// assert_eq!(heads.weights(&[32, 128])?[0].shape, [128, 4, 16]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EinsumDense {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The letters of input, kernel and output (no default).
    pub equation: String,
    /// The lengths of the output's letters (no default).
    pub output_shape: PartialShape,
    /// The activation function (default: linear, that is none).
    #[serde(default)]
    pub activation: ActivationKind,
    /// The letters of the output along which a bias is added (default: no bias).
    #[serde(default)]
    pub bias_axes: Option<String>,
    /// First values of the kernel (default: glorot uniform).
    #[serde(default = "Initializer::default_kernel")]
    pub kernel_initializer: Initializer,
    /// First values of the bias (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel (default: none).
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default: none).
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Penalty on the output (default: none).
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// What the kernel must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_constraint: Option<Constraint>,
    /// What the bias must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

/// Lengths of axes, some of which follow from others. `64`, `[4, 16]` and `[None, Some(64)]` convert into it; JSON has `64` or
/// `[null, 64]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMore", into = "Vec<Option<usize>>")]
pub struct PartialShape(pub Vec<Option<usize>>);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number or a list of them, such as 64 or [null, 64]"
)]
enum OneOrMore {
    One(usize),
    More(Vec<Option<usize>>),
}

impl From<OneOrMore> for PartialShape {
    fn from(value: OneOrMore) -> Self {
        match value {
            OneOrMore::One(length) => length.into(),
            OneOrMore::More(lengths) => PartialShape(lengths),
        }
    }
}

impl From<PartialShape> for Vec<Option<usize>> {
    fn from(shape: PartialShape) -> Self {
        shape.0
    }
}

impl From<usize> for PartialShape {
    fn from(length: usize) -> Self {
        PartialShape(vec![Some(length)])
    }
}

impl<const N: usize> From<[usize; N]> for PartialShape {
    fn from(lengths: [usize; N]) -> Self {
        PartialShape(lengths.map(Some).to_vec())
    }
}

impl<const N: usize> From<[Option<usize>; N]> for PartialShape {
    fn from(lengths: [Option<usize>; N]) -> Self {
        PartialShape(lengths.to_vec())
    }
}

const NAME: &str = "EinsumDense";

impl EinsumDense {
    /// A layer with this equation, whose output has these lengths; everything else as Keras has it by default.
    pub fn new(equation: impl Into<String>, output_shape: impl Into<PartialShape>) -> Self {
        EinsumDense {
            name: None,
            equation: equation.into(),
            output_shape: output_shape.into(),
            activation: ActivationKind::Linear,
            bias_axes: None,
            kernel_initializer: Initializer::default_kernel(),
            bias_initializer: Initializer::default_bias(),
            kernel_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            kernel_constraint: None,
            bias_constraint: None,
        }
    }

    /// The activation function (default: linear, that is none).
    pub fn activation(mut self, activation: ActivationKind) -> Self {
        self.activation = activation;
        self
    }

    /// The letters of the output along which a bias is added (default: no bias).
    pub fn bias_axes(mut self, letters: impl Into<String>) -> Self {
        self.bias_axes = Some(letters.into());
        self
    }

    /// First values of the kernel (default: glorot uniform).
    pub fn kernel_initializer(mut self, initializer: Initializer) -> Self {
        self.kernel_initializer = initializer;
        self
    }

    /// First values of the bias (default: zeros).
    pub fn bias_initializer(mut self, initializer: Initializer) -> Self {
        self.bias_initializer = initializer;
        self
    }

    /// Penalty on the kernel, e.g. `L2(0.01)` (default: none).
    pub fn kernel_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.kernel_regularizer = Some(regularizer.into());
        self
    }

    /// Penalty on the bias (default: none).
    pub fn bias_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.bias_regularizer = Some(regularizer.into());
        self
    }

    /// Penalty on the layer's output, divided by the batch size (default: none).
    pub fn activity_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    constraint_settings!();

    fn shapes(&self, input: &[usize]) -> Result<Shapes> {
        let lengths = self.output_shape.0.iter().flatten();
        lengths
            .copied()
            .try_for_each(|length| setting::count("output_shape", length))
            .and_then(|()| {
                crate::weight_checks::penalty::<f32>(
                    "activity_regularizer",
                    self.activity_regularizer,
                )
            })
            .and_then(|()| self.analyse(input))
            .map_err(|fault| Error::layer(NAME, fault))
    }

    /// The shapes that follow from the equation, for an input of this shape.
    fn analyse(&self, input: &[usize]) -> Result<Shapes, String> {
        let told = |what: String| format!("equation {:?}: {what}", self.equation);
        let Letters {
            input: of_input,
            kernel: of_kernel,
            output: of_output,
            dots,
        } = Letters::read(&self.equation).map_err(told)?;
        // Lengths of all axes; the batch has none.
        let input: Vec<Option<usize>> = [None]
            .into_iter()
            .chain(input.iter().copied().map(Some))
            .collect();
        let elided = match (input.len().checked_sub(of_input.len()), dots) {
            (Some(0), _) => 0,
            (Some(elided), Some(_)) => elided,
            _ => {
                let (letters, axes) = (of_input.len(), input.len());
                return Err(told(format!(
                    "it names {letters} axes of an input that has {axes} with the batch"
                )));
            }
        };
        let (in_front, behind) = match dots {
            Some(Dots::Left) => (elided, 0),
            _ => (0, elided),
        };
        // A letter of the batch stands in front, where no ellipsis has it.
        let with_batch = usize::from(in_front == 0);
        let lengths = &self.output_shape.0;
        if of_output.len() != lengths.len() + with_batch {
            let letters = of_output.len() - with_batch.min(of_output.len());
            return Err(told(format!(
                "output_shape {lengths:?} has {} lengths for {letters} axes of the output behind the batch",
                lengths.len()
            )));
        }
        let batch = (with_batch == 1).then(|| of_input[0]);
        if batch.is_some_and(|batch| of_output[0] != batch || of_kernel.contains(&batch)) {
            return Err(told("the first axis must be the batch, in input and output alike, and not in the kernel".into()));
        }
        let in_input = |letter: char| {
            let place = of_input.iter().position(|&other| other == letter)?;
            Some(input[in_front + place])
        };
        let mut named: Vec<(char, Option<usize>)> = Vec::new();
        for (i, &letter) in of_output.iter().enumerate() {
            let length = i.checked_sub(with_batch).and_then(|i| lengths[i]);
            let length = match (length, in_input(letter)) {
                (Some(length), Some(Some(other))) if length != other => {
                    return Err(told(format!(
                        "output_shape has {length} for {letter}, the input has {other}"
                    )));
                }
                (None, Some(other)) => other,
                (None, None) => {
                    return Err(told(format!(
                        "output_shape must say the length of {letter}"
                    )));
                }
                (length, _) => length,
            };
            if in_input(letter).is_none() && !of_kernel.contains(&letter) {
                return Err(told(format!(
                    "neither input nor kernel has the output's {letter}"
                )));
            }
            named.push((letter, length));
        }
        let in_output = |letter: char| named.iter().find(|(other, _)| *other == letter);
        let (mut kernel, mut fans) = (Vec::new(), (1.0, 1.0));
        for &letter in &of_kernel {
            let (length, fan) = match (in_output(letter), in_input(letter)) {
                (Some(&(_, length)), _) => (length, &mut fans.1),
                (None, Some(length)) => (length, &mut fans.0),
                (None, None) => {
                    return Err(told(format!(
                        "neither input nor output has the kernel's {letter}"
                    )));
                }
            };
            let length = length.ok_or_else(|| told(format!("{letter} has no length")))?;
            *fan *= length as f64;
            kernel.push(length);
        }
        let bias = match self.bias_axes.as_deref() {
            None | Some("") => None,
            Some(letters) => {
                if let Some(odd) = letters.chars().find(|&letter| in_output(letter).is_none()) {
                    return Err(told(format!(
                        "bias_axes has {odd}, which the output has not"
                    )));
                }
                if batch.is_some_and(|batch| letters.contains(batch)) {
                    return Err(told("bias_axes has the batch".into()));
                }
                let first = named
                    .iter()
                    .position(|(letter, _)| letters.contains(*letter));
                let axes = named[first.unwrap_or(0)..].iter();
                let axes = axes.map(|(letter, length)| match letters.contains(*letter) {
                    true => length.unwrap_or(1),
                    false => 1,
                });
                Some(axes.chain(std::iter::repeat_n(1, behind)).collect())
            }
        };
        let all = input[..in_front].iter().copied();
        let all = all.chain(named.iter().map(|(_, length)| *length));
        let output = all.chain(input[input.len() - behind..].iter().copied());
        let output: Option<Vec<usize>> = output.skip(1).collect();
        Ok(Shapes {
            kernel,
            bias,
            output: output.ok_or_else(|| told("the batch stands twice in the output".into()))?,
            fans,
        })
    }
}

/// What follows from an equation.
struct Shapes {
    kernel: Vec<usize>,
    bias: Option<Vec<usize>>,
    /// Of one sample.
    output: Vec<usize>,
    /// Inputs and outputs of a unit.
    fans: (f64, f64),
}

/// The letters of an equation.
struct Letters {
    input: Vec<char>,
    kernel: Vec<char>,
    output: Vec<char>,
    dots: Option<Dots>,
}

#[derive(Clone, Copy, PartialEq)]
enum Dots {
    Left,
    Right,
}

impl Letters {
    fn read(equation: &str) -> Result<Self, String> {
        let parts = equation.split_once("->");
        let parts = parts.and_then(|(inputs, output)| Some((inputs.split_once(',')?, output)));
        let ((input, kernel), output) = parts.ok_or("it must be like ab,bc->ac")?;
        let dots = |term: &str| match (term.starts_with("..."), term.ends_with("...")) {
            (true, _) => Some(Dots::Left),
            (_, true) => Some(Dots::Right),
            _ => None,
        };
        if dots(input) != dots(output) || dots(kernel).is_some() {
            return Err(
                "input and output must have \"...\" in the same place, the kernel none".into(),
            );
        }
        let letters = |term: &str| -> Result<Vec<char>, String> {
            let term = term.strip_prefix("...").unwrap_or(term);
            let term = term.strip_suffix("...").unwrap_or(term);
            let letters: Vec<char> = term.chars().collect();
            if letters.is_empty() {
                return Err("input, kernel and output must have a letter each".into());
            }
            for (i, letter) in letters.iter().enumerate() {
                if !letter.is_ascii_alphabetic() {
                    return Err(format!("{letter:?} is no letter"));
                }
                if letters[..i].contains(letter) {
                    return Err(format!("{term:?} has {letter} twice"));
                }
            }
            Ok(letters)
        };
        Ok(Letters {
            input: letters(input)?,
            kernel: letters(kernel)?,
            output: letters(output)?,
            dots: dots(input),
        })
    }
}

impl Describe for EinsumDense {
    fn class_name(&self) -> &'static str {
        NAME
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(self.shapes(input)?.output)
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let shapes = self.shapes(input)?;
        let kernel = WeightSpec {
            name: "kernel".into(),
            shape: shapes.kernel,
            initializer: self
                .kernel_initializer
                .with_fans(shapes.fans.0, shapes.fans.1),
            regularizer: self.kernel_regularizer,
            trainable: true,
        };
        let bias = shapes.bias.map(|shape| WeightSpec {
            name: "bias".into(),
            shape,
            initializer: self.bias_initializer,
            regularizer: self.bias_regularizer,
            trainable: true,
        });
        Ok([kernel].into_iter().chain(bias).collect())
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.constraint_of(weight)
    }

    fn penalizes(&self) -> bool {
        self.activity_regularizer.is_some()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for EinsumDense {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let [kernel, rest @ ..] = weights else {
            return Err(Error::layer(NAME, "the kernel is missing"));
        };
        let mut y = Var::einsum(&self.equation, &[x, kernel])?;
        if let [bias, ..] = rest {
            y = y.add(bias)?;
        }
        finish(y, self.activation, self.activity_regularizer, context)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        // The activity regularizer wants to see what the activation function makes.
        let linear = self.activation == ActivationKind::Linear;
        if linear || self.activity_regularizer.is_some() {
            return None;
        }
        let plain = self.clone().activation(ActivationKind::Linear);
        Some((self.activation, Box::new(plain)))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: NAME,
        about: "activation(einsum(equation, x, kernel) + bias)",
        file: file!(),
        from_config: |config| boxed::<E, EinsumDense>(NAME, config),
        sample: |sampler| {
            let [b, c, d, e] = [(); 4].map(|()| sampler.integer(1, 3));
            let (equation, lengths, bias, input) = match sampler.integer(0, 5) {
                0 => ("ab,bc->ac", vec![Some(c)], "c", vec![b]),
                1 => ("abc,cd->abd", vec![None, Some(d)], "d", vec![b, c]),
                2 => (
                    "abc,cde->abde",
                    vec![Some(b), Some(d), Some(e)],
                    "be",
                    vec![b, c],
                ),
                3 => ("...x,xy->...y", vec![Some(d)], "y", vec![b, e, c]),
                4 => ("abc...,cd->abd...", vec![None, Some(d)], "b", vec![b, c, e]),
                _ => ("abcd,cde->abe", vec![None, Some(e)], "e", vec![b, c, d]),
            };
            let mut layer =
                EinsumDense::new(equation, d).activation(ActivationKind::drawn(sampler));
            layer.output_shape = PartialShape(lengths);
            if sampler.coin() {
                layer = layer.bias_axes(bias);
            }
            if sampler.coin() {
                layer = layer.activity_regularizer(crate::L1L2 { l1: 0.05, l2: 0.1 });
            }
            if sampler.coin() {
                layer = layer.kernel_regularizer(crate::L2(0.1)).name("named");
            }
            Sample::new(layer, input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_follow_from_letters() {
        let shapes = |layer: EinsumDense, input: &[usize]| {
            let weights = layer.weights(input).unwrap();
            let weights = weights
                .into_iter()
                .map(|weight| weight.shape)
                .collect::<Vec<_>>();
            (layer.output_shape(input).unwrap(), weights)
        };
        let heads = EinsumDense::new("abc,cde->abde", [None, Some(4), Some(2)]).bias_axes("de");
        assert_eq!(
            shapes(heads, &[5, 3]),
            (vec![5, 4, 2], vec![vec![3, 4, 2], vec![4, 2]])
        );
        let positions = EinsumDense::new("abc,cd->abd", [None, Some(4)]).bias_axes("b");
        assert_eq!(
            shapes(positions, &[5, 3]),
            (vec![5, 4], vec![vec![3, 4], vec![5, 1]])
        );
        let dots = EinsumDense::new("...x,xy->...y", 4).bias_axes("y");
        assert_eq!(
            shapes(dots.clone(), &[3]),
            (vec![4], vec![vec![3, 4], vec![4]])
        );
        assert_eq!(
            shapes(dots, &[6, 5, 3]),
            (vec![6, 5, 4], vec![vec![3, 4], vec![4]])
        );
        let behind = EinsumDense::new("ab...,bc->ac...", 4).bias_axes("c");
        assert_eq!(
            shapes(behind, &[3, 6]),
            (vec![4, 6], vec![vec![3, 4], vec![4, 1]])
        );
    }

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: EinsumDense, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        let new = |equation: &str, lengths: PartialShape| EinsumDense::new(equation, lengths);
        assert!(message(new("ab,bc", 4.into()), &[3]).contains("it must be like"));
        assert!(message(new("ab,bc->ac", 0.into()), &[3]).contains("output_shape is 0"));
        assert!(message(new("ab,bc->ac", [4, 4].into()), &[3]).contains("output_shape"));
        assert!(message(new("ab,bc->ac", [None].into()), &[3]).contains("the length of c"));
        assert!(message(new("ab,bc->ca", 4.into()), &[3]).contains("must be the batch"));
        assert!(message(new("ab,bc->ac", 4.into()), &[3, 3]).contains("names 2 axes"));
        assert!(message(new("ab,bb->ab", 4.into()), &[3]).contains("b twice"));
        assert!(message(new("ab,bc->ad", 4.into()), &[3]).contains("the output's d"));
        assert!(message(new("abc,cd->abd", [5, 4].into()), &[3, 2]).contains("the input has 3"));
        let bias = new("ab,bc->ac", 4.into()).bias_axes("b");
        assert!(message(bias, &[3]).contains("bias_axes has b"));
    }
}
