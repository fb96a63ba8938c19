//! The options of a study that `taper train` can change, as arguments: one for every row of their table that says so.

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::study::Overrides;
use crate::study::options::{Argument, Place, Row, all};

/// What was given, by keys.
pub(super) struct StudyOptions(Vec<(&'static str, toml::Value)>);

impl StudyOptions {
    /// Adds them to what else is changed.
    pub(super) fn add_to(&self, overrides: Overrides) -> crate::Result<Overrides> {
        let mut options = self.0.iter();
        options.try_fold(overrides, |changes, (key, value)| {
            changes.set(key, Some(value))
        })
    }
}

impl Args for StudyOptions {
    fn augment_args(command: Command) -> Command {
        command.args(all().iter().copied().filter_map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for StudyOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = StudyOptions(Vec::new());
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for row in all() {
            let values = || matches.get_many::<toml::Value>(row.key);
            let value = match row.argument {
                Argument::None => None,
                Argument::One { .. } => values().and_then(|mut values| values.next().cloned()),
                Argument::List { .. } => {
                    values().map(|values| toml::Value::Array(values.cloned().collect()))
                }
            };
            self.0.extend(value.map(|value| (row.key, value)));
        }
        Ok(())
    }
}

/// The argument of an option, if it has one.
fn argument(row: &'static Row) -> Option<Arg> {
    let one = |flag: &'static str, value: &'static str| {
        Arg::new(row.key)
            .long(flag)
            .value_name(value)
            .help(row.about)
            .conflicts_with("resume")
    };
    match row.argument {
        Argument::None => None,
        Argument::One { flag, value } => {
            let parser = move |text: &str| understood(row, text, |value| value);
            Some(one(flag, value).value_parser(ValueParser::from(parser)))
        }
        Argument::List { flag, value } => {
            let list = |item| toml::Value::Array(vec![item]);
            let parser = move |text: &str| understood(row, text, list);
            let arg = one(flag, value).value_parser(ValueParser::from(parser));
            Some(arg.value_delimiter(',').action(ArgAction::Append))
        }
    }
}

/// A value from the command line, if the option, given `all` of it, allows it.
fn understood(
    row: &'static Row,
    text: &str,
    all: impl Fn(toml::Value) -> toml::Value,
) -> Result<toml::Value, String> {
    let whole = text.parse().map(toml::Value::Integer).ok();
    let number = || text.parse().map(toml::Value::Float).ok();
    let value = whole.or_else(number).unwrap_or_else(|| text.into());
    match row.check(&all(value.clone()), Place::Study) {
        Ok(()) => Ok(value),
        // What a range lacks cannot be seen from what is allowed.
        Err(why) if text.contains("..") => Err(why),
        Err(_) => Err(format!("it must be {}", row.allowed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(arguments: &[&str]) -> Result<Vec<(&'static str, toml::Value)>, clap::Error> {
        let resume = Arg::new("resume").long("resume").num_args(0);
        let command = StudyOptions::augment_args(Command::new("taper").arg(resume));
        let matches = command.try_get_matches_from(["taper"].iter().chain(arguments))?;
        Ok(StudyOptions::from_arg_matches(&matches)?.0)
    }

    #[test]
    fn values_and_lists_are_read_in_the_order_of_the_table() {
        let read = given(&[
            "--seeds",
            "3,1",
            "--train-size=9",
            "--seeds",
            "2",
            "--epochs",
            "4",
        ]);
        let seeds = vec![3.into(), 1.into(), 2.into()];
        assert_eq!(
            read.expect("sound"),
            [
                ("epochs", 4.into()),
                ("seeds", toml::Value::Array(seeds)),
                ("train_size", 9.into()),
            ]
        );
        assert_eq!(given(&[]).expect("nothing"), []);
    }

    #[test]
    fn what_the_table_does_not_allow_is_told_with_what_it_does() {
        for (wrong, part) in [
            (&["--epochs", "0"][..], "at least 1"),
            (&["--batch-size", "many"], "a whole number"),
            (&["--seeds", "1,-1"], "from 0"),
            (&["--seeds", "4..4"], "the range `4..4` is empty"),
            (&["--epochs", "1", "--epochs", "2"], "multiple times"),
            (&["--epochs", "1", "--resume"], "cannot be used with"),
            (&["--dropout", "0.5"], "--dropout"),
        ] {
            let said = given(wrong).expect_err("wrong").to_string();
            assert!(said.contains(part), "no {part:?} in: {said}");
        }
    }
}
