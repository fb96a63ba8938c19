//! What the command line changes in a study.

use serde::Serialize;

use super::Study;
use super::options::{Place, at};
use super::wrong::Wrong;
use crate::{Error, Result};

/// What the command line changes in a study.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Only these variants, in this order. `None` leaves all.
    pub variants: Option<Vec<String>>,
    /// 6,000 + 1,000 images and 2 epochs, unless an option says otherwise.
    pub quick: bool,
    /// [Options](super::options) of the study by their keys; [`set`](Overrides::set) adds one.
    pub options: toml::Table,
}

impl Overrides {
    /// Sets an [option](super::options) of the study; `None` leaves the study's own.
    ///
    /// ```
    /// use taper_experiments::study::{Overrides, Study};
    /// let changes = Overrides::default().set("epochs", Some(3))?.set("seeds", Some([1, 2]))?;
    /// let study = Study::regularization().with(&changes)?;
    /// assert_eq!(study.base().epochs, 3);
    /// # Ok::<(), taper_experiments::Error>(())
    /// ```
    ///
    /// # Errors
    /// A value that TOML cannot hold, such as a whole number above 2⁶³ − 1.
    pub fn set(mut self, key: &str, value: Option<impl Serialize>) -> Result<Overrides> {
        let Some(value) = value else { return Ok(self) };
        let value = toml::Value::try_from(value).map_err(|error| Error::Study {
            origin: "overrides".into(),
            message: format!("`{key}`: {error}"),
        })?;
        self.options.insert(key.to_owned(), value);
        Ok(self)
    }
}

impl Study {
    /// The study with what the command line changes.
    ///
    /// # Errors
    /// Unknown variants (the message lists those there are), unknown options, and values that make no sense, such as 0
    /// epochs.
    pub fn with(mut self, changes: &Overrides) -> Result<Study> {
        match self.change(changes) {
            Ok(()) => Ok(self),
            Err(wrong) => Err(Error::Study {
                origin: self.name,
                message: wrong.to_string(),
            }),
        }
    }

    fn change(&mut self, changes: &Overrides) -> Result<(), Wrong> {
        let mut options = toml::Table::new();
        if changes.quick {
            for (row, most) in at(Place::Study).filter_map(|row| Some((row, row.quick?))) {
                let own = self.options.get(row.key);
                let own = own.and_then(|given| given.value().as_integer());
                let value = own.map_or(most, |own| own.min(most));
                options.insert(row.key.to_owned(), value.into());
            }
        }
        if let Some(names) = &changes.variants {
            let chosen = self.variants.only(names);
            self.variants = chosen.map_err(|message| Wrong::at(&[], message))?;
        }
        options.extend(changes.options.clone());
        for (key, value) in &options {
            self.options.set(key, value, Place::Study, &[])?;
        }
        self.check()
    }
}
