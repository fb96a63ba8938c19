//! How sides take turns, and by which clock.

use std::time::Duration;

use serde::Serialize;

/// Slices and rounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    pub(super) rounds: usize,
    pub(super) slice: Duration,
    pub(super) clock: Clock,
}

/// Which time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Clock {
    /// The wall's.
    Wall,
    /// That on a processor: what others do on the machine hardly matters, but of several threads it says nothing.
    Processor,
}

/// Seconds that programs were awake while it was another's turn, and the length of those turns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Awake {
    pub(super) peer: f64,
    pub(super) during: f64,
}
