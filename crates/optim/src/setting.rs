//! What a setting may be, and how settings are read from JSON by name.

pub(crate) use taper_tensor::setting::{
    Checked, below_one, finite_in, fraction, not_negative, not_negative_in, positive, positive_in,
    read,
};
