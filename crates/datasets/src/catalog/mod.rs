//! The catalog: data sets known by name, where their files come from, and how to recognise them.
//!
//! A data set in IDX files is one more row in `catalog/rows.rs`. Opening never uses the network; downloads are
//! asked for with `fetch` (feature `fetch`).

pub(crate) mod entry;
mod rows;

pub use entry::{Archive, Entry, File, Split};

use crate::files::{self, FileStatus};
use crate::{Error, ImageDataset, Location, Result, image::Layout};
use std::path::PathBuf;

/// An open data set: both splits, and what is known of their files.
#[derive(Debug, Clone)]
pub struct Splits {
    train: ImageDataset,
    test: ImageDataset,
    files: Vec<FileStatus>,
}

impl Splits {
    /// The training split.
    pub fn train(&self) -> &ImageDataset {
        &self.train
    }

    /// The test split.
    pub fn test(&self) -> &ImageDataset {
        &self.test
    }

    /// Where each file is and how far it can be trusted. Callers should tell the user of
    /// [`Trust::FirstUse`](crate::Trust::FirstUse).
    pub fn files(&self) -> &[FileStatus] {
        &self.files
    }
}

/// All data sets of the catalog.
pub fn list() -> &'static [Entry] {
    rows::ENTRIES
}

/// The data set of this name; case does not matter, nor whether `-` or `_` joins the words.
///
/// ```
/// assert_eq!(taper_datasets::catalog::find("Fashion-MNIST")?.classes[9], "Ankle boot");
/// # Ok::<(), taper_datasets::Error>(())
/// ```
///
/// # Errors
/// [`Error::UnknownDataset`], which lists the known names.
pub fn find(name: &str) -> Result<&'static Entry> {
    let wanted = name.trim().to_lowercase().replace('-', "_");
    list()
        .iter()
        .find(|entry| entry.name == wanted)
        .ok_or_else(|| Error::UnknownDataset {
            name: name.to_string(),
            known: list()
                .iter()
                .map(|entry| entry.name)
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// Opens the data set `name` from the files in `dir`, raw or gzip. Files that come with the project are
/// unpacked into `dir` at first use.
///
/// # Errors
/// See [`open_at`].
pub fn open(name: &str, dir: impl Into<PathBuf>) -> Result<Splits> {
    let entry = find(name)?;
    open_at(entry, &Location::in_dir(entry, dir))
}

/// Opens a data set from a [`Location`]. Raw files are read in parts, as samples are asked for. Gzip files are unpacked
/// into the location's folder first, or into memory if that cannot be written; several processes may do so at once. All
/// are verified; a stamp file there spares the next start from hashing again what has not changed since. What processes
/// that were killed have left half unpacked is removed.
///
/// # Errors
/// [`Error::Missing`] with the folders searched; [`Error::Digest`], [`Error::Format`] and [`Error::Contents`]
/// for files that are not what they should be; [`Error::Io`].
pub fn open_at(entry: &Entry, location: &Location) -> Result<Splits> {
    let mut opened = files::open_all(entry, location)?.into_iter();
    let mut status = Vec::new();
    let mut split = |name: &str| -> Result<ImageDataset> {
        let (Some(images), Some(labels)) = (opened.next(), opened.next()) else {
            unreachable!("`open_all` opens four files");
        };
        let class_names = entry.classes.iter().map(ToString::to_string).collect();
        let layout = Layout {
            transposed: entry.transposed,
            first_label: entry.first_label,
        };
        let digests = [&images, &labels].map(|file| (file.name, file.digest.clone()));
        status.extend([images.status, labels.status]);
        let name = format!("{}/{name}", entry.name);
        let data = ImageDataset::new(name, images.idx, labels.idx, class_names, layout)?;
        let [(image_name, image_digest), (label_name, label_digest)] = &digests;
        Ok(data.with_digests((image_name, image_digest), (label_name, label_digest)))
    };
    let (train, test) = (split("train")?, split("test")?);
    Ok(Splits {
        train,
        test,
        files: status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_sound() {
        let hex = |digest: &str| {
            digest.len() == 64
                && digest
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let mut names = Vec::new();
        for entry in list() {
            assert_eq!(find(entry.name).unwrap(), entry);
            assert!(
                entry.mirrors.len() + entry.archive.map_or(0, |archive| archive.urls.len()) >= 2,
                "{}",
                entry.name
            );
            assert!(
                entry.mirrors.iter().all(|mirror| mirror.ends_with('/')),
                "{}",
                entry.name
            );
            let classes: std::collections::BTreeSet<_> = entry.classes.iter().collect();
            assert_eq!(
                classes.len(),
                entry.classes.len(),
                "{}: class names repeat",
                entry.name
            );
            for (file, shape) in entry.files() {
                names.push((entry.folder, file.name));
                assert_eq!(
                    shape.len(),
                    if file.name.contains("images-idx3") {
                        3
                    } else {
                        1
                    },
                    "{}",
                    file.name
                );
                assert!(
                    file.raw_sha256.is_none_or(hex) && file.gz_sha256.is_none_or(hex),
                    "{}",
                    file.name
                );
                assert!(
                    file.raw_sha256.is_some() || file.gz_sha256.is_some(),
                    "{}: nothing to recognise it by",
                    file.name
                );
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(
            names.len(),
            count,
            "two files of one folder have the same name"
        );
    }

    #[test]
    fn numbers_of_classes() {
        let counts: Vec<_> = list()
            .iter()
            .map(|entry| (entry.name, entry.classes.len()))
            .collect();
        assert_eq!(
            counts,
            [
                ("mnist", 10),
                ("fashion_mnist", 10),
                ("kmnist", 10),
                ("emnist_balanced", 47),
                ("emnist_byclass", 62),
                ("emnist_bymerge", 47),
                ("emnist_digits", 10),
                ("emnist_letters", 26),
                ("emnist_mnist", 10),
            ]
        );
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = find("cifar").unwrap_err().to_string();
        assert!(
            message.contains("`cifar`") && message.contains("emnist_letters"),
            "{message}"
        );
    }
}
