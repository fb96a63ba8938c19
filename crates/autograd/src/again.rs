//! Gradients that stay on the tape: second derivatives, and penalties of gradients.

use crate::tape::{Place, Tape, Var};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Var<E> {
    /// The gradients of this value with respect to each of `of`, as variables: they were computed by operations on the tape, and
    /// can be differentiated again, by this method or by [`backward`](Var::backward). So a differential equation can be part of a
    /// loss. The tape stays as it is and goes on.
    ///
    /// `of` may be parameters or values that were computed from them; one on which this value does not depend has a gradient of
    /// zeros.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// let cubes = x.square().mul(&x)?;
    /// let slope = cubes.sum().gradients(&[&x])?.remove(0);
    /// assert_eq!(slope.value().to_vec(), [3.0, 12.0]);
    /// let curvature = slope.sum().gradients(&[&x])?.remove(0);
    /// assert_eq!(curvature.value().to_vec(), [6.0, 12.0]);
    /// assert_eq!(curvature.sum().backward()?[&x].to_vec(), [6.0, 6.0]); // the third one
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the value has more than one element, the tape has been walked back, a variable of `of` is a constant or of another
    /// tape, or an operation between them has no second derivative; the message names it.
    pub fn gradients(&self, of: &[&Var<E>]) -> Result<Vec<Var<E>>> {
        let fail = |what: &str| Err(Error::shape("gradients", what));
        if self.value().len() != 1 {
            let message = format!(
                "of one element, this value has {} (shape {:?}); reduce it by `sum()` or `mean()`",
                self.value().len(),
                self.shape()
            );
            return fail(&message);
        }
        let tape = self.tape();
        if tape.recording.borrow().spent {
            return fail("this tape has been walked back already, and what it recorded is gone");
        }
        let mut targets = Vec::with_capacity(of.len());
        for var in of {
            match var.node() {
                Some(node) if var.tape().id() == tape.id() => targets.push(node),
                _ => {
                    return fail(&format!(
                        "the variable of shape {:?} is a constant, or of another tape; put what you want the gradient of \
                         on the tape by `tape.parameter(&tensor)`",
                        var.shape()
                    ));
                }
            }
        }
        let mut found = match self.node() {
            Some(last) => walk(tape, last, self.shape(), &targets)?,
            None => Vec::new(),
        };
        let gradients = of.iter().zip(&targets).map(|(var, &target)| {
            let gradient = found.get_mut(target).and_then(|gradient| gradient.clone());
            gradient.unwrap_or_else(|| tape.constant(&Tensor::zeros(var.shape())))
        });
        Ok(gradients.collect())
    }
}

/// The gradients by position, of what lies between the `targets` and the node `last`, whose own gradient is 1.
fn walk<E: Element>(
    tape: &Tape<E>,
    last: usize,
    shape: &[usize],
    targets: &[usize],
) -> Result<Vec<Option<Var<E>>>> {
    let depends = dependent(tape, last, targets);
    let mut gradients: Vec<Option<Var<E>>> = vec![None; last + 1];
    gradients[last] = Some(tape.constant(&Tensor::ones(shape)));
    for node in (0..=last).rev().filter(|&node| depends[node]) {
        let Some(gradient) = gradients[node].clone() else {
            continue;
        };
        // A target may stay; of all others nobody will ask again.
        if !targets.contains(&node) {
            gradients[node] = None;
        }
        for (input, gradient) in through(tape, node, &gradient, &depends)? {
            let sum = match gradients[input].take() {
                Some(sum) => sum.add(&gradient)?,
                None => gradient,
            };
            gradients[input] = Some(sum);
        }
    }
    Ok(gradients)
}

/// Which nodes are targets or were computed from one.
fn dependent<E: Element>(tape: &Tape<E>, last: usize, targets: &[usize]) -> Vec<bool> {
    let mut depends = vec![false; last + 1];
    let recording = tape.recording.borrow();
    for (i, node) in recording.nodes[..=last].iter().enumerate() {
        let inputs = node.inputs.iter().flatten();
        depends[i] = targets.contains(&i) || inputs.into_iter().any(|&input| depends[input]);
    }
    depends
}

/// The gradients that a node sends back, and where to.
fn through<E: Element>(
    tape: &Tape<E>,
    node: usize,
    gradient: &Var<E>,
    depends: &[bool],
) -> Result<Vec<(usize, Var<E>)>> {
    // The operation leaves the tape for as long as it records others.
    let (op, inputs) = {
        let node = &mut tape.recording.borrow_mut().nodes[node];
        (node.op.take(), node.inputs.clone())
    };
    let Some(op) = op else {
        return Ok(Vec::new());
    };
    let wanted: Vec<bool> = inputs
        .iter()
        .map(|input| input.is_some_and(|input| depends[input]))
        .collect();
    let back = op.backward_on_tape(gradient, &Place::new(tape, node, &inputs, &wanted));
    let name = op.name();
    tape.recording.borrow_mut().nodes[node].op = Some(op);
    let back = back?;
    if back.len() != inputs.len() {
        let message = format!(
            "its backward_on_tape returned {} gradients for {} inputs",
            back.len(),
            inputs.len()
        );
        return Err(Error::shape(name, message));
    }
    let mut sent = Vec::new();
    for (i, gradient) in back.into_iter().enumerate().filter(|&(i, _)| wanted[i]) {
        let (Some(input), Some(gradient)) = (inputs[i], gradient) else {
            continue;
        };
        let shape = &tape.recording.borrow().nodes[input].shape;
        if gradient.shape() != shape {
            let message = format!(
                "its backward_on_tape returned a gradient {:?} for an input {shape:?}",
                gradient.shape()
            );
            return Err(Error::shape(name, message));
        }
        sent.push((input, gradient));
    }
    Ok(sent)
}
