//! What the catalog says of a data set: its splits, files and archive. Apart from the catalog itself, so that what
//! finds, checks and downloads files needs to know rows, not the table.

/// A data set of the catalog: two splits of images and labels, in four IDX files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Name on the command line and in studies, e.g. `fashion_mnist`.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// Folder under `data/` and `fixtures/`; the EMNIST splits share one.
    pub folder: &'static str,
    /// Licence of the data.
    pub licence: &'static str,
    /// Whom to cite.
    pub source: &'static str,
    /// Height and width of an image; one grey channel.
    pub image: [usize; 2],
    /// Names of the classes by number.
    pub classes: &'static [&'static str],
    /// Images are stored column by column, and turned upright when read.
    pub transposed: bool,
    /// The label in the file that stands for class 0.
    pub first_label: u8,
    /// Training split.
    pub train: Split,
    /// Test split.
    pub test: Split,
    /// Folders on the web, tried in this order; each holds the files as `<name>.gz`.
    pub mirrors: &'static [&'static str],
    /// Folders where packages of operating systems put the files, looked at after all others and never written to.
    pub system: &'static [&'static str],
    /// An archive that holds the files too, tried after the mirrors.
    pub archive: Option<&'static Archive>,
}

/// Images and labels of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Number of samples.
    pub samples: usize,
    /// The images, u8 `[samples, height, width]`.
    pub images: File,
    /// The labels, u8 `[samples]`.
    pub labels: File,
}

/// A file of a data set, and how to recognise it.
///
/// A file is known by its content: a raw digest is decisive when known, because the same raw file can be compressed in
/// many ways. The gzip digest is what a download is compared with, and vouches for what is unpacked where no raw digest
/// is known; then the raw digest is recorded for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Name of the raw file.
    pub name: &'static str,
    /// Hexadecimal SHA-256 of the raw file, if published or derived from a published file.
    pub raw_sha256: Option<&'static str>,
    /// Hexadecimal SHA-256 of the gzip file as the publisher compressed it, if known.
    pub gz_sha256: Option<&'static str>,
    /// Bytes of that gzip file, if known.
    pub gz_len: Option<u64>,
}

/// An archive with several data sets' files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archive {
    /// File name.
    pub name: &'static str,
    /// Hexadecimal SHA-256.
    pub sha256: &'static str,
    /// Bytes.
    pub len: u64,
    /// Full addresses, tried in this order.
    pub urls: &'static [&'static str],
}

impl Entry {
    /// The four files with the shapes they must have: training images and labels, test images and labels.
    pub fn files(&self) -> [(File, Vec<usize>); 4] {
        let [height, width] = self.image;
        let images = |split: &Split| (split.images, vec![split.samples, height, width]);
        let labels = |split: &Split| (split.labels, vec![split.samples]);
        [
            images(&self.train),
            labels(&self.train),
            images(&self.test),
            labels(&self.test),
        ]
    }

    /// How to get the files, for error messages.
    pub(crate) fn help(&self) -> String {
        let names = self
            .files()
            .map(|(file, _)| format!("{}[.gz]", file.name))
            .join(", ");
        let archive = self
            .archive
            .map_or(String::new(), |archive| format!(" (or {})", archive.name));
        format!(
            "download it with `data fetch {}`, or place {names}{archive} in a folder and give that with --data-dir",
            self.name
        )
    }
}
