//! `cargo xtask bench peers`: Taper and other frameworks on the same step.

mod check;
mod peer;
mod scripts;
mod table;
mod venv;

use std::time::Instant;

use crate::output::{complain, murmur};
use anyhow::{Result, bail};

use crate::cpu;
use crate::finding::{Finding, Sample};
use crate::options::Options;
use crate::statistics::{median, ratios};
use crate::taper::Taper;
pub(crate) use check::check;
pub(crate) use peer::Peer;
use scripts::{Programs, Script};

/// Figures of a run: how often Taper is faster than the fastest peer.
pub(crate) fn compare(options: &Options) -> Result<Finding> {
    let scripts = scripts::of(options)?;
    let taper = Taper::step(options, options.threads)?;
    taper.measure()?; // before minutes go into starting the others
    let mut peers = start(&scripts, options, &options.step_arguments())?;

    let mut waiting = Vec::new();
    let mut finding = Finding::default();
    finding.samples.push(Sample::new("taper", "images/s"));
    for peer in &peers {
        let mut sample = Sample::new(&peer.name, "images/s");
        sample.version.clone_from(&peer.version);
        finding.samples.push(sample);
    }
    for round in 0..options.rounds {
        finding.look_around();
        murmur(format!("round {}/{}:", round + 1, options.rounds));
        peers.iter().for_each(|peer| cpu::wait_for_sleep(peer.id()));
        let before = awake(&peers);
        let started = Instant::now();
        let own = taper.measure()?;
        if let Some((before, after)) = before.zip(awake(&peers)) {
            waiting.push((after - before) / started.elapsed().as_secs_f64());
        }
        murmur(format!(" taper {own:.0}"));
        finding.samples[0].values.push(own);
        // Another one goes first in every round, so that none always follows the same neighbour.
        for turn in 0..peers.len() {
            let which = (turn + round) % peers.len();
            let rate = peers[which].measure("images_per_second")?;
            cpu::wait_for_sleep(peers[which].id());
            murmur(format!(", {} {rate:.0}", peers[which].name));
            finding.samples[1 + which].values.push(rate);
        }
        murmur("\n");
    }
    let best = strongest(&finding.samples[1..]);
    finding.figures = ratios(
        &finding.samples[0].values,
        &finding.samples[1 + best].values,
    );
    finding.detail = table::text(options, &finding, 1 + best);
    if !waiting.is_empty() {
        let share = 100.0 * median(&waiting);
        finding.detail += &format!("While Taper ran, the others took {share:.2} % of a core.\n");
    }
    if options.apart {
        let alone = without_turns(&taper, &mut peers, options.rounds)?;
        finding.detail += &table::apart(&finding.samples, &alone);
    }
    Ok(finding)
}

/// Everybody's rounds one after the other, Taper's first.
fn without_turns(taper: &Taper, peers: &mut [Peer], rounds: usize) -> Result<Vec<Vec<f64>>> {
    let mut rates = vec![
        (0..rounds)
            .map(|_| taper.measure())
            .collect::<Result<_>>()?,
    ];
    for peer in peers {
        let measured = (0..rounds).map(|_| peer.measure("images_per_second"));
        rates.push(measured.collect::<Result<_>>()?);
        cpu::wait_for_sleep(peer.id());
    }
    Ok(rates)
}

/// Seconds that all of them have been on a processor.
fn awake(peers: &[Peer]) -> Option<f64> {
    peers.iter().map(|peer| cpu::seconds(peer.id())).sum()
}

/// Starts a peer that is no step: `file` in `benches/peers`.
pub(crate) fn start_python(
    file: &'static str,
    options: &Options,
    arguments: &[String],
) -> Result<Peer> {
    let scripts = [Script::python(file.trim_end_matches(".py"), file, &[])];
    let mut peers = start(&scripts, options, arguments)?;
    Ok(peers.remove(0))
}

/// Starts them one after the other; those that cannot are left out with their reason.
fn start(scripts: &[Script], options: &Options, arguments: &[String]) -> Result<Vec<Peer>> {
    let mut programs = Programs::new(options);
    let mut peers = Vec::new();
    for script in scripts {
        let command = programs.command(script)?;
        murmur(format!("starting {} … ", script.name));
        match Peer::start(command, script, options, arguments) {
            Ok(peer) => {
                complain(&peer.version);
                peers.push(peer);
            }
            Err(reason) => complain(format!("left out: {reason}")),
        }
    }
    if peers.is_empty() {
        bail!("none of the peers could be started; the reasons stand above");
    }
    Ok(peers)
}

/// The peer with the highest median.
fn strongest(peers: &[Sample]) -> usize {
    let rate = |&index: &usize| median(&peers[index].values);
    (0..peers.len())
        .max_by(|a, b| rate(a).total_cmp(&rate(b)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Sample, strongest};

    #[test]
    fn the_strongest_has_the_highest_median() {
        let peer = |values: &[f64]| Sample {
            values: values.to_vec(),
            ..Sample::new("a", "images/s")
        };
        let peers = [
            peer(&[1.0, 2.0, 9.0]),
            peer(&[3.0, 3.0, 3.0]),
            peer(&[1.0, 1.0, 1.0]),
        ];
        assert_eq!(strongest(&peers), 1);
    }
}
