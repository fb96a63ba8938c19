//! Pictures of any size, grey or colour, made into what a network was trained on; and shown in a terminal.
//!
//! `png` reads and writes files, `bitmap` cuts and scales, `digit` prepares a picture the way MNIST was, as far as
//! `preparation` allows, `terminal` draws in letters.

mod bitmap;
mod digit;
pub(crate) mod png;
mod preparation;
mod terminal;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::{Error, Result};
use bitmap::Bitmap;
pub use preparation::{Invert, Preparation};
pub use terminal::to_terminal;

/// A picture as the network sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The shape the network wants, e.g. `[28, 28, 1]`.
    pub shape: Vec<usize>,
    /// Values from 0 to 1, in row-major order.
    pub values: Vec<f32>,
    /// What was done to it, in words.
    pub notes: Vec<String>,
}

/// Reads a PNG file and makes it fit a network with this input shape: `[h, w]`, `[h, w, 1]` or `[h, w, 3]`.
///
/// An opaque picture of the network's own size goes in as it is, as a sample of a data set does: grey values / 255.
/// Any other is made to look like MNIST's for grey networks: it is inverted if the border is bright, what is on it is cut
/// out, scaled to 20/28 of the size and centred by mass. Transparent parts become black if what is drawn is bright, else
/// white. Networks of three channels get the picture scaled. All that was done is in the notes.
///
/// # Errors
/// A file that is no PNG or has more than 25 million pixels, a network whose input is no picture.
pub fn prepare(path: &Path, shape: &[usize], preparation: Preparation) -> Result<Prepared> {
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
    let mut notes = Vec::new();
    let paper = paper_for(&picture);
    if let Some(paper) = paper {
        let name = if paper == 0 { "black" } else { "white" };
        notes.push(format!("transparent parts made {name}"));
    }
    let over = |pixel: &[u8; 4]| over_paper(*pixel, paper.unwrap_or(255));
    let values = if shape.len() == 3 && shape[2] == 3 {
        let opaque = picture.map(over);
        drop(picture);
        note_scaling(&mut notes, &opaque, width, height);
        values(&opaque.resized(width, height))
    } else {
        let grey = picture.map(|pixel| [digit::luminance(over(pixel))]);
        drop(picture);
        let is_sample = paper.is_none() && (grey.width, grey.height) == (width, height);
        let grey = digit::inverted(grey, preparation, is_sample, &mut notes);
        if (grey.width, grey.height) == (width, height) {
            values(&grey)
        } else if preparation.as_is {
            note_scaling(&mut notes, &grey, width, height);
            values(&grey.resized(width, height))
        } else {
            values(&digit::as_digit(&grey, width, height, &mut notes))
        }
    };
    Ok(Prepared {
        shape: shape.to_vec(),
        values,
        notes,
    })
}

fn note_scaling<const C: usize>(
    notes: &mut Vec<String>,
    picture: &Bitmap<C>,
    width: usize,
    height: usize,
) {
    if (picture.width, picture.height) != (width, height) {
        let (from_width, from_height) = (picture.width, picture.height);
        notes.push(format!(
            "scaled from {from_width} × {from_height} to {width} × {height} pixels"
        ));
    }
}

/// Bytes as the network sees them.
fn values<const C: usize>(picture: &Bitmap<C>) -> Vec<f32> {
    let bytes = picture.pixels.as_flattened().iter();
    bytes.map(|&byte| f32::from(byte) / 255.0).collect()
}

/// The paper on which what is drawn can be seen: black (0) for bright strokes, white (255) for dark ones; `None` if nothing
/// of it would show through.
fn paper_for(picture: &Bitmap<4>) -> Option<u8> {
    let (mut light, mut ink, mut transparent) = (0u64, 0u64, false);
    for &[r, g, b, alpha] in &picture.pixels {
        light += u64::from(digit::luminance([r, g, b])) * u64::from(alpha);
        ink += u64::from(alpha);
        transparent |= alpha < 255;
    }
    transparent.then_some(if light * 2 > ink * 255 { 0 } else { 255 })
}

fn over_paper([r, g, b, alpha]: [u8; 4], paper: u8) -> [u8; 3] {
    let (paper, alpha) = (u32::from(paper), u32::from(alpha));
    [r, g, b].map(|color| {
        let mixed = u32::from(color) * alpha + paper * (255 - alpha);
        ((mixed + 127) / 255) as u8 // a mean of two bytes
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

    fn seen_by(picture: &Bitmap<4>, shape: &[usize], preparation: Preparation) -> Prepared {
        prepare(&saved(picture), shape, preparation).expect("a picture")
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
        let seen = |picture: Bitmap<4>| seen_by(&picture, &[28, 28, 1], Preparation::default());
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
        let seen = seen_by(&picture, &[28, 28, 1], Preparation::default());
        assert_eq!(seen.values.iter().filter(|&&value| value > 0.0).count(), 1);
        assert_eq!(seen.values[3 * 28 + 2], 1.0);
        assert!(seen.notes.is_empty());
    }

    /// Bright to its border, as some of Fashion-MNIST's are.
    fn native() -> Bitmap<4> {
        Bitmap::from_fn(28, 28, |x, y| {
            let grey = 255 - (x * 3 + y * 5) as u8;
            [grey, grey, grey, 255]
        })
    }

    #[test]
    fn a_native_picture_goes_in_as_a_sample_does_and_is_changed_on_demand() {
        let picture = native();
        let plain: Vec<f32> = picture
            .pixels
            .iter()
            .map(|pixel| f32::from(pixel[0]) / 255.0)
            .collect();
        let as_is = Preparation {
            as_is: true,
            ..Preparation::default()
        };
        let never = Preparation {
            invert: Invert::No,
            ..Preparation::default()
        };
        for preparation in [Preparation::default(), as_is, never] {
            let seen = seen_by(&picture, &[28, 28, 1], preparation);
            assert_eq!(seen.values, plain, "{preparation:?}");
            let told = seen.notes.iter().any(|note| note.contains("--invert yes"));
            assert_eq!(told, preparation == Preparation::default());
        }
        let invert = Preparation {
            invert: Invert::Yes,
            ..Preparation::default()
        };
        let seen = seen_by(&picture, &[28, 28, 1], invert);
        let inverted: Vec<f32> = picture
            .pixels
            .iter()
            .map(|pixel| f32::from(255 - pixel[0]) / 255.0)
            .collect();
        assert_eq!(seen.values, inverted);
        assert_eq!(seen.notes, ["inverted"]);
    }

    #[test]
    fn what_is_drawn_on_nothing_is_seen_whatever_its_colour() {
        let drawn = |ink| {
            let inside = |x: usize, y: usize| (12..15).contains(&x) && (4..24).contains(&y);
            Bitmap::from_fn(
                28,
                28,
                move |x, y| if inside(x, y) { ink } else { [0, 0, 0, 0] },
            )
        };
        let expected: Vec<f32> = drawn([255; 4])
            .pixels
            .iter()
            .map(|pixel| f32::from(pixel[3]) / 255.0)
            .collect();
        for (ink, paper) in [([255; 4], "black"), ([0, 0, 0, 255], "white")] {
            let seen = seen_by(&drawn(ink), &[28, 28, 1], Preparation::default());
            assert_eq!(seen.values, expected, "{ink:?}");
            assert!(seen.notes[0].contains(paper), "{:?}", seen.notes);
        }
        let seen = seen_by(&drawn([255; 4]), &[32, 32, 3], Preparation::default());
        assert!(seen.values.iter().any(|&value| value > 0.9) && seen.values[0] == 0.0);
    }

    #[test]
    fn taken_as_it_is_a_picture_is_only_scaled() {
        let (black, white) = ([0, 0, 0, 255], [255; 4]);
        let as_is = Preparation {
            as_is: true,
            ..Preparation::default()
        };
        let seen = seen_by(&stroke(black, white), &[28, 28, 1], as_is);
        assert_eq!(seen.notes, ["scaled from 200 × 120 to 28 × 28 pixels"]);
        assert_eq!(seen.values[0], 1.0);
        let never = Preparation {
            invert: Invert::No,
            ..Preparation::default()
        };
        let kept = seen_by(&stroke(white, black), &[28, 28, 1], never);
        assert_eq!(
            kept.values,
            seen_by(&stroke(white, black), &[28, 28, 1], Preparation::default()).values
        );
        assert!(kept.notes[0].contains("cut out"), "{:?}", kept.notes);
    }

    #[test]
    fn blank_paper_and_colour_networks_work() {
        let blank = saved(&plain(50, 40, [255; 4]));
        let seen = prepare(&blank, &[28, 28], Preparation::default()).expect("a picture");
        assert!(
            seen.values.iter().all(|&value| value == 0.0)
                && seen.notes.contains(&"nothing to be seen on it".to_owned())
        );
        let red = saved(&plain(50, 40, [255, 0, 0, 255]));
        let seen = prepare(&red, &[32, 32, 3], Preparation::default()).expect("a picture");
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
        let message = prepare(file.path(), &[28, 28, 1], Preparation::default())
            .expect_err("no PNG")
            .to_string();
        assert!(message.contains("no PNG"), "{message}");
        let png = file_of(&plain(40, 40, [1, 2, 3, 255]));
        std::fs::write(file.path(), &png[..png.len() / 2]).expect("written");
        assert!(
            prepare(file.path(), &[28, 28, 1], Preparation::default())
                .expect_err("cut off")
                .to_string()
                .contains("cannot be decoded")
        );
        std::fs::write(file.path(), &png).expect("written");
        assert!(
            prepare(file.path(), &[784], Preparation::default())
                .expect_err("no picture")
                .to_string()
                .contains("[784]")
        );
    }
}
