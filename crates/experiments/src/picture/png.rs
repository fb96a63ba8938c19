//! PNG: pictures to predict are read, small ones for the report written, in base64 as a `data:` address wants it.

use base64::prelude::{BASE64_STANDARD, Engine};
use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};
use std::io::{BufRead, Seek};

use super::bitmap::Bitmap;
use crate::{Error, Result};

/// Pictures with more pixels than this are refused (about what a camera makes, with room to spare).
const MOST_PIXELS: u64 = 100_000_000;
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Encodes `[h, w]`, `[h, w, 1]` (grey) or `[h, w, 3]` (colour) bytes.
///
/// # Errors
/// Shapes that are no picture.
pub(crate) fn encode(shape: &[usize], bytes: &[u8]) -> Result<String> {
    let (height, width, color) = match *shape {
        [h, w] | [h, w, 1] => (h, w, ColorType::Grayscale),
        [h, w, 3] => (h, w, ColorType::Rgb),
        _ => {
            return Err(Error::Report(format!(
                "samples of shape {shape:?} cannot be shown as pictures"
            )));
        }
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(bytes)?;
        writer.finish()
    });
    written.map_err(|error| Error::Report(error.to_string()))?;
    Ok(BASE64_STANDARD.encode(&file))
}

/// Reads a picture of any kind (grey or colour, with palette or alpha, 1 to 16 bits, interlaced or not) as 8 bits each
/// of red, green, blue and alpha.
///
/// # Errors
/// In words: this is no PNG, it is too large or damaged.
pub(crate) fn decode(mut file: impl BufRead + Seek) -> Result<Bitmap<4>, String> {
    let damaged = |error: png::DecodingError| format!("it cannot be decoded: {error}");
    // The content counts, not the name.
    let start = file.fill_buf().map_err(|error| error.to_string())?;
    if !start.starts_with(SIGNATURE) {
        let advice = "open it in any program for pictures and save or export it as PNG";
        return Err(format!(
            "this is no PNG file, and only PNG can be read; {advice}"
        ));
    }
    let bytes = usize::try_from(MOST_PIXELS * 8).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(file, Limits { bytes });
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = (reader.info().width, reader.info().height);
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("it has {width} × {height} pixels; make it smaller"));
    }
    let length = reader.output_buffer_size();
    let mut data = vec![0; length.ok_or("it is too large for this machine's memory")?];
    reader.next_frame(&mut data).map_err(damaged)?;
    let pixels = match reader.output_color_type().0 {
        ColorType::GrayscaleAlpha => {
            let pairs = data.as_chunks::<2>().0.iter();
            pairs.map(|&[grey, a]| [grey, grey, grey, a]).collect()
        }
        ColorType::Rgba => data.as_chunks::<4>().0.to_vec(),
        other => return Err(format!("it cannot be decoded: it came out as {other:?}")),
    };
    Ok(Bitmap {
        width: width as usize,
        height: height as usize,
        pixels,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::Cursor;

    /// A file of these samples.
    pub(crate) fn file(
        [width, height]: [u32; 2],
        color: ColorType,
        depth: BitDepth,
        samples: &[u8],
    ) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![1, 2, 3, 40, 50, 60]);
            encoder.set_trns(vec![255, 7]);
        }
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(samples).expect("the samples");
        writer.finish().expect("an end");
        file
    }

    #[test]
    fn encodes_grey_and_colour_only() {
        assert!(
            encode(&[2, 2, 1], &[0, 1, 2, 3])
                .expect("grey")
                .starts_with("iVBORw0KGgo")
        );
        assert!(encode(&[1, 1, 3], &[0, 1, 2]).is_ok());
        assert!(encode(&[4], &[0, 1, 2, 3]).is_err());
        assert!(encode(&[2, 2], &[0, 1, 2]).is_err());
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let text = encode(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]).expect("a picture");
        let file = BASE64_STANDARD.decode(text).expect("base64");
        let picture = decode(Cursor::new(file)).expect("a PNG");
        assert_eq!((picture.width, picture.height), (1, 2));
        assert_eq!(picture.pixels, [[1, 2, 3, 255], [4, 5, 6, 255]]);
    }

    #[test]
    fn decodes_every_kind() {
        use BitDepth::{Eight, One, Sixteen};
        use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
        let two = |color, depth, samples: &[u8]| {
            let picture = decode(Cursor::new(file([2, 1], color, depth, samples)));
            picture.expect("a PNG").pixels
        };
        let grey = [[0, 0, 0, 255], [255, 255, 255, 255]];
        assert_eq!(two(Grayscale, One, &[0b0100_0000]), grey);
        assert_eq!(two(Grayscale, Eight, &[0, 255]), grey);
        assert_eq!(two(Grayscale, Sixteen, &[0, 0, 255, 255]), grey);
        let faint = [[9, 9, 9, 100], [8, 8, 8, 0]];
        assert_eq!(two(GrayscaleAlpha, Eight, &[9, 100, 8, 0]), faint);
        assert_eq!(
            two(Indexed, One, &[0b0100_0000]),
            [[1, 2, 3, 255], [40, 50, 60, 7]]
        );
        let colours = [[1, 2, 3, 255], [4, 5, 6, 255]];
        assert_eq!(two(Rgb, Eight, &[1, 2, 3, 4, 5, 6]), colours);
        assert_eq!(
            two(Rgb, Sixteen, &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]),
            colours
        );
        assert_eq!(two(Rgba, Eight, &[1, 2, 3, 255, 4, 5, 6, 255]), colours);
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        let said = |bytes: &[u8]| decode(Cursor::new(bytes)).expect_err("no picture");
        for bytes in [&b""[..], b"\x89PN", b"\xff\xd8\xff\xe0 a JPEG"] {
            assert!(said(bytes).contains("no PNG file"), "{}", said(bytes));
            assert!(said(bytes).contains("as PNG"));
        }
        let good = file([2, 1], ColorType::Grayscale, BitDepth::Eight, &[1, 2]);
        assert!(said(&good[..good.len() - 20]).contains("cannot be decoded"));
        // A header that announces 100,000 × 100,000 pixels, with its checksum.
        let mut huge = good;
        for at in [16, 20] {
            huge[at..at + 4].copy_from_slice(&100_000u32.to_be_bytes());
        }
        let sum = checksum(&huge[12..29]);
        huge[29..33].copy_from_slice(&sum.to_be_bytes());
        assert!(said(&huge).contains("make it smaller"), "{}", said(&huge));
    }

    /// CRC-32 (PNG specification, annex D).
    fn checksum(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        !bytes
            .iter()
            .fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
    }
}
