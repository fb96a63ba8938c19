//! What a setting may be, and how settings are read from JSON by name.

pub(crate) use taper_tensor::setting::{
    Checked, below_one, fraction, not_negative, positive, positive_in, read,
};
