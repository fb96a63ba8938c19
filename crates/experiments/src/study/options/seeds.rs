//! `seeds`: how often every variant is trained, and from which initial weights.

use serde::Serialize;

use super::row::{Absent, Argument, Part, Place, Row, Setting, Understood, must};
use crate::study::plan::Plan;
use crate::study::wrong::first_duplicate;

#[derive(Debug, Serialize)]
struct Seeds(Vec<u64>);

/// More trainings of a variant than anybody waits for: a longer range is a slip.
const MOST: u64 = 10_000;

pub(super) static ROW: Row = Row {
    key: "seeds",
    about: "Train every variant with each of these seeds: 1,2,3 or 0..10 (ten of them) or 0..=9",
    allowed: "a list of different whole numbers from 0 to 2⁶³ − 1, such as `[0]`, or a range of them, such as `\"0..10\"` (0 to 9) or `\"0..=9\"`",
    places: &[Place::Study],
    part: Part::Course,
    absent: Absent::Refused,
    argument: Argument::List {
        flag: "seeds",
        value: "1,2,3",
    },
    quick: None,
    file: file!(),
    read: seeds,
};

/// A list of numbers and ranges, or a range; kept as a list of numbers.
fn seeds(value: &toml::Value, _: Place) -> Result<Understood, String> {
    let mut all = Vec::new();
    match value {
        toml::Value::Array(items) => items.iter().try_for_each(|item| add(item, &mut all))?,
        range @ toml::Value::String(_) => add(range, &mut all)?,
        other => return Err(format!("it is {other}")),
    }
    let seeds = Seeds(all);
    seeds.check()?;
    let value = toml::Value::try_from(&seeds).map_err(|error| error.to_string())?;
    Ok((value, std::sync::Arc::new(seeds)))
}

/// Adds a seed, or all of a range.
fn add(item: &toml::Value, all: &mut Vec<u64>) -> Result<(), String> {
    match item {
        toml::Value::Integer(seed) => {
            let seed = u64::try_from(*seed).map_err(|_| format!("{seed} is below 0"))?;
            all.push(seed);
        }
        toml::Value::String(text) => all.extend(range(text)?),
        other => return Err(format!("it has {other}")),
    }
    Ok(())
}

/// `0..10` or `0..=9`.
fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (first, end) = text
        .split_once("..")
        .ok_or_else(|| format!("`{text}` is no range"))?;
    let (end, included) = match end.strip_prefix('=') {
        Some(last) => (last, 1),
        None => (end, 0),
    };
    let number = |part: &str| {
        let seed = part.trim().parse::<u64>().ok();
        // What TOML can hold.
        seed.filter(|&seed| i64::try_from(seed).is_ok())
            .ok_or_else(|| format!("in the range `{text}` `{part}` is no seed"))
    };
    let (first, end) = (number(first)?, number(end)? + included);
    must(first < end, format!("the range `{text}` is empty"))?;
    must(
        end - first <= MOST,
        format!(
            "the range `{text}` has {} seeds, more than {MOST}",
            end - first
        ),
    )?;
    Ok(first..end)
}

impl Setting for Seeds {
    fn check(&self) -> Result<(), String> {
        must(!self.0.is_empty(), "it is empty; one seed is enough")?;
        match first_duplicate(self.0.iter()) {
            Some(twice) => Err(format!("it has {twice} twice")),
            None => Ok(()),
        }
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.seeds.clone_from(&self.0);
        Ok(())
    }

    fn of_study(&self) -> Option<(&'static str, String)> {
        let seeds: Vec<String> = self.0.iter().map(u64::to_string).collect();
        Some(("Seeds", seeds.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: impl Into<toml::Value>) -> Result<Vec<i64>, String> {
        let (value, _) = seeds(&value.into(), Place::Study)?;
        Ok(value.try_into().expect("whole numbers"))
    }

    #[test]
    fn lists_and_ranges_are_kept_as_lists() {
        let ten: Vec<i64> = (0..10).collect();
        assert_eq!(read("0..10"), Ok(ten.clone()));
        assert_eq!(read("0..=9"), Ok(ten.clone()));
        assert_eq!(read(vec!["0 .. 10"]), Ok(ten));
        assert_eq!(
            read(vec![toml::Value::from("3..5"), 1.into()]),
            Ok(vec![3, 4, 1])
        );
        assert_eq!(read(vec![7]), Ok(vec![7]));
        let last = i64::MAX;
        assert_eq!(read(format!("{last}..={last}")), Ok(vec![last]));
    }

    #[test]
    fn what_is_no_range_of_seeds_is_told() {
        for (wrong, part) in [
            ("5..5", "the range `5..5` is empty"),
            ("9..=3", "is empty"),
            ("0..20000", "has 20000 seeds, more than 10000"),
            ("0..", "in the range `0..` `` is no seed"),
            ("..4", "is no seed"),
            ("-1..4", "`-1` is no seed"),
            ("0..9223372036854775808", "is no seed"),
            ("7", "`7` is no range"),
            ("a few", "`a few` is no range"),
        ] {
            let said = read(wrong).expect_err(wrong);
            assert!(said.contains(part), "no {part:?} in: {said}");
        }
        assert!(
            read(vec![toml::Value::from("0..3"), 2.into()])
                .expect_err("twice")
                .contains("2 twice")
        );
        assert!(
            read(vec![-1])
                .expect_err("negative")
                .contains("-1 is below 0")
        );
        assert!(read(1.5).expect_err("a fraction").contains("1.5"));
        assert!(
            read(Vec::<i64>::new())
                .expect_err("empty")
                .contains("empty")
        );
    }
}
