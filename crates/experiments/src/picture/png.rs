//! PNG: pictures to predict are read, small ones for the report written, in base64 as a `data:` address wants it.

use base64::prelude::{BASE64_STANDARD, Engine};
use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};
use std::io::{BufRead, Seek, SeekFrom};

use taper_files::gzip::MAX_RATIO;

use super::bitmap::Bitmap;
use crate::{Error, Result};

/// Pictures with more pixels than this are refused (a camera's 24 million are not). Reading one takes no more than 8 bytes
/// a pixel, 200 MB, whatever its header says.
const MOST_PIXELS: u64 = 25_000_000;
/// Nor may a row or a column be longer.
const MOST_A_SIDE: u32 = 65_535;
/// What else a file may make the decoder keep, such as a palette.
const MOST_BESIDE: usize = 16 << 20;
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
/// of red, green, blue and alpha. Takes memory for what the file can hold, not for what its header announces.
///
/// # Errors
/// In words: this is no PNG, it is too large or damaged.
pub(crate) fn decode(mut file: impl BufRead + Seek) -> Result<Bitmap<4>, String> {
    let damaged = |error: png::DecodingError| match error {
        png::DecodingError::LimitsExceeded => {
            "it takes more memory than is allowed; make it smaller".to_owned()
        }
        error => format!("it cannot be decoded: {error}"),
    };
    // The content counts, not the name.
    let start = file.fill_buf().map_err(|error| error.to_string())?;
    if !start.starts_with(SIGNATURE) {
        let advice = "open it in any program for pictures and save or export it as PNG";
        return Err(format!(
            "this is no PNG file, and only PNG can be read; {advice}"
        ));
    }
    // A pipe has no length.
    let there = file.seek(SeekFrom::End(0)).ok();
    if there.is_some() {
        file.rewind().map_err(|error| error.to_string())?;
    }
    let limits = Limits { bytes: MOST_BESIDE };
    let mut decoder = Decoder::new_with_limits(file, limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    let (width, height, interlaced) = (info.width, info.height, info.interlaced);
    let count = u64::from(width) * u64::from(height);
    if count > MOST_PIXELS || width.max(height) > MOST_A_SIDE {
        return Err(format!(
            "it has {width} × {height} pixels; make it smaller: {MOST_PIXELS} are read, {MOST_A_SIDE} a side"
        ));
    }
    let announced = info.raw_row_length() as u64 * u64::from(height);
    if there.is_some_and(|there| announced / MAX_RATIO > there) {
        return Err(format!(
            "it is damaged: it announces {width} × {height} pixels, more than the file can hold"
        ));
    }
    let mut pixels = Vec::new();
    pixels
        .try_reserve_exact(count as usize) // at most MOST_PIXELS
        .map_err(|_| "it is too large for this machine's memory")?;
    let color = reader.output_color_type().0;
    if interlaced {
        let length = reader.output_buffer_size().unwrap_or(usize::MAX);
        let mut data = Vec::new();
        data.try_reserve_exact(length)
            .map_err(|_| "it is too large for this machine's memory")?;
        data.resize(length, 0);
        reader.next_frame(&mut data).map_err(damaged)?;
        add_pixels(&mut pixels, color, &data)?;
    } else {
        while let Some(row) = reader.next_row().map_err(damaged)? {
            add_pixels(&mut pixels, color, row.data())?;
        }
    }
    if pixels.len() as u64 != count {
        return Err("it cannot be decoded: rows are missing".into());
    }
    Ok(Bitmap {
        width: width as usize,
        height: height as usize,
        pixels,
    })
}

/// Adds pixels as they were decoded.
fn add_pixels(pixels: &mut Vec<[u8; 4]>, color: ColorType, data: &[u8]) -> Result<(), String> {
    match color {
        ColorType::GrayscaleAlpha => {
            let pairs = data.as_chunks::<2>().0.iter();
            pixels.extend(pairs.map(|&[grey, a]| [grey, grey, grey, a]));
        }
        ColorType::Rgba => pixels.extend_from_slice(data.as_chunks::<4>().0),
        other => return Err(format!("it cannot be decoded: it came out as {other:?}")),
    }
    Ok(())
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
        assert!(said(&announcing(&good, 100_000, 100_000)).contains("make it smaller"));
        assert!(said(&announcing(&good, 25_000_000, 1)).contains("make it smaller"));
        // Of a size that is read, but not from so few bytes.
        let said = said(&announcing(&good, 5_000, 5_000));
        assert!(said.contains("more than the file can hold"), "{said}");
    }

    #[test]
    fn interlaced_pictures_are_read_too() {
        // One pixel: the passes after the first are empty, so that the flag alone makes it interlaced.
        let mut picture = file([1, 1], ColorType::Rgb, BitDepth::Eight, &[1, 2, 3]);
        picture[28] = 1;
        let sum = checksum(&picture[12..29]);
        picture[29..33].copy_from_slice(&sum.to_be_bytes());
        let picture = decode(Cursor::new(picture)).expect("a PNG");
        assert_eq!(picture.pixels, [[1, 2, 3, 255]]);
    }

    /// The same file with a header that announces another size.
    pub(crate) fn announcing(file: &[u8], width: u32, height: u32) -> Vec<u8> {
        let mut file = file.to_vec();
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let sum = checksum(&file[12..29]);
        file[29..33].copy_from_slice(&sum.to_be_bytes());
        file
    }

    /// CRC-32 (PNG specification, annex D).
    fn checksum(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        !bytes
            .iter()
            .fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
    }
}
