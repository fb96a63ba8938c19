//! What recurrent layers are made of: a [`Cell`] says what one step does, [`Run`] how a layer goes over a sequence, and
//! `unroll` takes the steps. [`LSTM`](crate::layers::LSTM), [`GRU`](crate::layers::GRU) and
//! [`SimpleRNN`](crate::layers::SimpleRNN) are such a cell and the way over the sequence in one;
//! [`RNN`](crate::layers::RNN) takes any cell.

mod cell;
mod gru;
pub(crate) mod layer;
mod lstm;
mod run;
mod settings;
mod simple;
mod stacked;
mod table;
mod unroll;

pub use cell::{Cell, Drops, Passed};
pub use gru::{GRUCell, Gru};
pub use layer::Recurrent;
pub use lstm::{LSTMCell, Lstm};
pub use run::Run;
pub use settings::{CellSettings, Kind, RecurrentCell};
pub use simple::{SimpleRNNCell, SimpleRnn};
pub use stacked::StackedRNNCells;
pub use table::from_config;

pub(crate) use settings::{described, object};
pub(crate) use unroll::unroll;
