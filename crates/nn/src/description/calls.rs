//! The calls of a described graph, made as soon as their inputs are there: in a time that grows with their number, not with
//! its square.

use crate::functional::{Functional, Shared};
use crate::graph::Wire;
use crate::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use taper_tensor::Element;

/// Layer, call, output.
pub(super) type Place = (String, usize, usize);

/// Values: `[["image", 0, 0], …]`, or one of them by itself, as Keras writes a single one.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Places {
    Several(Vec<RawPlace>),
    One(RawPlace),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawPlace {
    Short(String, usize, usize),
    /// Keras 2 has keyword arguments behind.
    Long(String, usize, usize, Value),
}

impl Places {
    pub(super) fn places(self) -> Result<Vec<Place>> {
        let place = |raw: RawPlace| match raw {
            RawPlace::Short(layer, call, output) => Ok((layer, call, output)),
            RawPlace::Long(layer, call, output, more) => {
                let empty = more.is_null() || more.as_object().is_some_and(|o| o.is_empty());
                if empty {
                    return Ok((layer, call, output));
                }
                Err(Error::Config(format!(
                    "calls with arguments ({more}) are not known"
                )))
            }
        };
        match self {
            Places::Several(places) => places.into_iter().map(place).collect(),
            Places::One(one) => Ok(vec![place(one)?]),
        }
    }
}

/// What is made, and what is to be called.
#[derive(Default)]
pub(super) struct Calls {
    wires: HashMap<Place, Wire>,
    layers: Vec<Waiting>,
    /// Layers of which the next call has all its inputs.
    ready: BTreeSet<usize>,
    /// Layers of which the next call waits for a value; none of them is ready.
    readers: HashMap<Place, Vec<usize>>,
}

/// A layer with calls that are left.
struct Waiting {
    name: String,
    shared: Shared,
    /// The inputs of all its calls.
    calls: Vec<Vec<Place>>,
    done: usize,
}

impl Calls {
    /// A value is there.
    pub(super) fn made(&mut self, place: Place, wire: Wire) {
        let readers = self.readers.remove(&place).unwrap_or_default();
        self.wires.insert(place, wire);
        readers.into_iter().for_each(|layer| self.look_at(layer));
    }

    /// A layer is to be called, with these inputs at each call. Its name is its own.
    pub(super) fn wait(&mut self, name: String, shared: Shared, calls: Vec<Vec<Place>>) {
        self.layers.push(Waiting {
            name,
            shared,
            calls,
            done: 0,
        });
        self.look_at(self.layers.len() - 1);
    }

    /// Notes whether the next call of a layer can be made, or what it waits for.
    fn look_at(&mut self, layer: usize) {
        let Waiting { calls, done, .. } = &self.layers[layer];
        let Some(inputs) = calls.get(*done) else {
            return;
        };
        match inputs.iter().find(|place| !self.wires.contains_key(*place)) {
            Some(missing) => self.readers.entry(missing.clone()).or_default().push(layer),
            None => {
                self.ready.insert(layer);
            }
        }
    }

    /// Makes every call as soon as its inputs are there, in the order that the description gives, if it gives one, and
    /// otherwise the first layer of the list first.
    pub(super) fn make<E: Element>(
        &mut self,
        net: &mut Functional<E>,
        order: &[String],
    ) -> Result<()> {
        let numbers = self.layers.iter().enumerate();
        let numbers: HashMap<String, usize> = numbers.map(|(i, l)| (l.name.clone(), i)).collect();
        let mut order = order.iter();
        loop {
            let next = match order.next() {
                Some(name) => numbers
                    .get(name)
                    .copied()
                    .filter(|layer| self.ready.contains(layer)),
                None => self.ready.first().copied(),
            };
            let Some(layer) = next else {
                break;
            };
            self.ready.remove(&layer);
            let Waiting {
                name,
                shared,
                calls,
                done,
            } = &mut self.layers[layer];
            let inputs: Vec<Wire> = calls[*done].iter().map(|p| self.wires[p]).collect();
            let outputs = net.call_all(*shared, &inputs);
            let (name, call) = (name.clone(), *done);
            *done += 1;
            for (output, wire) in outputs.into_iter().enumerate() {
                self.made((name.clone(), call, output), wire);
            }
            self.look_at(layer);
        }
        self.all_made()
    }

    fn all_made(&self) -> Result<()> {
        let left = |layer: &&Waiting| layer.done < layer.calls.len();
        let Some(Waiting {
            name, calls, done, ..
        }) = self.layers.iter().find(left)
        else {
            return Ok(());
        };
        let missing = calls[*done].iter().find(|p| !self.wires.contains_key(*p));
        let why = missing.map_or(
            "it stands in a circle, or call_order is wrong".into(),
            |place| format!("{place:?} is not to be had"),
        );
        let message = format!("model: call {done} of {name} cannot be made: {why}");
        Err(Error::Config(message))
    }

    /// The values of these places.
    pub(super) fn wires(&self, places: Vec<Place>) -> Result<Vec<Wire>> {
        let find = |place: &Place| match self.wires.get(place) {
            Some(wire) => Ok(*wire),
            None => Err(Error::Config(format!(
                "model: no layer makes the output {place:?}"
            ))),
        };
        places.iter().map(find).collect()
    }
}
