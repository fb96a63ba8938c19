//! Pictures of any size, grey or colour, made into what a network was trained on; and shown in a terminal.
//!
//! A digit photographed on paper is dark on bright, off centre and large; MNIST's are bright on dark, 20 pixels tall
//! and centred by mass in 28×28 (LeCun et al. 1998). A network sees the difference more than the digit, so a picture
//! is prepared the way MNIST was.

use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;

use crate::bitmap::Bitmap;
use crate::{Error, Result, png};

/// Below this share of the brightest value, a pixel is background.
const INK: f32 = 0.1;

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
        let (grey, notes) = as_digit(&opaque, width, height);
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

/// Bright on dark, of the right size, centred.
fn as_digit(picture: &Bitmap<3>, width: usize, height: usize) -> (Bitmap<1>, Vec<&'static str>) {
    let mut notes = Vec::new();
    let mut grey = luminance(picture);
    if border_is_bright(&grey) {
        grey = grey.map(|&[byte]| [255 - byte]);
        notes.push("inverted, because its border is bright");
    }
    if (grey.width, grey.height) == (width, height) {
        return (grey, notes);
    }
    let Some((columns, rows)) = ink_box(&grey) else {
        notes.push("nothing to be seen on it");
        return (Bitmap::from_fn(width, height, |_, _| [0]), notes);
    };
    notes.push("cut out, scaled and centred by mass");
    let ink = grey.part(columns, rows);
    let inner = |side: usize| side as f64 * 20.0 / 28.0;
    let factor = (inner(width) / ink.width as f64).min(inner(height) / ink.height as f64);
    let side = |length: usize| ((length as f64 * factor).round() as usize).max(1);
    let small = ink.resized(side(ink.width), side(ink.height));
    (centred(&stretched(small), width, height), notes)
}

/// ITU-R BT.601.
fn luminance(picture: &Bitmap<3>) -> Bitmap<1> {
    picture.map(|pixel| {
        let [r, g, b] = pixel.map(u32::from);
        [((299 * r + 587 * g + 114 * b + 500) / 1000) as u8]
    })
}

fn border_is_bright(grey: &Bitmap<1>) -> bool {
    let (w, h) = (grey.width, grey.height);
    let rows = (0..w).flat_map(|x| [(x, 0), (x, h - 1)]);
    let columns = (0..h).flat_map(|y| [(0, y), (w - 1, y)]);
    let (sum, count) = rows
        .chain(columns)
        .fold((0u64, 0u64), |(sum, count), (x, y)| {
            (sum + u64::from(grey.at(x, y)[0]), count + 1)
        });
    sum * 2 > count * 255
}

/// The columns and rows around everything that is no background.
fn ink_box(grey: &Bitmap<1>) -> Option<(Range<usize>, Range<usize>)> {
    let values = || grey.pixels.as_flattened().iter().copied();
    let (darkest, brightest) = (values().min()?, values().max()?);
    let threshold = f32::from(darkest) + f32::from(brightest - darkest) * INK;
    let mut bounds: Option<[usize; 4]> = None;
    for (i, value) in values().enumerate() {
        if f32::from(value) > threshold {
            let (x, y) = (i % grey.width, i / grey.width);
            let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
            bounds = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
        }
    }
    bounds.map(|[left, top, right, bottom]| (left..right + 1, top..bottom + 1))
}

/// Background to 0 and the brightest ink to 255, so that grey paper does not look like ink.
fn stretched(grey: Bitmap<1>) -> Bitmap<1> {
    let values = || grey.pixels.as_flattened().iter().copied();
    let (low, high) = (values().min().unwrap_or(0), values().max().unwrap_or(255));
    // A box filled with ink has no background in it to stretch away.
    if high <= low || low >= 128 {
        return grey;
    }
    let scale = 255.0 / f32::from(high - low);
    grey.map(|&[byte]| [(f32::from(byte - low) * scale).round() as u8])
}

/// Puts `ink` on black so that its centre of mass is in the middle, as far as it stays inside.
fn centred(ink: &Bitmap<1>, width: usize, height: usize) -> Bitmap<1> {
    let (mut mass, mut x_mass, mut y_mass) = (0.0, 0.0, 0.0);
    for (i, &[byte]) in ink.pixels.iter().enumerate() {
        let weight = f64::from(byte);
        mass += weight;
        x_mass += weight * ((i % ink.width) as f64 + 0.5);
        y_mass += weight * ((i / ink.width) as f64 + 0.5);
    }
    let place = |moment: f64, own: usize, room: usize| {
        let start = (room as f64 / 2.0 - moment / mass.max(1.0))
            .round()
            .max(0.0);
        (start as usize).min(room - own.min(room))
    };
    let left = place(x_mass, ink.width, width);
    let top = place(y_mass, ink.height, height);
    Bitmap::from_fn(width, height, |x, y| {
        let inside = (left..left + ink.width).contains(&x) && (top..top + ink.height).contains(&y);
        if inside {
            ink.at(x - left, y - top)
        } else {
            [0]
        }
    })
}

/// A picture in letters: two rows of pixels a line with half blocks, or a row a line in plain ASCII.
#[must_use]
pub fn to_terminal(picture: &Prepared, blocks: bool) -> String {
    let (&[height, width] | &[height, width, _]) = picture.shape.as_slice() else {
        return String::new();
    };
    let channels = picture.shape.get(2).copied().unwrap_or(1);
    let value = |x: usize, y: usize| -> f32 {
        let start = (y * width + x) * channels;
        let pixel = picture
            .values
            .get(start..start + channels)
            .unwrap_or_default();
        pixel.iter().sum::<f32>() / channels as f32
    };
    let mut text = String::new();
    for y in (0..height).step_by(if blocks { 2 } else { 1 }) {
        for x in 0..width {
            if blocks {
                let (upper, lower) = (
                    level(value(x, y)),
                    if y + 1 < height {
                        level(value(x, y + 1))
                    } else {
                        232
                    },
                );
                text.push_str(&format!("\x1b[38;5;{upper};48;5;{lower}m▀"));
            } else {
                let shade = b" .:-=+*#%@"[(value(x, y).clamp(0.0, 1.0) * 9.0).round() as usize];
                text.extend([char::from(shade); 2]);
            }
        }
        text.push_str(if blocks { "\x1b[0m\n" } else { "\n" });
    }
    text
}

/// The grey nearest to a value among a terminal's 256 colours.
fn level(value: f32) -> u32 {
    232 + (value.clamp(0.0, 1.0) * 23.0).round() as u32
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

    #[test]
    fn terminal_pictures_have_the_right_size() {
        let picture = Prepared {
            shape: vec![3, 2, 1],
            values: vec![0.0, 1.0, 0.5, 0.5, 1.0, 0.0],
            notes: vec![],
        };
        assert_eq!(to_terminal(&picture, false), "  @@\n++++\n@@  \n");
        assert_eq!(to_terminal(&picture, true).lines().count(), 2);
    }
}
