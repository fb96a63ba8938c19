//! What may be done to a picture: by itself a network sees a picture of paper and ink as something else than a digit, but
//! whoever has prepared it already must be able to say so.

/// What may be done to a picture to make it look like those that a network was trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preparation {
    /// Only scale it, and only if its size is another: nothing is cut out, centred or inverted. Default: no.
    pub as_is: bool,
    /// Whether dark and bright are exchanged, unless it is taken as it is.
    pub invert: Invert,
}

/// Whether dark and bright are exchanged. (Grey networks only.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Invert {
    /// If the border is bright and the picture, by its size or transparent parts, is none of the data set's
    #[default]
    Auto,
    /// Yes
    Yes,
    /// No
    No,
}
