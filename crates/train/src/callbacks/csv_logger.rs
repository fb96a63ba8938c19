//! The figures of every epoch in a table that other programs read.

use crate::{Callback, Error, Event, Result, View};
use serde::{Deserialize, Serialize};
use std::{fmt::Write, ops::ControlFlow, path::PathBuf};
use taper_files::atomic;
use taper_nn::Model;

/// Writes the figures of every epoch into a CSV file, as Keras's `CSVLogger`: a column `epoch`, from 0, and the others in
/// alphabetical order; what was not measured is `NA`.
///
/// The file is replaced as a whole after every epoch, so that it is never half written. A resumed run writes the epochs before
/// it as well, each once.
///
/// ```
/// use taper_train::CSVLogger;
/// let callback = CSVLogger::new("history.csv").separator(';');
/// ```
#[derive(Debug)]
pub struct CSVLogger {
    path: PathBuf,
    separator: char,
    append: bool,
    /// What others had written.
    before: String,
    failed: Option<Error>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// How many bytes of the file are others'.
    before: usize,
}

impl CSVLogger {
    /// Writes to this file, which it replaces.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        CSVLogger {
            path: path.into(),
            separator: ',',
            append: false,
            before: String::new(),
            failed: None,
        }
    }

    /// What stands between two values (default: a comma).
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Whether rows are added behind those of an earlier training (default: no).
    #[must_use]
    pub fn append(mut self, on: bool) -> Self {
        self.append = on;
        self
    }

    fn read(&self) -> Result<String> {
        if !self.append || !self.path.exists() {
            return Ok(String::new());
        }
        std::fs::read_to_string(&self.path).map_err(|error| self.fault(&error.to_string()))
    }

    fn fault(&self, message: &str) -> Error {
        Error::Setting(format!("CSVLogger: {}: {message}", self.path.display()))
    }

    fn text(&self, view: &View<'_>) -> String {
        let mut columns: Vec<&str> = view.figures().collect();
        columns.sort_unstable();
        let mut text = self.before.clone();
        let row = |text: &mut String, cells: &mut dyn Iterator<Item = String>| {
            let cells: Vec<String> = cells.map(|cell| self.quoted(cell)).collect();
            text.push_str(&cells.join(&self.separator.to_string()));
            text.push_str("\r\n");
        };
        if text.is_empty() {
            let names = ["epoch"].into_iter().chain(columns.iter().copied());
            row(&mut text, &mut names.map(str::to_owned));
        }
        for (epoch, record) in view.history.epochs.iter().enumerate() {
            let figures = columns.iter().map(|name| written(record.get(name)));
            row(
                &mut text,
                &mut std::iter::once(epoch.to_string()).chain(figures),
            );
        }
        text
    }

    /// A name may have any letter in it.
    fn quoted(&self, cell: String) -> String {
        let odd = |c: char| c == self.separator || "\"\r\n".contains(c);
        match cell.contains(odd) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell,
        }
    }
}

/// As Python writes it.
fn written(value: Option<f64>) -> String {
    let mut text = String::new();
    match value {
        None => text.push_str("NA"),
        Some(value) if value.is_nan() => text.push_str("nan"),
        // Writing to a text does not fail.
        Some(value) => drop(write!(text, "{value:?}")),
    }
    text
}

impl Callback for CSVLogger {
    fn prepare(&mut self, _view: &View<'_>) -> Result<()> {
        if ['"', '\r', '\n'].contains(&self.separator) {
            return Err(self.fault("the separator is a quotation mark or the end of a line"));
        }
        self.before = self.read()?;
        Ok(())
    }

    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        let Event::EpochEnded(_) = event else {
            return ControlFlow::Continue(());
        };
        let written = atomic::write(&self.path, self.text(view).as_bytes());
        match written.map_err(|error| self.fault(&error.to_string())) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn decides(&self) -> bool {
        false
    }

    fn state(&self) -> Option<String> {
        let before = self.before.len();
        // A number in a named field: there is nothing here that JSON cannot say.
        self.append
            .then(|| serde_json::to_string(&Kept { before }).unwrap_or_default())
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        let kept: Kept =
            serde_json::from_str(state).map_err(|error| Error::Resume(error.to_string()))?;
        // A file that is shorter now was begun anew.
        if self.before.is_char_boundary(kept.before) {
            self.before.truncate(kept.before);
        }
        Ok(())
    }

    fn finish(&mut self, _model: &mut Model) -> Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }
}
