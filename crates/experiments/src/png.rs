//! Small pictures for the report: PNG, in base64 as a `data:` address wants it.

use base64::prelude::{BASE64_STANDARD, Engine};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use crate::{Error, Result};

/// Encodes `[h, w]`, `[h, w, 1]` (grey) or `[h, w, 3]` (colour) bytes.
///
/// # Errors
/// Shapes that are no picture.
pub(crate) fn encode(shape: &[usize], bytes: &[u8]) -> Result<String> {
    let (height, width, color) = match *shape {
        [h, w] | [h, w, 1] => (h, w, ExtendedColorType::L8),
        [h, w, 3] => (h, w, ExtendedColorType::Rgb8),
        _ => {
            return Err(Error::Report(format!(
                "samples of shape {shape:?} cannot be shown as pictures"
            )));
        }
    };
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(bytes, width as u32, height as u32, color)
        .map_err(|error| Error::Report(error.to_string()))?;
    Ok(BASE64_STANDARD.encode(&png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_grey_and_colour_only() {
        assert!(
            encode(&[2, 2, 1], &[0, 1, 2, 3])
                .expect("grey")
                .starts_with("iVBORw0KGgo")
        );
        assert!(encode(&[1, 1, 3], &[0, 1, 2]).is_ok());
        assert!(encode(&[4], &[0, 1, 2, 3]).is_err());
    }
}
