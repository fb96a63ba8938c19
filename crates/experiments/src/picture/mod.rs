//! Pictures of any size, grey or colour, made into what a network was trained on; and shown in a terminal.
//!
//! `png` reads and writes files, `bitmap` cuts and scales, `digit` prepares a picture the way MNIST was, `terminal`
//! draws in letters.

mod bitmap;
mod digit;
pub(crate) mod png;
mod terminal;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::{Error, Result};
use bitmap::Bitmap;
pub use terminal::to_terminal;

/// A picture as the network sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The shape the network wants, e.g. `[28, 28, 1]`.
    pub shape: Vec<usize>,
    /// Values from 0 to 1, in row-major order.
    pub values: Vec<f32>,
    /// What was done to it, in words.
    pub notes: Vec<&'static str>,
}

/// Reads a PNG file and makes it fit a network with this input shape: `[h, w]`, `[h, w, 1]` or `[h, w, 3]`.
///
/// Transparent parts become white. Grey networks get the luminance, inverted if the border is bright; unless the
/// picture has the network's size already, what is on it is cut out, scaled to 20/28 of the size and centred by mass.
///
/// # Errors
/// A file that is no PNG or too large, a network whose input is no picture.
pub fn prepare(path: &Path, shape: &[usize]) -> Result<Prepared> {
    let fail = |message: String| Error::Picture {
        path: path.to_owned(),
        message,
    };
    let file = File::open(path).map_err(Error::io("reading", path))?;
    let picture = png::decode(BufReader::new(file)).map_err(fail)?;
    let (height, width) = match *shape {
        [h, w] | [h, w, 1 | 3] if h > 0 && w > 0 && h <= 4096 && w <= 4096 => (h, w),
        _ => {
            return Err(fail(format!(
                "the network takes inputs of shape {shape:?}, which are no pictures"
            )));
        }
    };
    let opaque = on_white(&picture);
    let (values, notes) = if shape.len() == 3 && shape[2] == 3 {
        (values(&opaque.resized(width, height)), Vec::new())
    } else {
        let (grey, notes) = digit::as_digit(&opaque, width, height);
        (values(&grey), notes)
    };
    Ok(Prepared {
        shape: shape.to_vec(),
        values,
        notes,
    })
}

/// Bytes as the network sees them.
fn values<const C: usize>(picture: &Bitmap<C>) -> Vec<f32> {
    let bytes = picture.pixels.as_flattened().iter();
    bytes.map(|&byte| f32::from(byte) / 255.0).collect()
}

/// Lays a picture on white paper.
fn on_white(picture: &Bitmap<4>) -> Bitmap<3> {
    picture.map(|pixel| {
        let [r, g, b, alpha] = pixel.map(u32::from);
        [r, g, b].map(|color| ((color * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::png::{BitDepth, ColorType};

    fn file_of(picture: &Bitmap<4>) -> Vec<u8> {
        let size = [picture.width as u32, picture.height as u32];
        let samples = picture.pixels.as_flattened();
        png::tests::file(size, ColorType::Rgba, BitDepth::Eight, samples)
    }

    fn saved(picture: &Bitmap<4>) -> tempfile::TempPath {
        let file = tempfile::Builder::new().tempfile().expect("a file");
        std::fs::write(file.path(), file_of(picture)).expect("written");
        file.into_temp_path()
    }

    fn plain(width: usize, height: usize, pixel: [u8; 4]) -> Bitmap<4> {
        Bitmap::from_fn(width, height, |_, _| pixel)
    }

    /// A vertical stroke off centre.
    fn stroke(ink: [u8; 4], paper: [u8; 4]) -> Bitmap<4> {
        Bitmap::from_fn(200, 120, |x, y| {
            if (20..30).contains(&x) && (10..90).contains(&y) {
                ink
            } else {
                paper
            }
        })
    }

    #[test]
    fn dark_on_bright_and_bright_on_dark_and_transparent_look_the_same() {
        let (black, white, clear) = ([0, 0, 0, 255], [255; 4], [9, 9, 9, 0]);
        let seen = |picture| prepare(&saved(&picture), &[28, 28, 1]).expect("a picture");
        let dark = seen(stroke(black, white));
        let bright = seen(stroke(white, black));
        assert_eq!(dark.values, bright.values);
        assert_eq!(dark.values, seen(stroke(black, clear)).values);
        assert!(dark.notes.iter().any(|note| note.contains("inverted")));
        assert!(!bright.notes.iter().any(|note| note.contains("inverted")));
        // 20 pixels tall, in the middle.
        let row = |y: usize| dark.values[y * 28..(y + 1) * 28].iter().sum::<f32>();
        assert_eq!((0..28).filter(|&y| row(y) > 0.5).count(), 20);
        assert!(row(3) <= 0.5 && row(4) > 0.5 && row(23) > 0.5 && row(24) <= 0.5);
        let column = |x: usize| (0..28).map(|y| dark.values[y * 28 + x]).sum::<f32>();
        let (mass, moment) = (0..28).fold((0.0, 0.0), |(m, s), x| {
            (m + column(x), s + column(x) * (x as f32 + 0.5))
        });
        assert!((moment / mass - 14.0).abs() <= 0.51, "{}", moment / mass);
    }

    #[test]
    fn a_picture_of_the_right_size_is_left_alone() {
        let mut picture = plain(28, 28, [0, 0, 0, 255]);
        picture.pixels[3 * 28 + 2] = [255; 4];
        let seen = prepare(&saved(&picture), &[28, 28, 1]).expect("a picture");
        assert_eq!(seen.values.iter().filter(|&&value| value > 0.0).count(), 1);
        assert_eq!(seen.values[3 * 28 + 2], 1.0);
        assert!(seen.notes.is_empty());
    }

    #[test]
    fn blank_paper_and_colour_networks_work() {
        let blank = saved(&plain(50, 40, [255; 4]));
        let seen = prepare(&blank, &[28, 28]).expect("a picture");
        assert!(
            seen.values.iter().all(|&value| value == 0.0)
                && seen.notes.contains(&"nothing to be seen on it")
        );
        let red = saved(&plain(50, 40, [255, 0, 0, 255]));
        let seen = prepare(&red, &[32, 32, 3]).expect("a picture");
        assert_eq!(seen.values[..3], [1.0, 0.0, 0.0]);
        assert_eq!(seen.values.len(), 32 * 32 * 3);
    }

    #[test]
    fn what_is_no_picture_is_refused_with_a_reason() {
        let file = tempfile::Builder::new()
            .suffix(".png")
            .tempfile()
            .expect("a file");
        std::fs::write(file.path(), "not a picture").expect("written");
        let message = prepare(file.path(), &[28, 28, 1])
            .expect_err("no PNG")
            .to_string();
        assert!(message.contains("no PNG"), "{message}");
        let png = file_of(&plain(40, 40, [1, 2, 3, 255]));
        std::fs::write(file.path(), &png[..png.len() / 2]).expect("written");
        assert!(
            prepare(file.path(), &[28, 28, 1])
                .expect_err("cut off")
                .to_string()
                .contains("cannot be decoded")
        );
        std::fs::write(file.path(), &png).expect("written");
        assert!(
            prepare(file.path(), &[784])
                .expect_err("no picture")
                .to_string()
                .contains("[784]")
        );
    }
}
