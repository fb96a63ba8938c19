//! Pictures of any size, grey or colour, made into what a network was trained on; and shown in a terminal.
//!
//! A digit photographed on paper is dark on bright, off centre and large; MNIST's are bright on dark, 20 pixels tall
//! and centred by mass in 28×28 (LeCun et al. 1998). A network sees the difference more than the digit, so a picture
//! is prepared the way MNIST was.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{GrayImage, ImageReader, Limits, RgbImage, RgbaImage};

use crate::{Error, Result};

/// Pictures with more pixels than this are refused (about what a camera makes, with room to spare).
const MOST_PIXELS: u64 = 100_000_000;
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
    let picture = read(path)?;
    let (height, width) = match *shape {
        [h, w] | [h, w, 1 | 3] if h > 0 && w > 0 && h <= 4096 && w <= 4096 => (h as u32, w as u32),
        _ => {
            return Err(fail(format!(
                "the network takes inputs of shape {shape:?}, which are no pictures"
            )));
        }
    };
    let opaque = on_white(&picture);
    if shape.last() == Some(&3) && shape.len() == 3 {
        let scaled = imageops::resize(&opaque, width, height, FilterType::Triangle);
        let values = scaled
            .into_raw()
            .into_iter()
            .map(|byte| f32::from(byte) / 255.0)
            .collect();
        return Ok(Prepared {
            shape: shape.to_vec(),
            values,
            notes: Vec::new(),
        });
    }
    let (grey, notes) = as_digit(&opaque, width, height);
    let values = grey
        .into_raw()
        .into_iter()
        .map(|byte| f32::from(byte) / 255.0)
        .collect();
    Ok(Prepared {
        shape: shape.to_vec(),
        values,
        notes,
    })
}

fn read(path: &Path) -> Result<RgbaImage> {
    let fail = |message: String| Error::Picture {
        path: path.to_owned(),
        message,
    };
    // The content counts, not the name.
    let open = || ImageReader::new(BufReader::new(File::open(path)?)).with_guessed_format();
    let mut reader = open().map_err(Error::io("reading", path))?;
    if reader.format() != Some(image::ImageFormat::Png) {
        return Err(fail("this is no PNG file; only PNG can be read".into()));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_PIXELS * 8);
    (limits.max_image_width, limits.max_image_height) = (Some(100_000), Some(100_000));
    reader.limits(limits);
    let picture = reader
        .decode()
        .map_err(|error| fail(format!("it cannot be decoded: {error}")))?;
    if u64::from(picture.width()) * u64::from(picture.height()) > MOST_PIXELS {
        return Err(fail(format!(
            "it has {} × {} pixels; make it smaller",
            picture.width(),
            picture.height()
        )));
    }
    Ok(picture.into_rgba8())
}

/// Lays a picture on white paper.
fn on_white(picture: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, alpha] = picture.get_pixel(x, y).0.map(u32::from);
        let blend = |color: u32| ((color * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        image::Rgb([blend(r), blend(g), blend(b)])
    })
}

/// Bright on dark, of the right size, centred.
fn as_digit(picture: &RgbImage, width: u32, height: u32) -> (GrayImage, Vec<&'static str>) {
    let mut notes = Vec::new();
    let mut grey = luminance(picture);
    if border_is_bright(&grey) {
        imageops::invert(&mut grey);
        notes.push("inverted, because its border is bright");
    }
    if grey.dimensions() == (width, height) {
        return (grey, notes);
    }
    let Some((x, y, w, h)) = ink_box(&grey) else {
        notes.push("nothing to be seen on it");
        return (GrayImage::new(width, height), notes);
    };
    notes.push("cut out, scaled and centred by mass");
    let ink = imageops::crop_imm(&grey, x, y, w, h).to_image();
    let (inner_w, inner_h) = (
        f64::from(width) * 20.0 / 28.0,
        f64::from(height) * 20.0 / 28.0,
    );
    let factor = (inner_w / f64::from(w)).min(inner_h / f64::from(h));
    let side = |length: u32| ((f64::from(length) * factor).round() as u32).max(1);
    let small = imageops::resize(&ink, side(w), side(h), FilterType::Triangle);
    (centred(&stretched(small), width, height), notes)
}

/// ITU-R BT.601.
fn luminance(picture: &RgbImage) -> GrayImage {
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b] = picture.get_pixel(x, y).0.map(u32::from);
        image::Luma([((299 * r + 587 * g + 114 * b + 500) / 1000) as u8])
    })
}

fn border_is_bright(grey: &GrayImage) -> bool {
    let (w, h) = grey.dimensions();
    let rows = (0..w).flat_map(|x| [(x, 0), (x, h - 1)]);
    let columns = (0..h).flat_map(|y| [(0, y), (w - 1, y)]);
    let (sum, count) = rows
        .chain(columns)
        .fold((0u64, 0u64), |(sum, count), (x, y)| {
            (sum + u64::from(grey.get_pixel(x, y).0[0]), count + 1)
        });
    sum * 2 > count * 255
}

/// The box around everything that is no background: left, top, width, height.
fn ink_box(grey: &GrayImage) -> Option<(u32, u32, u32, u32)> {
    let values = || grey.pixels().map(|pixel| pixel.0[0]);
    let (darkest, brightest) = (values().min()?, values().max()?);
    let threshold = f32::from(darkest) + f32::from(brightest - darkest) * INK;
    let inked = grey
        .enumerate_pixels()
        .filter(|(_, _, pixel)| f32::from(pixel.0[0]) > threshold);
    let bounds = inked.fold(None, |bounds: Option<(u32, u32, u32, u32)>, (x, y, _)| {
        let (left, top, right, bottom) = bounds.unwrap_or((x, y, x, y));
        Some((left.min(x), top.min(y), right.max(x), bottom.max(y)))
    });
    bounds.map(|(left, top, right, bottom)| (left, top, right - left + 1, bottom - top + 1))
}

/// Background to 0 and the brightest ink to 255, so that grey paper does not look like ink.
fn stretched(mut grey: GrayImage) -> GrayImage {
    let values = || grey.pixels().map(|pixel| pixel.0[0]);
    let (low, high) = (values().min().unwrap_or(0), values().max().unwrap_or(255));
    // A box filled with ink has no background in it to stretch away.
    if high > low && low < 128 {
        let scale = 255.0 / f32::from(high - low);
        grey.pixels_mut()
            .for_each(|pixel| pixel.0[0] = (f32::from(pixel.0[0] - low) * scale).round() as u8);
    }
    grey
}

/// Puts `ink` on black so that its centre of mass is in the middle, as far as it stays inside.
fn centred(ink: &GrayImage, width: u32, height: u32) -> GrayImage {
    let (mut mass, mut x_mass, mut y_mass) = (0.0, 0.0, 0.0);
    for (x, y, pixel) in ink.enumerate_pixels() {
        let weight = f64::from(pixel.0[0]);
        mass += weight;
        x_mass += weight * (f64::from(x) + 0.5);
        y_mass += weight * (f64::from(y) + 0.5);
    }
    let place = |moment: f64, own: u32, room: u32| {
        let start = (f64::from(room) / 2.0 - moment / mass.max(1.0)).round() as i64;
        start.clamp(0, i64::from(room - own.min(room)))
    };
    let mut canvas = GrayImage::new(width, height);
    imageops::replace(
        &mut canvas,
        ink,
        place(x_mass, ink.width(), width),
        place(y_mass, ink.height(), height),
    );
    canvas
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
    use image::{Rgba, RgbaImage};

    fn saved(picture: &RgbaImage) -> tempfile::TempPath {
        let file = tempfile::Builder::new()
            .suffix(".png")
            .tempfile()
            .expect("a file");
        picture.save(file.path()).expect("a PNG");
        file.into_temp_path()
    }

    /// A vertical stroke off centre.
    fn stroke(ink: Rgba<u8>, paper: Rgba<u8>) -> RgbaImage {
        RgbaImage::from_fn(200, 120, |x, y| {
            if (20..30).contains(&x) && (10..90).contains(&y) {
                ink
            } else {
                paper
            }
        })
    }

    #[test]
    fn dark_on_bright_and_bright_on_dark_and_transparent_look_the_same() {
        let (black, white, clear) = (
            Rgba([0, 0, 0, 255]),
            Rgba([255, 255, 255, 255]),
            Rgba([9, 9, 9, 0]),
        );
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
        let mut picture = RgbaImage::from_pixel(28, 28, Rgba([0, 0, 0, 255]));
        picture.put_pixel(2, 3, Rgba([255, 255, 255, 255]));
        let seen = prepare(&saved(&picture), &[28, 28, 1]).expect("a picture");
        assert_eq!(seen.values.iter().filter(|&&value| value > 0.0).count(), 1);
        assert_eq!(seen.values[3 * 28 + 2], 1.0);
        assert!(seen.notes.is_empty());
    }

    #[test]
    fn blank_paper_and_colour_networks_work() {
        let blank = saved(&RgbaImage::from_pixel(50, 40, Rgba([255, 255, 255, 255])));
        let seen = prepare(&blank, &[28, 28]).expect("a picture");
        assert!(
            seen.values.iter().all(|&value| value == 0.0)
                && seen.notes.contains(&"nothing to be seen on it")
        );
        let red = saved(&RgbaImage::from_pixel(50, 40, Rgba([255, 0, 0, 255])));
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
        let mut png = Vec::new();
        let picture = RgbaImage::from_pixel(40, 40, Rgba([1, 2, 3, 255]));
        picture
            .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
            .expect("a PNG");
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
