//! Predicting for a whole data set, by prepared inference.

use crate::{Error, Result, evaluate::each_batch, shapes};
use taper_datasets::Dataset;
use taper_nn::Model;
use taper_tensor::Tensor;
use taper_tensor::prepared::in_pool;

/// The model's outputs `[n, …]` for the whole of `data`, in its order, `batch_size` samples at a time, by
/// [prepared inference](taper_nn::inference).
///
/// # Errors
/// The data set is empty or its inputs do not fit the model; a layer refuses; a model of several outputs, for which there
/// is [`predict_all`].
pub fn predict(model: &Model, data: &dyn Dataset, batch_size: usize) -> Result<Tensor> {
    let names = model.output_names();
    if names.len() > 1 {
        let message = format!(
            "the model has the outputs {}; predict_all gives them all",
            names.join(", ")
        );
        return Err(Error::shapes("predict", message));
    }
    let mut all = predict_all(model, data, batch_size)?.outputs;
    let only = all.pop().map(|(_, values)| values);
    only.ok_or_else(|| Error::shapes("predict", "the model has no outputs"))
}

/// All outputs of a model for the whole of `data`, by name.
///
/// ```
/// use taper_datasets::InMemory;
/// use taper_train::prelude::*;
/// let mut net = Functional::new();
/// let x = net.input("x", [4]);
/// let (kind, size) = (net.apply(Dense::new(3).name("kind"), x), net.apply(Dense::new(1).name("size"), x));
/// let model = net.outputs(&[kind, size]).build(Seed(7))?;
/// let data = InMemory::new(Tensor::ones([10, 4]), Tensor::zeros([10, 1]))?; // targets do not matter here
/// let predicted = taper_train::predict_all(&model, &data, 4)?;
/// assert_eq!(predicted.get("kind").unwrap().shape(), [10, 3]);
/// for (name, values) in &predicted {
///     println!("{name}: {:?}", values.shape());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The data set is empty or its inputs do not fit the model; a layer refuses.
pub fn predict_all(model: &Model, data: &dyn Dataset, batch_size: usize) -> Result<Predictions> {
    in_pool(|| all(model, data, batch_size))
}

fn all(model: &Model, data: &dyn Dataset, batch_size: usize) -> Result<Predictions> {
    let fields = shapes::check("predict", model, data, batch_size)?;
    let mut prepared = model.prepare(batch_size.min(data.len()))?;
    let shapes: Vec<&[usize]> = model.output_shapes().collect();
    let widths: Vec<usize> = shapes.iter().map(|shape| shape.iter().product()).collect();
    let room = |width: &usize| Vec::with_capacity(data.len() * width);
    let mut values: Vec<Vec<f32>> = widths.iter().map(room).collect();
    each_batch(data, batch_size, |batch| {
        let inputs = fields.iter().map(|&i| batch.inputs[i].contiguous());
        let inputs: Vec<Tensor> = inputs.collect();
        let inputs: Vec<&[f32]> = inputs
            .iter()
            .map(|x| x.as_slice().unwrap_or_default())
            .collect();
        let grown = values.iter_mut().zip(&widths).map(|(values, width)| {
            let first = values.len();
            values.resize(first + batch.indices.len() * width, 0.0);
            &mut values[first..]
        });
        let mut outputs: Vec<&mut [f32]> = grown.collect();
        Ok(prepared.predict_all_into(&inputs, &mut outputs)?)
    })?;
    let tensor = |(shape, values): (&[usize], Vec<f32>)| {
        Ok(Tensor::from_vec([&[data.len()], shape].concat(), values)?)
    };
    let tensors = shapes.into_iter().zip(values).map(tensor);
    let tensors = tensors.collect::<Result<Vec<_>>>()?;
    Ok(Predictions {
        outputs: model.output_names().into_iter().zip(tensors).collect(),
    })
}

/// What a model puts out for a data set: a tensor `[n, …]` an output, in the model's order.
#[derive(Clone, Debug)]
pub struct Predictions {
    outputs: Vec<(String, Tensor)>,
}

impl Predictions {
    /// The output of this name ([`Model::output_names`]).
    #[must_use]
    pub fn get(&self, output: &str) -> Option<&Tensor> {
        let found = self.outputs.iter().find(|(name, _)| name == output);
        found.map(|(_, values)| values)
    }

    /// Names and values.
    pub fn iter(&self) -> std::slice::Iter<'_, (String, Tensor)> {
        self.outputs.iter()
    }
}

impl<'a> IntoIterator for &'a Predictions {
    type Item = &'a (String, Tensor);
    type IntoIter = std::slice::Iter<'a, (String, Tensor)>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Predictions {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;
    fn into_iter(self) -> Self::IntoIter {
        self.outputs.into_iter()
    }
}
