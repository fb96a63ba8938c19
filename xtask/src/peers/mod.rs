//! `cargo xtask bench peers`: Taper and other frameworks on the same step.
//!
//! Shared machines are noisy and slow down for seconds at a time, so programs are never measured
//! one after the other: they take turns, and what counts is the ratio within a turn.

mod busy;
mod contestant;
mod options;
mod record;
mod table;
mod venv;

use crate::failure::{Failure, Result};
use crate::help::PEERS_HELP;
use crate::launch::build_taper;
use contestant::{Peer, Taper};
use options::Options;
use table::Table;

/// Runs the comparison with the arguments after `bench peers`.
pub(crate) fn run(arguments: &[String]) -> Result {
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        print!("{PEERS_HELP}");
        return Ok(());
    }
    let options = Options::parse(arguments)?;
    let taper = Taper::new(build_taper()?, &options);
    taper.measure()?; // before minutes go into starting the others
    let python = venv::python(options.venv.as_deref())?;

    let mut peers = Vec::new();
    for script in options.scripts() {
        eprint!("starting {} … ", script.name);
        match Peer::start(&python, &script, &options) {
            Ok(peer) => {
                eprintln!("{}", peer.version);
                peers.push(peer);
            }
            Err(reason) => eprintln!("left out: {reason}"),
        }
    }
    if peers.is_empty() {
        return Err(Failure::failed(
            "none of the peers could be started; the reasons stand above",
        ));
    }

    let mut table = Table::new(
        peers
            .iter()
            .map(|peer| (peer.name.clone(), peer.version.clone()))
            .collect(),
    );
    for round in 0..options.rounds {
        // Everybody waits now, so whatever the processors do is somebody else's work.
        table.others.push(busy::share());
        eprint!("round {}/{}:", round + 1, options.rounds);
        let own = taper.measure()?;
        eprint!(" taper {own:.0}");
        let mut rates = vec![0.0; peers.len()];
        // Another one goes first in every round, so that none always follows the same neighbour.
        for turn in 0..peers.len() {
            let which = (turn + round) % peers.len();
            rates[which] = peers[which].measure()?;
            eprint!(", {} {:.0}", peers[which].name, rates[which]);
        }
        eprintln!();
        table.push(own, rates);
    }
    println!("{}", table.text(&options));
    if options.record {
        record::append(&options, &table)?;
    }
    Ok(())
}
