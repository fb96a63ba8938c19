//! Models that are graphs, wire by wire: Keras's functional way.

use crate::graph::{Builder, Built, Kind, Wire};
use crate::{Error, Junction, Layer, Model, Result, Seed, model};
use taper_tensor::{Element, Tensor};

/// Describes a model wire by wire; [`outputs`](Self::outputs) and [`build`](Outputs::build) make it.
///
/// A [`Wire`] stands for a value on its way; layers are put on wires, and junctions join several. A layer that is made
/// by [`layer`](Self::layer) can be called more than once: all calls share its weights.
///
/// ```
/// use taper_nn::layers::{Conv2D, Dense, Flatten};
/// use taper_nn::{Functional, Padding, Relu, Seed, Softmax, junctions::Add};
/// use taper_tensor::Tensor;
///
/// let mut net = Functional::new();
/// let image = net.input("image", [8, 8, 1]);
/// let x = net.apply(Conv2D::new(4, 3).padding(Padding::Same).activation(Relu), image);
/// let y = net.apply(Conv2D::new(4, 3).padding(Padding::Same), x);
/// let sum = net.join(Add::new(), &[x, y]); // a residual block
/// let flat = net.apply(Flatten, sum);
/// let classes = net.apply(Dense::new(10).activation(Softmax), flat);
/// let model = net.outputs(&[classes]).build(Seed(7))?; // all shapes are checked here
/// assert_eq!(model.predict(&Tensor::ones([2, 8, 8, 1]))?.shape(), [2, 10]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
///
/// Two inputs that go through the same tower:
///
/// ```
/// use taper_nn::{Functional, Relu, Seed, Sigmoid, junctions::Concatenate, layers::Dense};
/// use taper_tensor::Tensor;
///
/// let mut net = Functional::new();
/// let (left, right) = (net.input("left", [5]), net.input("right", [5]));
/// let tower = net.layer(Dense::new(6).activation(Relu)); // one layer …
/// let (a, b) = (net.call(tower, left), net.call(tower, right)); // … called twice
/// let both = net.join(Concatenate::new(), &[a, b]);
/// let same = net.apply(Dense::new(1).activation(Sigmoid), both);
/// let model = net.outputs(&[same]).build(Seed(7))?;
/// assert_eq!(model.parameters().len(), 4); // the tower's two, and two more
/// let (x, y) = (Tensor::ones([3, 5]), Tensor::zeros([3, 5]));
/// assert_eq!(model.predict([&x, &y])?.shape(), [3, 1]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub struct Functional<E: Element = f32> {
    builder: Builder<E>,
}

/// A layer or a junction of a [`Functional`], to be called as often as is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared {
    owner: usize,
    builder: u64,
}

impl Functional {
    /// An empty network of f32.
    #[allow(clippy::new_without_default)] // a default would have to choose between f32 and f64
    pub fn new() -> Self {
        Self::of()
    }
}

impl<E: Element> Functional<E> {
    /// As [`new`](Functional::new), for any element type: `Functional::<f64>::of()`.
    pub fn of() -> Self {
        Functional {
            builder: Builder::new(),
        }
    }

    /// An input of the model: samples of this shape, without the batch axis. Data sets with several inputs name them.
    pub fn input(&mut self, name: &str, shape: impl Into<Vec<usize>>) -> Wire {
        self.builder.input(name, shape.into())
    }

    /// The output of a new layer behind `wire`.
    pub fn apply(&mut self, layer: impl Layer<E>, wire: Wire) -> Wire {
        let layer = self.layer(layer);
        self.call(layer, wire)
    }

    /// The output of a new junction of these wires. One with several outputs goes through [`split`](Self::split).
    pub fn join(&mut self, junction: impl Junction<E>, wires: &[Wire]) -> Wire {
        let junction = self.junction(junction);
        self.call(junction, wires)
    }

    /// All outputs of a new junction of these wires: `let [y, state] = net.split(…);`.
    pub fn split<const N: usize>(
        &mut self,
        junction: impl Junction<E>,
        wires: &[Wire],
    ) -> [Wire; N] {
        let junction = self.junction(junction);
        self.call_split(junction, wires)
    }

    /// A layer to be called, perhaps more than once.
    pub fn layer(&mut self, layer: impl Layer<E>) -> Shared {
        self.layer_boxed(Box::new(layer))
    }

    /// As [`layer`](Self::layer), for one that is chosen at run time.
    pub fn layer_boxed(&mut self, layer: Box<dyn Layer<E>>) -> Shared {
        let trainable = layer.trainable();
        self.owner(Kind::Layer(layer.into()), trainable)
    }

    /// A junction to be called, perhaps more than once.
    pub fn junction(&mut self, junction: impl Junction<E>) -> Shared {
        self.junction_boxed(Box::new(junction))
    }

    /// As [`junction`](Self::junction), for one that is chosen at run time.
    pub fn junction_boxed(&mut self, junction: Box<dyn Junction<E>>) -> Shared {
        let trainable = junction.trainable();
        self.owner(Kind::Junction(junction.into()), trainable)
    }

    /// The output of another call of a layer or junction: of one wire, or of several (`&[a, b]`).
    pub fn call(&mut self, shared: Shared, wires: impl AsRef<[Wire]>) -> Wire {
        let [wire] = self.call_split(shared, wires);
        wire
    }

    /// All outputs of another call.
    pub fn call_split<const N: usize>(
        &mut self,
        shared: Shared,
        wires: impl AsRef<[Wire]>,
    ) -> [Wire; N] {
        let nothing = Wire {
            value: 0,
            builder: self.builder.id(),
        };
        if shared.builder != self.builder.id() {
            let message = "a layer of another network is called; layers belong to the `Functional` that made them";
            self.builder.fail_with(Error::Config(message.into()));
            return [nothing; N];
        }
        let outputs = self.builder.call(shared.owner, wires.as_ref());
        let count = outputs.len();
        outputs.try_into().unwrap_or_else(|_| {
            let message = format!(
                "it has {count} outputs, and {N} are taken; `let [a, b] = net.split(…)` takes as many as there are names"
            );
            self.builder.fail_in(shared.owner, message);
            [nothing; N]
        })
    }

    /// Says what the model puts out. What leads to none of the outputs is left out.
    pub fn outputs(self, wires: &[Wire]) -> Outputs<E> {
        Outputs {
            builder: self.builder,
            outputs: wires.to_vec(),
            fuse: true,
        }
    }

    pub(crate) fn owner(&mut self, kind: Kind<E>, trainable: bool) -> Shared {
        Shared {
            owner: self.builder.owner(kind, trainable),
            builder: self.builder.id(),
        }
    }

    /// All outputs of a call, however many there are.
    pub(crate) fn call_all(&mut self, shared: Shared, wires: &[Wire]) -> Vec<Wire> {
        self.builder.call(shared.owner, wires)
    }
}

/// A network with its outputs, ready to be built.
pub struct Outputs<E: Element = f32> {
    builder: Builder<E>,
    outputs: Vec<Wire>,
    fuse: bool,
}

impl<E: Element> Outputs<E> {
    /// Whether patterns of layers run as one kernel (default: yes). The results are the same to rounding.
    pub fn fuse(mut self, on: bool) -> Self {
        self.fuse = on;
        self
    }

    /// The order of the inputs: all of them, as they were made (default), or another order.
    pub(crate) fn with_inputs(mut self, wires: &[Wire]) -> Self {
        self.builder.order_inputs(wires);
        self
    }

    pub(crate) fn graph(self) -> Result<Built<E>> {
        self.builder.finish(&self.outputs, false)
    }

    /// Makes the initial weights, a pure function of the seed.
    ///
    /// # Errors
    /// The first layer that does not fit what is in front of it, by name and place; names used twice; an input that
    /// leads to no output; wires of another network.
    pub fn build(self, seed: Seed) -> Result<Model<E>> {
        let fuse = self.fuse;
        model::fresh(self.graph()?, fuse, seed)
    }

    /// Takes the given weights, named as [`Model::parameters`] names them.
    ///
    /// # Errors
    /// As [`build`](Self::build); weights that are unknown, missing, given twice or of another shape.
    pub fn build_with(
        self,
        weights: impl IntoIterator<Item = (String, Tensor<E>)>,
    ) -> Result<Model<E>> {
        let fuse = self.fuse;
        model::restored(self.graph()?, fuse, weights)
    }
}
