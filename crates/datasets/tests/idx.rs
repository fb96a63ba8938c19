//! The IDX reader on what it must read, and on everything else.

mod common;

use common::{gzip, idx_bytes};
use proptest::prelude::*;
use taper_datasets::Error;
use taper_datasets::idx::{self, ElementType, Header, Idx, IdxElement};

/// Writes, reads back plain and gzip, from memory and from disk.
fn round_trip<T: IdxElement + PartialEq + std::fmt::Debug>(
    shape: &[usize],
    values: &[T],
) -> Result<(), TestCaseError> {
    let mut bytes = Vec::new();
    idx::write(&mut bytes, shape, values).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (plain, packed) = (folder.path().join("plain"), folder.path().join("packed.gz"));
    idx::save(&plain, shape, values).unwrap();
    prop_assert_eq!(&std::fs::read(&plain).unwrap(), &bytes);
    std::fs::write(&packed, gzip(&bytes)).unwrap();
    let files = [
        Idx::open(&plain).unwrap(),
        Idx::open(&packed).unwrap(),
        Idx::from_bytes(bytes.clone()).unwrap(),
        Idx::from_bytes(gzip(&bytes)).unwrap(),
    ];
    prop_assert!(files[0].is_on_disk() && !files[1].is_on_disk());
    for file in files {
        prop_assert_eq!(file.shape(), shape);
        prop_assert_eq!(file.element_type(), T::TYPE);
        prop_assert_eq!(file.values::<T>().unwrap(), values);
        prop_assert_eq!(file.to_f32().unwrap().len(), values.len());
        prop_assert_eq!(
            file.sha256().unwrap(),
            taper_datasets::sha256::Sha256::digest(&bytes)
        );
        let all = file.bytes().unwrap();
        let mut half = vec![0; all.len() / 2];
        let start = all.len() - half.len();
        file.read(start, &mut half).unwrap();
        prop_assert_eq!(&half, &all[start..]);
        prop_assert!(file.read(start + 1, &mut vec![0; half.len() + 1]).is_err());
    }
    Ok(())
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..4, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_type_and_rank_survives(shape in shapes(), seed in any::<u64>()) {
        let count = shape.iter().product::<usize>() as u64;
        let bits = |i: u64| seed.wrapping_add(i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        round_trip::<u8>(&shape, &(0..count).map(|i| bits(i) as u8).collect::<Vec<_>>())?;
        round_trip::<i8>(&shape, &(0..count).map(|i| bits(i) as i8).collect::<Vec<_>>())?;
        round_trip::<i16>(&shape, &(0..count).map(|i| bits(i) as i16).collect::<Vec<_>>())?;
        round_trip::<i32>(&shape, &(0..count).map(|i| bits(i) as i32).collect::<Vec<_>>())?;
        round_trip::<f32>(&shape, &(0..count).map(|i| bits(i) as i32 as f32).collect::<Vec<_>>())?;
        round_trip::<f64>(&shape, &(0..count).map(|i| bits(i) as i64 as f64).collect::<Vec<_>>())?;
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), start in 0usize..4) {
        // Half of them begin as an IDX or gzip file does, to get past the magic numbers.
        let mut bytes = bytes;
        let prefix: &[u8] = [&[][..], &[0, 0, 8], &[0, 0, 0x0D, 2], &[0x1f, 0x8b, 8, 0]][start];
        bytes.splice(0..prefix.len().min(bytes.len()), prefix.iter().copied());
        if let Ok(file) = Idx::from_bytes(bytes) {
            prop_assert_eq!(file.bytes().unwrap().len(), file.header().data_len());
        }
    }

    #[test]
    fn a_cut_or_lengthened_file_is_an_error(cut in 1usize..40, extra in 1usize..9, packed in any::<bool>()) {
        let plain = idx_bytes(&[3, 4], &[7; 12]);
        let whole = if packed { gzip(&plain) } else { plain };
        let cut = cut.min(whole.len());
        let shorter = Idx::from_bytes(whole[..whole.len() - cut].to_vec());
        prop_assert!(matches!(shorter, Err(Error::Format { .. })), "{shorter:?}");
        let mut longer = whole;
        longer.extend(vec![0xAA; extra]);
        let longer = Idx::from_bytes(longer);
        prop_assert!(matches!(longer, Err(Error::Format { .. })), "{longer:?}");
    }

    #[test]
    fn a_flipped_bit_in_gzip_is_noticed(at in 10usize..200, bit in 0u8..8) {
        // From byte 10 on: deflated data and the trailer. (The header holds a time stamp and the system's name.)
        let plain = idx_bytes(&[10, 10], &(0..100).map(|i| (i * i % 251) as u8).collect::<Vec<_>>());
        let mut packed = gzip(&plain);
        let at = 10 + at % (packed.len() - 10);
        packed[at] ^= 1 << bit;
        // Deflate's last byte may have unused bits; whatever is accepted must be the right content.
        if let Ok(file) = Idx::from_bytes(packed) {
            prop_assert_eq!(&*file.bytes().unwrap(), &plain[12..]);
        }
    }
}

/// The fields of the format error that these bytes give.
fn format_error(bytes: &[u8]) -> (u64, String, String) {
    match Idx::from_bytes(bytes.to_vec()) {
        Err(Error::Format {
            offset,
            expected,
            found,
            ..
        }) => (offset, expected, found),
        other => panic!("expected a format error, got {other:?}"),
    }
}

#[test]
fn errors_say_where_and_what() {
    let (offset, expected, found) = format_error(b"\x00\x01\x08\x01");
    assert_eq!((offset, found.as_str()), (0, "0x00 0x01"));
    assert!(expected.contains("two zero bytes"));

    let (offset, expected, found) = format_error(&[0, 0, 0x0A, 1, 0, 0, 0, 0]);
    assert_eq!((offset, found.as_str()), (2, "0x0a"));
    assert!(expected.contains("0x0e f64"));

    let (offset, _, found) = format_error(&[0, 0, 8, 2, 0, 0, 0, 5, 0, 0]);
    assert_eq!((offset, found.as_str()), (10, "the end of the file"));

    let (offset, expected, found) = format_error(&[0, 0, 8, 1, 0, 0, 0, 5, 1, 2]);
    assert_eq!((offset, found.as_str()), (10, "10 bytes"));
    assert!(expected.contains("13 bytes"), "{expected}");

    let missing = Idx::open("/nowhere/to/be/found").unwrap_err().to_string();
    assert!(
        missing.contains("/nowhere/to/be/found") && missing.contains("cannot open"),
        "{missing}"
    );
}

#[test]
fn dimensions_that_overflow_are_refused_before_anything_is_allocated() {
    let huge = [0, 0, 0x0E, 3]
        .into_iter()
        .chain([0xFF; 12])
        .collect::<Vec<u8>>();
    assert!(format_error(&huge).1.contains("address space"));
    // A zero dimension does not hide the overflow of the others.
    let hidden = [0, 0, 0x0E, 4]
        .into_iter()
        .chain([0xFF; 12])
        .chain([0; 4])
        .collect::<Vec<u8>>();
    assert!(format_error(&hidden).1.contains("address space"));
    assert!(Header::new(ElementType::F64, &[usize::MAX]).is_err());
    assert!(Header::new(ElementType::U8, &[1; 256]).is_err());
}

#[test]
fn a_gzip_file_that_claims_more_than_it_can_hold_is_refused() {
    let liar = gzip(&[0, 0, 8, 2, 0x40, 0, 0, 0, 0, 0, 0, 4]);
    let (_, expected, found) = format_error(&liar);
    assert!(expected.contains("gzip bytes can hold"), "{expected}");
    assert!(found.contains("[1073741824, 4]"), "{found}");
}

#[test]
fn gzip_members_may_follow_each_other_but_nothing_else_may() {
    let plain = idx_bytes(&[4], &[1, 2, 3, 4]);
    let mut two = gzip(&plain[..9]);
    two.extend(gzip(&plain[9..]));
    let both = Idx::from_bytes(two.clone()).unwrap();
    assert_eq!(*both.bytes().unwrap(), [1, 2, 3, 4]);
    two.push(0);
    let (_, expected, _) = format_error(&two);
    assert!(expected.contains("end of the gzip data"), "{expected}");
}

#[test]
fn values_must_fill_the_shape() {
    let error = idx::write(&mut Vec::new(), &[2, 2], &[1u8, 2, 3])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("3 values") && error.contains("[2, 2]"),
        "{error}"
    );
}

#[test]
fn gzip_that_expands_beyond_what_is_kept_in_memory_is_refused_with_the_way_out() {
    // 300 MB of zeros in 300 kB.
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let dimensions = [300u32, 1_000_000].map(u32::to_be_bytes).concat();
        let header = [&[0, 0, 8, 2], dimensions.as_slice()].concat();
        std::io::Write::write_all(&mut encoder, &header).unwrap();
        for _ in 0..300 {
            std::io::Write::write_all(&mut encoder, &[0; 1_000_000]).unwrap();
        }
        encoder.finish().unwrap()
    };
    assert!(bomb.len() < 400_000);
    let error = Idx::from_bytes(bomb).unwrap_err().to_string();
    assert!(error.contains("unpack it by hand"), "{error}");
}

#[test]
fn a_file_that_is_shortened_while_it_is_open_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shrinking");
    idx::save(&path, &[100_000], &vec![7u8; 100_000]).unwrap();
    let open = Idx::open(&path).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(1000).unwrap();
    open.read(0, &mut [0; 900]).unwrap();
    for error in [
        open.read(95_000, &mut [0; 10]).unwrap_err(),
        open.bytes().unwrap_err(),
        open.values::<u8>().unwrap_err(),
        open.sha256().unwrap_err(),
    ] {
        let said = error.to_string();
        assert!(
            said.contains("shrinking") && said.contains("shortened"),
            "{said}"
        );
    }
}
