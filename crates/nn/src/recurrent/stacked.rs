//! Cells one behind the other, as one cell.

use super::cell::{Cell, Drops};
use crate::names::{self, Named};
use crate::{Constraint, Context, Error, Result, WeightSpec};
use serde_json::{Value, json};
use std::sync::Arc;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// Cells of which each reads what the one in front of it puts out, as one cell with the states of all.
///
/// ```
/// use taper_nn::recurrent::{Cell, GRUCell, LSTMCell, StackedRNNCells};
/// let stack = StackedRNNCells::<f32>::new().add(LSTMCell::new(8)).add(GRUCell::new(4));
/// assert_eq!((stack.state_sizes(), stack.output_size()), (vec![8, 8, 4], 4));
/// ```
#[derive(Clone, Debug)]
pub struct StackedRNNCells<E: Element = f32> {
    pub(super) name: Option<String>,
    pub(super) cells: Vec<Arc<dyn Cell<E>>>,
}

impl<E: Element> StackedRNNCells<E> {
    /// A stack without cells; it wants at least one.
    pub fn new() -> Self {
        StackedRNNCells {
            name: None,
            cells: Vec::new(),
        }
    }

    /// Puts a cell behind the others.
    #[expect(clippy::should_implement_trait, reason = "the word of Sequential")]
    pub fn add(mut self, cell: impl Cell<E>) -> Self {
        self.cells.push(Arc::new(cell));
        self
    }

    pub(super) fn of(cells: Vec<Box<dyn Cell<E>>>) -> Self {
        StackedRNNCells {
            name: None,
            cells: cells.into_iter().map(Arc::from).collect(),
        }
    }

    /// The names of the cells within the stack.
    fn names(&self) -> Result<Vec<String>> {
        let named = |cell: &Arc<dyn Cell<E>>| (cell.class_name(), cell.name().map(str::to_owned));
        let named: Vec<_> = self.cells.iter().map(named).collect();
        let named: Vec<Named<'_>> = named
            .iter()
            .map(|(class_name, name)| Named {
                class_name,
                given: name.as_deref(),
            })
            .collect();
        names::of(&[], &named)
    }

    /// For every cell how many features it reads.
    fn features(&self, features: usize) -> impl Iterator<Item = usize> + '_ {
        let outputs = self.cells.iter().map(|cell| cell.output_size());
        std::iter::once(features).chain(outputs)
    }

    /// Which weights each cell has, of so many features.
    fn parts(&self, features: usize) -> Result<Vec<usize>> {
        let cells = self.cells.iter().zip(self.features(features));
        cells
            .map(|(cell, features)| Ok(cell.weights(features)?.len()))
            .collect()
    }
}

pub(super) const CLASS: &str = "StackedRNNCells";

impl<E: Element> Default for StackedRNNCells<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Element> Cell<E> for StackedRNNCells<E> {
    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> Value {
        let cell = |cell: &Arc<dyn Cell<E>>| json!({"class_name": cell.class_name(), "config": cell.config()});
        let mut config = json!({"cells": self.cells.iter().map(cell).collect::<Vec<_>>()});
        if let Some(name) = &self.name {
            config["name"] = json!(name);
        }
        config
    }

    fn state_sizes(&self) -> Vec<usize> {
        let cells = self.cells.iter();
        cells.flat_map(|cell| cell.state_sizes()).collect()
    }

    fn output_size(&self) -> usize {
        self.cells.last().map_or(0, |cell| cell.output_size())
    }

    fn weights(&self, features: usize) -> Result<Vec<WeightSpec>> {
        if self.cells.is_empty() {
            return Err(Error::layer(
                CLASS,
                "cells is empty, at least one is wanted",
            ));
        }
        let mut specs = Vec::new();
        let cells = self.cells.iter().zip(self.features(features));
        for ((cell, features), name) in cells.zip(self.names()?) {
            let inside = |error| Error::layer(CLASS, format!("cells: {error}"));
            for spec in cell.weights(features).map_err(inside)? {
                specs.push(WeightSpec {
                    name: format!("{name}/{}", spec.name).into(),
                    ..spec
                });
            }
        }
        Ok(specs)
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        let (name, weight) = weight.split_once('/')?;
        let index = self.names().ok()?.iter().position(|own| own == name)?;
        self.cells[index].constraint(weight)
    }

    fn drops(&self, x: &Var<E>, context: &mut Context<E>) -> Result<Drops<E>> {
        let n = x.shape().first().copied().unwrap_or(0);
        let mut drops = Drops::default();
        let features = x.shape().last().copied().unwrap_or(0);
        for (cell, features) in self.cells.iter().zip(self.features(features)) {
            // The shape alone counts.
            let x = x
                .tape()
                .constant(&Tensor::zeros([1]).broadcast_to(&[n, features])?);
            drops.parts.push(cell.drops(&x, context)?);
        }
        Ok(drops)
    }

    fn step(
        &self,
        x: &Var<E>,
        states: &[Var<E>],
        weights: &[Var<E>],
        drops: &Drops<E>,
    ) -> Result<(Var<E>, Vec<Var<E>>)> {
        let features = x.shape().last().copied().unwrap_or(0);
        let (mut x, mut next) = (x.clone(), Vec::new());
        let (mut states, mut weights) = (states, weights);
        let none = Drops::default();
        let parts = self.parts(features)?;
        for (index, (cell, count)) in self.cells.iter().zip(parts).enumerate() {
            let sizes = cell.state_sizes().len();
            if states.len() < sizes || weights.len() < count {
                return Err(Error::layer(CLASS, "states or weights are missing"));
            }
            let drops = drops.parts.get(index).unwrap_or(&none);
            let (y, own) = cell.step(&x, &states[..sizes], &weights[..count], drops)?;
            (states, weights) = (&states[sizes..], &weights[count..]);
            x = y;
            next.extend(own);
        }
        Ok((x, next))
    }
}
