//! What an option is: a row of the table, and what a study or a variant sets it to.

use std::fmt::{Debug, Display};
use std::sync::Arc;

use serde::{Serialize, Serializer, de::DeserializeOwned};

use crate::study::plan::Plan;

/// One option. Study files, variants, the command line, the page and a run's `study.toml` all go by it.
pub struct Row {
    /// Its name in files.
    pub key: &'static str,
    /// What it is, in one line; the command line's help.
    pub about: &'static str,
    /// What may be given, to be read after “it must be”.
    pub allowed: &'static str,
    /// Where in a study file it may stand.
    pub places: &'static [Place],
    /// What it concerns.
    pub part: Part,
    /// What it means that a study does not have it.
    pub absent: Absent,
    /// How the command line changes it for the study.
    pub argument: Argument,
    /// The most that `--quick` allows.
    pub quick: Option<i64>,
    /// The source file.
    pub file: &'static str,
    /// Understands a value; [`read`] does for most.
    pub(super) read: fn(&toml::Value, Place) -> Result<Understood, String>,
}

/// Where in a study file an option stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Beside `name` and `dataset`: for all variants that do not say otherwise.
    Study,
    /// In a variant's line.
    Variant,
}

/// What an option concerns. The page lists a study's settings in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The layers that a variant selects.
    Layers,
    /// What a step of training does.
    Step,
    /// How many steps there are, and from where they begin.
    Course,
    /// The images.
    Data,
}

/// What it means that a study does not have an option.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    /// Nothing: there is nothing to do.
    Nothing,
    /// An error.
    Refused,
    /// That it has this value.
    Is(&'static str),
}

/// How the command line changes an option of the study.
#[derive(Clone, Copy, Debug)]
pub enum Argument {
    /// Not at all.
    None,
    /// By one value.
    One {
        /// The argument's name, without the dashes in front.
        flag: &'static str,
        /// How the help names the value.
        value: &'static str,
    },
    /// By values with commas between them.
    List {
        /// The argument's name, without the dashes in front.
        flag: &'static str,
        /// How the help names the values.
        value: &'static str,
    },
}

/// A value that was understood: as it is written, and what it does.
pub(super) type Understood = (toml::Value, Arc<dyn Setting>);

/// What an option is set to.
pub trait Setting: Debug + Send + Sync {
    /// Fills in the plan.
    ///
    /// # Errors
    /// It contradicts what is there; the message says how.
    fn apply(&self, plan: &mut Plan) -> Result<(), String>;

    /// What no type can say. The message says what is wrong; what is allowed is added to it.
    ///
    /// # Errors
    /// A value that is out of its range.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Whether it says nothing, as an empty table may. It is then as if it were not there.
    fn is_nothing(&self) -> bool {
        false
    }

    /// What the page says of a variant that sets it.
    fn of_variant(&self) -> Option<String> {
        None
    }

    /// Name and value on the page's list of the study's settings.
    fn of_study(&self) -> Option<(&'static str, String)> {
        None
    }
}

/// For `Row::read`: a value of this type, read and written by serde, and [checked](Setting::check).
pub(super) fn read<T: Setting + DeserializeOwned + Serialize + 'static>(
    value: &toml::Value,
    _: Place,
) -> Result<Understood, String> {
    let setting: T = value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    setting.check()?;
    let value = toml::Value::try_from(&setting).map_err(|error| error.to_string())?;
    Ok((value, Arc::new(setting)))
}

/// For [`Setting::check`]: `why`, unless it `holds`.
pub(super) fn must(holds: bool, why: impl Display) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_string()) }
}

impl Row {
    /// Whether a value of this option may stand in this place.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed.
    pub fn check(&'static self, value: &toml::Value, place: Place) -> Result<(), String> {
        self.given(value, place).map(|_| ())
    }

    /// Understands a value of this option; `None` if it says nothing.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed.
    pub(in crate::study) fn given(
        &'static self,
        value: &toml::Value,
        place: Place,
    ) -> Result<Option<Given>, String> {
        let (value, setting) = (self.read)(value, place)
            .map_err(|why| format!("{why}; it must be {}", self.allowed))?;
        let given = Given {
            row: self,
            value,
            setting,
        };
        Ok((!given.setting.is_nothing()).then_some(given))
    }
}

/// An option that was given.
#[derive(Clone)]
pub struct Given {
    row: &'static Row,
    value: toml::Value,
    setting: Arc<dyn Setting>,
}

impl Given {
    /// Which option.
    #[must_use]
    pub fn row(&self) -> &'static Row {
        self.row
    }

    /// Its value, as it is written into files.
    #[must_use]
    pub fn value(&self) -> &toml::Value {
        &self.value
    }

    /// What it does, and how it is described.
    #[must_use]
    pub fn setting(&self) -> &dyn Setting {
        &*self.setting
    }
}

/// The value. A table keeps the order of its keys (as a value among others, TOML would put its tables last).
impl Serialize for Given {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            toml::Value::Table(table) => table.serialize(serializer),
            value => value.serialize(serializer),
        }
    }
}

impl PartialEq for Given {
    fn eq(&self, other: &Given) -> bool {
        self.row.key == other.row.key && self.value == other.value
    }
}

impl Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {}", self.row.key, self.value)
    }
}
