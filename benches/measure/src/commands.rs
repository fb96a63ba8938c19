//! Which word after `cargo xtask bench` does what.

use anyhow::{Result, bail};
use clap::Parser;

use crate::curves::Curves;
use crate::digest::Digest;
use crate::epoch::Epoch;
use crate::finding::Finding;
use crate::fit::Fit;
use crate::graphs::Graphs;
use crate::help::{BENCH_HELP, CHECK_HELP, PEERS_HELP};
use crate::measure::{HEAD, Measure};
use crate::options::{self, Options};
use crate::output::{complain, murmur, report, say};
use crate::random::RandomNetworks;
use crate::step::Step;
use crate::usage::wrong;
use crate::{criterion, measures, peers, record};

/// What is measured of Taper alone, without a bound. Each of them has options and a help of its own.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask bench",
    no_binary_name = true,
    disable_help_subcommand = true
)]
enum Alone {
    /// Time a step: forward, backward and Adam on a fixed batch; or forward only
    Step(Step),
    /// Time epochs of the study: training and validation, nothing else
    Epoch(Epoch),
    /// Draw the cost of an image over batch sizes, widths, image sizes and epochs, and name cliffs
    Curves(Curves),
    /// Train every network for a few steps and print SHA-256 of its weights: whether two versions agree to the bit
    Digest(Digest),
    /// Time a residual network and networks of two towers against chains of the same products
    Graphs(Graphs),
    /// Time `fit` as it is called from a program's main thread, against its steps alone
    Fit(Fit),
    /// Draw networks at random and time them in Taper, PyTorch and ONNX Runtime, in turns
    Random(RandomNetworks),
}

/// Runs what stands after `cargo xtask bench`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let Some((name, options)) = arguments.split_first() else {
        return criterion::run(&["--benches"], &[]);
    };
    let help = options.iter().any(|a| a == "--help" || a == "-h");
    let measure = measures::find(name);
    match (name.as_str(), measure) {
        ("help" | "--help" | "-h", _) => tell_measures(),
        ("all", _) | (_, Some(_)) if help => tell_measures(),
        (_, Some(measure)) => single(measure, options),
        ("peers", _) if help => {
            say(PEERS_HELP.trim_end());
            Ok(())
        }
        ("all", _) => all(options),
        ("peers", _) if options.iter().any(|a| a == "--all") => {
            let others: Vec<String> = options.iter().filter(|a| *a != "--all").cloned().collect();
            all(&others)
        }
        ("peers", _) => compare(options),
        ("check", _) if help => {
            say(CHECK_HELP.trim_end());
            Ok(())
        }
        ("check", _) => peers::check(&Options::parse("check", options::CHECK, "", options)?),
        ("step" | "epoch" | "curves" | "digest" | "graphs" | "fit" | "random", _) => {
            alone(name, options)
        }
        ("sweep", _) => {
            complain("`cargo xtask bench sweep` is now called `cargo xtask bench curves`");
            alone("curves", options)
        }
        (name, _) if name.starts_with('-') => criterion::run(&["--benches"], arguments),
        (name, _) => {
            let groups = criterion::groups()?;
            if !groups.iter().any(|group| group == name) {
                let names: Vec<&str> = measures::ALL.iter().map(|measure| measure.name).collect();
                return Err(wrong(format!(
                    "there is no benchmark `{name}`; there are: step, epoch, curves, digest, graphs, fit, random, peers, check, all, {}, {}",
                    names.join(", "),
                    groups.join(", ")
                )));
            }
            criterion::run(&["--bench", name], options)
        }
    }
}

fn alone(name: &str, options: &[String]) -> Result<()> {
    let words = std::iter::once(name).chain(options.iter().map(String::as_str));
    match Alone::try_parse_from(words)? {
        Alone::Step(step) => step.run(),
        Alone::Epoch(epoch) => epoch.run(),
        Alone::Curves(curves) => curves.run(),
        Alone::Digest(digest) => digest.run(),
        Alone::Graphs(graphs) => graphs.run(),
        Alone::Fit(fit) => fit.run(),
        Alone::Random(random) => random.run(options),
    }
}

fn tell_measures() -> Result<()> {
    say(format!("{BENCH_HELP}{}", measures::help()).trim_end());
    Ok(())
}

/// One measure by its name.
fn single(measure: &Measure, arguments: &[String]) -> Result<()> {
    let options = measure.read(arguments)?;
    let finding = (measure.run)(&options)?;
    let table = format!("{HEAD}{}", measure.row(&finding));
    say(format!("{}\n{table}{}", finding.detail, finding.warning()));
    if options.record {
        record::table(&options, &table)?;
        record::finding(&options, measure.name, &finding)?;
    }
    Ok(())
}

/// Taper and the peers that the options name.
fn compare(arguments: &[String]) -> Result<()> {
    let options = Options::parse("peers", options::PEERS, "", arguments)?;
    let finding = peers::compare(&options)?;
    say(format!("{}{}", finding.detail, finding.warning()));
    if options.record {
        let (mode, batch) = (options.mode.name(), options.batch);
        record::finding(
            &options,
            &format!("{} {mode}, batch {batch}", options.model),
            &finding,
        )?;
    }
    Ok(())
}

/// Every measure, one after the other; what fails does not keep the others from being measured.
fn all(arguments: &[String]) -> Result<()> {
    let options = Options::parse("all", options::ALL, "", arguments)?;
    let mut table = HEAD.to_owned();
    let mut failed = Vec::new();
    for measure in measures::chosen(&options.only)? {
        complain(format!("\n=== {}: {}", measure.name, measure.about));
        let own = measure.read(&measure.passed_on(arguments))?;
        match (measure.run)(&own) {
            Ok(finding) => {
                table.push_str(&told(measure, &finding));
                if options.record {
                    record::finding(&own, measure.name, &finding)?;
                }
            }
            Err(error) => {
                failed.push(measure.name);
                table.push_str(&format!(
                    "| `{}`: {} | | | could not be measured | |\n",
                    measure.name, measure.about
                ));
                report(&error);
            }
        }
    }
    say(&table);
    if options.record {
        record::table(&options, &table)?;
    }
    if !failed.is_empty() {
        bail!(
            "could not be measured: {}; the reasons stand above",
            failed.join(", ")
        );
    }
    Ok(())
}

/// Tells a finding while the others are still being measured; its row of the table.
fn told(measure: &Measure, finding: &Finding) -> String {
    let row = measure.row(finding);
    murmur(format!("{}\n{row}{}", finding.detail, finding.warning()));
    row
}

#[cfg(test)]
mod tests {
    use super::Alone;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Alone::command().debug_assert();
    }
}
