//! One drawn network on all sides: that they compute the same, then turns in short slices.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use taper_train::number;

use super::network::Network;
use super::race::Race;
use super::side::Side;
use super::turns::{Awake, Turns};
use crate::cpu;
use crate::mode::Mode;
use crate::output::complain;
use crate::peers::Peer;
use crate::scratch::Scratch;

/// Steps whose losses are compared, from the same weights.
const STEPS: usize = 4;
/// How far the first loss may be off, of 1 or of the loss where that is larger: the same products, summed otherwise.
const FIRST: f64 = 1e-4;
/// The same for the losses of the later steps, where optimizers divide by gradients that are hardly there.
const LATER: f64 = 2e-2;
/// How far probabilities may be off.
const OUTPUT: f64 = 1e-3;
/// A setting of a peer that is slower than its best by so much in a first slice takes no part in the rounds.
const HOPELESS: f64 = 1.3;

/// What came of a network.
pub(super) struct Outcome {
    pub(super) network: Network,
    pub(super) train: Option<Race>,
    pub(super) infer: Option<Race>,
    /// Where two sides do not compute the same, or one could not build the network.
    pub(super) complaints: Vec<String>,
}

/// What a peer says of a network that it was handed.
#[derive(Deserialize)]
struct Loaded {
    sides: Vec<Loading>,
}

#[derive(Deserialize)]
struct Loading {
    peer: String,
    #[serde(with = "number", default)]
    losses: Vec<f64>,
    #[serde(with = "number", default)]
    output: Vec<f64>,
    error: Option<String>,
}

/// Measures a network on all sides in these modes.
pub(super) fn contest(
    network: &Network,
    peer: &mut Peer,
    compiled: bool,
    turns: Turns,
    modes: &[Mode],
    awake: &mut Awake,
) -> Result<Outcome> {
    let mut side = Side::new(network)?;
    let scratch = Scratch::new()?;
    let shapes = side.hand_over(scratch.path())?;
    let order = json!({
        "do": "load", "network": network, "shapes": shapes, "folder": scratch.path(), "steps": STEPS, "compile": compiled,
    });
    let answer = peer.ask(&order.to_string(), "\"sides\"")?;
    let loaded: Loaded = serde_json::from_str(&answer).context(answer)?;
    let outputs = side.outputs()?.to_vec();
    let losses = side.losses(STEPS)?;
    let mut complaints = Vec::new();
    for loading in &loaded.sides {
        let complaint = loading
            .error
            .clone()
            .or_else(|| disagreement(&losses, &outputs, loading));
        complaints.extend(complaint.map(|complaint| format!("{}: {complaint}", loading.peer)));
    }
    let mut race = |mode: Mode| -> Result<Option<Race>> {
        if !modes.contains(&mode) {
            return Ok(None);
        }
        let takes_part =
            |l: &&Loading| l.error.is_none() && (mode == Mode::Infer || !l.losses.is_empty());
        let names = loaded.sides.iter().filter(takes_part);
        let names: Vec<String> = names.map(|l| l.peer.clone()).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let mut taper = |side: &mut Side, peer: &Peer| -> Result<f64> {
            cpu::wait_for_sleep(peer.id());
            let before = cpu::seconds(peer.id());
            let started = std::time::Instant::now();
            let seconds = side.clock(mode, turns.slice, turns.clock)?;
            if let Some((before, after)) = before.zip(cpu::seconds(peer.id())) {
                awake.peer += after - before;
                awake.during += started.elapsed().as_secs_f64();
            }
            Ok(network.batch as f64 / seconds)
        };
        let other = |peer: &mut Peer, name: &str, slice: Duration| -> Result<f64> {
            cpu::wait_for_sleep(peer.id());
            let order = json!({"do": "time", "mode": mode.name(), "peer": name, "seconds": slice.as_secs_f64(), "clock": turns.clock});
            let key = "seconds_per_step";
            let answer = peer.ask(&order.to_string(), key)?;
            let seconds = crate::json::number(&answer, key).context(answer)?;
            Ok(network.batch as f64 / seconds)
        };
        let mut race = Race::new(names);
        for place in 0..race.peers.len() {
            let name = race.peers[place].name.clone();
            let rate = other(peer, &name, turns.slice / 2)?;
            race.peers[place].rates.push(rate);
        }
        race.keep_the_fast(HOPELESS);
        for round in 0..turns.rounds {
            race.taper.push(taper(&mut side, peer)?);
            for turn in 0..race.peers.len() {
                let place = (round + turn) % race.peers.len();
                let name = race.peers[place].name.clone();
                let rate = other(peer, &name, turns.slice)?;
                race.peers[place].rates.push(rate);
            }
        }
        Ok(Some(race))
    };
    let (train, infer) = (race(Mode::Train)?, race(Mode::Infer)?);
    for complaint in &complaints {
        let (index, words) = (network.index, network.words());
        complain(format!("\nnetwork {index}: {complaint}: {words}"));
    }
    Ok(Outcome {
        network: network.clone(),
        train,
        infer,
        complaints,
    })
}

/// Where a peer's losses and outputs are too far from Taper's.
fn disagreement(losses: &[f64], outputs: &[f32], peer: &Loading) -> Option<String> {
    for (step, (own, theirs)) in losses.iter().zip(&peer.losses).enumerate() {
        let tolerance = if step == 0 { FIRST } else { LATER } * own.abs().max(1.0);
        // NaN is no agreement.
        let near = (own - theirs).abs() <= tolerance;
        if !near {
            return Some(format!("loss {own} of step {step} is {theirs} there"));
        }
    }
    let mut pairs = outputs.iter().zip(&peer.output).enumerate();
    let far = pairs.find_map(|(place, (&own, theirs))| {
        let near = (f64::from(own) - theirs).abs() <= OUTPUT;
        (!near).then(|| format!("output {place}, {own}, is {theirs} there"))
    });
    let counts = (losses.len() == peer.losses.len() || peer.losses.is_empty())
        && outputs.len().min(4096) == peer.output.len();
    far.or_else(|| (!counts).then(|| "other numbers of losses or outputs".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Loading, disagreement};

    fn peer(losses: &[f64], output: &[f64]) -> Loading {
        Loading {
            peer: "other".to_owned(),
            losses: losses.to_vec(),
            output: output.to_vec(),
            error: None,
        }
    }

    #[test]
    fn what_is_too_far_off_or_no_number_is_a_disagreement() {
        let own = |peer| disagreement(&[2.0, 1.9], &[0.25, 0.75], &peer);
        assert_eq!(own(peer(&[2.0001, 1.91], &[0.25, 0.7501])), None);
        assert_eq!(own(peer(&[], &[0.25, 0.75])), None, "it does not train");
        for other in [
            peer(&[2.001, 1.9], &[0.25, 0.75]),
            peer(&[2.0, 1.8], &[0.25, 0.75]),
            peer(&[f64::NAN, 1.9], &[0.25, 0.75]),
            peer(&[2.0], &[0.25, 0.75]),
            peer(&[2.0, 1.9], &[0.2, 0.8]),
            peer(&[2.0, 1.9], &[0.25]),
        ] {
            assert!(own(other).is_some());
        }
    }
}
