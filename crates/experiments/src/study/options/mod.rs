//! The options of a study and its variants, one file each, and the table of them.
//!
//! A file holds all there is to know of its option: how it is read from TOML and what is allowed, what it does to a
//! training, how the page and a run's `study.toml` tell of it, and its tests.

mod batch_normalization;
mod batch_size;
mod dropout;
mod epochs;
mod images;
mod label_smoothing;
mod loss;
mod optimizer;
mod regularizers;
mod row;
mod seeds;
mod set;

use super::wrong::Wrong;
pub use row::{Absent, Argument, Given, Part, Place, Row, Setting};

/// Every option, in the order in which they are applied, and told of where nothing else is said.
static ROWS: &[&Row] = &[
    &regularizers::KERNEL,
    &regularizers::BIAS,
    &regularizers::ACTIVITY,
    &batch_normalization::ROW,
    &dropout::ROW,
    &set::ROW,
    &loss::ROW,
    &label_smoothing::ROW,
    &optimizer::ROW,
    &epochs::ROW,
    &batch_size::ROW,
    &seeds::ROW,
    &images::TRAIN,
    &images::TEST,
];

/// Every option.
#[must_use]
pub fn all() -> &'static [&'static Row] {
    ROWS
}

/// The option of this name.
#[must_use]
pub fn find(key: &str) -> Option<&'static Row> {
    all().iter().copied().find(|row| row.key == key)
}

/// The options that may stand in this place.
pub(super) fn at(place: Place) -> impl Iterator<Item = &'static Row> {
    let rows = all().iter().copied();
    rows.filter(move |row| row.places.contains(&place))
}

/// Options that were given in one place, each once, in the order of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options(Vec<Given>);

impl Options {
    /// Reads what stands in a table. `own` are the keys that are not options; they are passed over.
    pub(super) fn read(table: &toml::Table, place: Place, own: &[&str]) -> Result<Options, Wrong> {
        let mut options = Options::default();
        for (key, value) in table {
            if !own.contains(&key.as_str()) {
                options.set(key, value, place, own)?;
            }
        }
        if place == Place::Study {
            options.complete()?;
        }
        Ok(options)
    }

    /// Sets one option, whether it was given before or not.
    pub(super) fn set(
        &mut self,
        key: &str,
        value: &toml::Value,
        place: Place,
        own: &[&str],
    ) -> Result<(), Wrong> {
        let Some(row) = find(key).filter(|row| row.places.contains(&place)) else {
            return Err(Wrong::at(&[key], unknown(key, place, own)));
        };
        let given = row
            .given(value, place)
            .map_err(|message| Wrong::at(&[key], message))?;
        self.0.retain(|earlier| earlier.row().key != key);
        self.0.extend(given);
        let place_of = |given: &Given| all().iter().position(|row| row.key == given.row().key);
        self.0.sort_by_key(place_of);
        Ok(())
    }

    /// Adds what is meant where a study says nothing, or says that it must.
    fn complete(&mut self) -> Result<(), Wrong> {
        for row in at(Place::Study)
            .filter(|row| !self.has(row.key))
            .collect::<Vec<_>>()
        {
            match row.absent {
                Absent::Nothing => {}
                Absent::Refused => {
                    let message = format!("missing field `{}`: {}", row.key, row.about);
                    return Err(Wrong::at(&[], message));
                }
                Absent::Is(value) => self.set(row.key, &value.into(), Place::Study, &[])?,
            }
        }
        Ok(())
    }

    /// Those that were given, in the order of the table.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Given> + Clone {
        self.0.iter()
    }

    /// What an option was given as.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Given> {
        self.iter().find(|given| given.row().key == key)
    }

    /// Whether an option was given.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

/// What is said about a key that has no business in this place.
fn unknown(key: &str, place: Place, own: &[&str]) -> String {
    let expected = own.iter().copied().chain(at(place).map(|row| row.key));
    let expected: Vec<String> = expected.map(|key| format!("`{key}`")).collect();
    let elsewhere = match (find(key), place) {
        (None, _) => "",
        (Some(_), Place::Study) => " of a study (it belongs into a variant)",
        (Some(_), Place::Variant) => " of a variant (it belongs to the study as a whole)",
    };
    format!(
        "unknown field `{key}`{elsewhere}, expected one of {}",
        expected.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_file_is_missing_from_the_table() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/study/options");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder of this file")
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| name != "mod.rs" && name != "row.rs")
            .collect();
        let name = |row: &&Row| row.file.rsplit(['/', '\\']).next().map(str::to_owned);
        let rows: BTreeSet<String> = all().iter().filter_map(name).collect();
        assert_eq!(files, rows);
    }

    #[test]
    fn every_row_can_be_told_of() {
        for row in all() {
            let twice = all().iter().filter(|other| other.key == row.key).count();
            assert_eq!(twice, 1, "{} stands there twice", row.key);
            assert!(!row.places.is_empty(), "{} may stand nowhere", row.key);
            assert!(
                !row.about.is_empty() && !row.allowed.is_empty(),
                "{}",
                row.key
            );
            let changed = !matches!(row.argument, Argument::None);
            let of_study = row.places.contains(&Place::Study);
            assert!(of_study || !changed && row.quick.is_none(), "{}", row.key);
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_is_allowed() {
        let nonsense = toml::Value::Array(vec![toml::Value::Boolean(true)]);
        for row in all() {
            for &place in row.places {
                let message = row.given(&nonsense, place).expect_err(row.key);
                assert!(message.ends_with(row.allowed), "{}: {message}", row.key);
            }
        }
    }
}
