//! The data set of a study, opened and cut to the sizes it asks for.

use std::path::Path;

use taper_datasets::{Dataset, ImageDataset, Location, Splits, Subset, Trust, Verdict, catalog};

use crate::Result;
use crate::study::Study;

/// Training and validation images of a study.
#[derive(Debug, Clone)]
pub struct StudyData {
    /// Name for people.
    pub title: String,
    /// What is trained on.
    pub train: Subset<ImageDataset>,
    /// What is validated on.
    pub test: Subset<ImageDataset>,
    /// What the user should know, such as files whose digest nobody has published.
    pub notices: Vec<String>,
}

impl StudyData {
    /// Opens the study's data set from `folder`, or from the usual place.
    ///
    /// # Errors
    /// An unknown data set, missing or damaged files; the message says how to get them.
    pub fn open(study: &Study, folder: Option<&Path>) -> Result<StudyData> {
        let (title, splits) = open(&study.dataset, folder)?;
        let first = |data: &ImageDataset, size: Option<usize>| {
            Subset::first(data.clone(), size.unwrap_or(usize::MAX))
        };
        Ok(StudyData {
            title,
            train: first(splits.train(), study.base().train_size),
            test: first(splits.test(), study.base().test_size),
            notices: notices(&splits),
        })
    }

    /// Names of the classes.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.train.class_names()
    }
}

/// Opens a data set of the catalog from `folder`, or from the usual place: title and both splits.
///
/// # Errors
/// As [`StudyData::open`].
pub fn open(name: &str, folder: Option<&Path>) -> Result<(String, Splits)> {
    let entry = catalog::find(name)?;
    let location = folder.map_or_else(
        || Location::usual(entry),
        |folder| Location::in_dir(entry, folder),
    );
    Ok((entry.title.to_owned(), catalog::open_at(entry, &location)?))
}

/// Files that are trusted only because they were the first to be seen.
fn notices(splits: &Splits) -> Vec<String> {
    let new = splits.files().iter().filter_map(|file| match &file.verdict {
        Verdict::Sound { digest, trust: Trust::FirstUse } => Some(format!(
            "{}: no SHA-256 of its content is published; {digest} is recorded now, so that a later change will be noticed",
            file.name
        )),
        _ => None,
    });
    new.collect()
}
