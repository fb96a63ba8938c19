//! Arrays as NumPy keeps them (`numpy.load` reads them): version 1.0 of its format, little-endian, rows first.
//!
//! A file is taken only if its length is what its header promises, to the byte.

/// Numbers of one kind.
pub(super) trait Item: Copy {
    /// NumPy's name of it.
    const DESCR: &'static str;
    fn bytes(self) -> [u8; 4];
    fn of(bytes: [u8; 4]) -> Self;
}

impl Item for f32 {
    const DESCR: &'static str = "<f4";
    fn bytes(self) -> [u8; 4] {
        self.to_le_bytes()
    }
    fn of(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl Item for i32 {
    const DESCR: &'static str = "<i4";
    fn bytes(self) -> [u8; 4] {
        self.to_le_bytes()
    }
    fn of(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// An array of this shape as a file.
pub(super) fn write<T: Item>(shape: &[usize], values: &[T]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(|axis| format!("{axis},")).collect();
    let mut header = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        T::DESCR,
        axes.join(" ")
    );
    // With magic, length and a line's end a multiple of 64, as the format asks.
    let whole = (MAGIC.len() + 2 + header.len() + 1).next_multiple_of(64);
    let padding = whole - MAGIC.len() - 2 - header.len() - 1;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut file = Vec::with_capacity(whole + 4 * values.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&(header.len() as u16).to_le_bytes());
    file.extend_from_slice(header.as_bytes());
    file.extend(values.iter().flat_map(|value| value.bytes()));
    file
}

/// The shape and the values of a file.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read<T: Item>(file: &[u8]) -> Result<(Vec<usize>, Vec<T>), String> {
    let rest = file
        .strip_prefix(MAGIC)
        .ok_or("it is no .npy file of version 1.0")?;
    let (length, rest) = rest.split_first_chunk().ok_or("it ends in its header")?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (header, values) = rest
        .split_at_checked(length)
        .ok_or("it ends in its header")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text")?;
    let of = |key: &str| {
        let (_, value) = header.split_once(&format!("'{key}':"))?;
        Some(value.trim_start())
    };
    let descr = of("descr").unwrap_or_default();
    if !descr.starts_with(&format!("'{}'", T::DESCR)) {
        return Err(format!("its values are no {}", T::DESCR));
    }
    if !of("fortran_order").unwrap_or_default().starts_with("False") {
        return Err("its rows do not stand one after the other".into());
    }
    let shape = of("shape").and_then(|value| value.strip_prefix('(')?.split_once(')'));
    let (shape, _) = shape.ok_or("it has no shape")?;
    let axes = shape
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty());
    let shape: Result<Vec<usize>, _> = axes.map(str::parse).collect();
    let shape = shape.map_err(|_| "it has no shape")?;
    let promised = shape
        .iter()
        .try_fold(4usize, |bytes, &axis| bytes.checked_mul(axis));
    if promised != Some(values.len()) {
        return Err(format!(
            "it has {} bytes of values, which is not what the shape {shape:?} takes",
            values.len()
        ));
    }
    let (values, _) = values.as_chunks();
    Ok((shape, values.iter().map(|&bytes| T::of(bytes)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_its_header_is_numpys() {
        for shape in [vec![2, 3], vec![6], vec![3, 2, 1]] {
            let values: [f32; 6] = [0.0, -1.5, f32::INFINITY, 3.0, 1e-40, 2.5];
            let file = write(&shape, &values);
            assert!(file.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', "));
            assert_eq!(file.len(), 128 + 24);
            assert_eq!(read::<f32>(&file), Ok((shape, values.to_vec())));
        }
        let none = write::<i32>(&[0, 4], &[]);
        assert_eq!(read::<i32>(&none), Ok((vec![0, 4], vec![])));
    }

    #[test]
    fn damaged_files_are_told_from_sound_ones() {
        let file = write(&[2, 2], &[1i32, 2, 3, 4]);
        for end in 0..file.len() {
            assert!(read::<i32>(&file[..end]).is_err(), "{end} bytes");
        }
        assert!(read::<i32>(&[&file[..], &[0]].concat()).is_err());
        assert!(
            read::<f32>(&file)
                .expect_err("other values")
                .contains("<f4")
        );
        let text = |from: &str, to: &str| {
            let (head, values) = file.split_at(128);
            let head = String::from_utf8_lossy(&head[10..]).replace(from, to);
            [&file[..10], head.as_bytes(), values].concat()
        };
        assert!(read::<i32>(&text("(2, 2,)", "(2, 3,)")).is_err());
        assert!(read::<i32>(&text("(2, 2,)", "(-2, 2)")).is_err());
        assert!(read::<i32>(&text("False", "True ")).is_err());
        let huge = text("(2, 2,), }               ", "(9999999999999999999,), }");
        assert_ne!(huge, file);
        assert!(read::<i32>(&huge).is_err());
    }
}
