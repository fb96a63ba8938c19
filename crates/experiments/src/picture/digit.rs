//! A picture as MNIST's are.
//!
//! A digit photographed on paper is dark on bright, off centre and large; MNIST's are bright on dark, 20 pixels tall
//! and centred by mass in 28×28 (LeCun et al. 1998). A network sees the difference more than the digit, so a picture
//! is prepared the way MNIST was.

use std::ops::Range;

use super::bitmap::Bitmap;
use super::preparation::{Invert, Preparation};

/// Below this share of the brightest value, a pixel is background.
const INK: f32 = 0.1;

/// With dark and bright exchanged, if that is wanted. `is_sample`: it may be one of those that the network was trained on.
pub(super) fn inverted(
    grey: Bitmap<1>,
    preparation: Preparation,
    is_sample: bool,
    notes: &mut Vec<String>,
) -> Bitmap<1> {
    let invert = match preparation.invert {
        _ if preparation.as_is => false,
        Invert::No => false,
        Invert::Yes => {
            notes.push("inverted".to_owned());
            true
        }
        Invert::Auto if !border_is_bright(&grey) => false,
        Invert::Auto if is_sample => {
            let note = "its border is bright; taken as it is, for it has the network's size (--invert yes inverts it)";
            notes.push(note.to_owned());
            false
        }
        Invert::Auto => {
            notes.push("inverted, because its border is bright".to_owned());
            true
        }
    };
    if invert {
        grey.map(|&[byte]| [255 - byte])
    } else {
        grey
    }
}

/// Of the right size, centred; what was done is added to the notes.
pub(super) fn as_digit(
    grey: &Bitmap<1>,
    width: usize,
    height: usize,
    notes: &mut Vec<String>,
) -> Bitmap<1> {
    let Some((columns, rows)) = ink_box(grey) else {
        notes.push("nothing to be seen on it".to_owned());
        return Bitmap::from_fn(width, height, |_, _| [0]);
    };
    let (across, down) = (columns.len(), rows.len());
    notes.push(format!(
        "{across} × {down} pixels cut out, scaled and centred by mass"
    ));
    let ink = grey.part(columns, rows);
    let inner = |side: usize| side as f64 * 20.0 / 28.0;
    let factor = (inner(width) / ink.width as f64).min(inner(height) / ink.height as f64);
    let side = |length: usize| ((length as f64 * factor).round() as usize).max(1);
    let small = ink.resized(side(ink.width), side(ink.height));
    centred(&stretched(small), width, height)
}

/// ITU-R BT.601.
pub(super) fn luminance(pixel: [u8; 3]) -> u8 {
    let [r, g, b] = pixel.map(u32::from);
    ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
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
