//! Every way in which a file can be bad has its own error; none of them panics or takes memory on a bad length's word.

mod common;

use common::{seal, small};
use proptest::prelude::*;
use taper_checkpoint::{Checkpoint, ErrorKind, MAX_PAYLOAD};

fn error(bytes: &[u8]) -> taper_checkpoint::Error {
    Checkpoint::from_bytes(bytes)
        .map(|_| ())
        .expect_err("a bad file was accepted")
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = small().to_bytes().unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let error = error(&bad);
            let named = match error.kind() {
                ErrorKind::NotACheckpoint { .. } => at < 8,
                ErrorKind::Checksum { part: "header", .. } => (8..32).contains(&at),
                ErrorKind::Checksum {
                    part: "payload", ..
                } => at >= 32,
                _ => false,
            };
            assert!(named, "bit {bit} of byte {at}: {error}");
        }
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let good = small().to_bytes().unwrap();
    for at in 0..good.len() {
        for change in 1..=255 {
            let mut bad = good.clone();
            bad[at] ^= change;
            assert!(
                Checkpoint::from_bytes(&bad).is_err(),
                "byte {at} changed by {change:#04x}"
            );
        }
    }
}

#[test]
fn every_truncation_is_noticed() {
    let good = small().to_bytes().unwrap();
    for length in 0..good.len() {
        let error = error(&good[..length]);
        let wanted = if length < 32 { 32 } else { good.len() as u64 };
        match error.kind() {
            ErrorKind::Truncated { expected, found } => {
                assert_eq!((*expected, *found), (wanted, length as u64))
            }
            _ => panic!("{length} bytes: {error}"),
        }
    }
}

#[test]
fn every_truncation_of_a_file_is_noticed_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.taper");
    let good = small().to_bytes().unwrap();
    for length in (0..good.len()).step_by(7) {
        std::fs::write(&path, &good[..length]).unwrap();
        let error = Checkpoint::load(&path).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Truncated { .. }),
            "{length} bytes: {error}"
        );
        assert!(error.to_string().contains("cut.taper"), "{error}");
    }
    std::fs::write(&path, [&good[..], b"x"].concat()).unwrap();
    let error = Checkpoint::load(&path).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TrailingBytes { count: 1 }),
        "{error}"
    );
}

#[test]
fn trailing_bytes_are_noticed() {
    let mut bad = small().to_bytes().unwrap();
    bad.extend([0; 3]);
    let error = error(&bad);
    assert!(
        matches!(error.kind(), ErrorKind::TrailingBytes { count: 3 }),
        "{error}"
    );
}

#[test]
fn another_kind_of_file_is_no_checkpoint() {
    for bytes in [
        &b"\x89PNG\r\n\x1a\n"[..],
        b"<!DOCTYPE html>",
        b"\x89TAPER\n",
        b"P",
    ] {
        let error = error(bytes);
        assert!(
            matches!(error.kind(), ErrorKind::NotACheckpoint { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_newer_version_says_so() {
    let bytes = seal(2, 0, 6, &[0; 6]);
    let error = error(&bytes);
    assert!(
        matches!(
            error.kind(),
            ErrorKind::NewerVersion {
                found: 2,
                supported: 1
            }
        ),
        "{error}"
    );
}

#[test]
fn header_fields_that_no_version_writes_are_refused() {
    for bytes in [seal(0, 0, 6, &[0; 6]), seal(1, 1, 6, &[0; 6])] {
        let error = error(&bytes);
        assert!(
            matches!(error.kind(), ErrorKind::InvalidHeader { .. }),
            "{error}"
        );
    }
}

#[test]
fn an_oversized_length_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.taper");
    for length in [MAX_PAYLOAD + 1, u64::MAX] {
        let bytes = seal(1, 0, length, &[0; 6]);
        std::fs::write(&path, &bytes).unwrap();
        for error in [error(&bytes), Checkpoint::load(&path).unwrap_err()] {
            assert!(
                matches!(error.kind(), ErrorKind::TooLong { length: l, .. } if *l == length),
                "{error}"
            );
        }
    }
    // Within the limit, but more than there is.
    let bytes = seal(1, 0, MAX_PAYLOAD, &[0; 6]);
    std::fs::write(&path, &bytes).unwrap();
    for error in [error(&bytes), Checkpoint::load(&path).unwrap_err()] {
        assert!(
            matches!(error.kind(), ErrorKind::Truncated { .. }),
            "{error}"
        );
    }
}

/// 2⁶², as bincode writes it: taken at its word anywhere, it would abort the process.
const HUGE: [u8; 9] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0x40];

#[test]
fn lengths_inside_the_payload_are_not_trusted() {
    let huge = |before: &[u8], after: &[u8]| [before, &HUGE, after].concat();
    let cases = [
        ("length of the architecture", huge(&[], &[0; 40])),
        ("count of weights", huge(&[0], &[0; 40])),
        ("length of a name", huge(&[0, 1], &[0; 40])),
        ("rank", huge(&[0, 1, 1, b'w', 0], &[1; 40])),
        (
            "dimension",
            huge(&[0, 1, 1, b'w', 0, 1], &[4, 0, 0, 0, 0, 0, 0, 0, 0]),
        ),
        (
            "dimension beside a zero",
            huge(
                &[0, 1, 1, b'w', 0, 3, 0],
                &[&HUGE[..], &[0, 0, 0, 0, 0]].concat(),
            ),
        ),
        (
            "length of the data",
            huge(&[0, 1, 1, b'w', 0, 1, 1], &[0; 40]),
        ),
        ("count of slots", huge(&[0, 0, 1, 0, 0, 0], &[0; 40])),
        (
            "length of the progress",
            huge(&[0, 0, 0, 1, 0, 0, 0], &[0; 40]),
        ),
        ("length of the history", huge(&[0, 0, 0, 0], &[0; 40])),
        ("count of provenance", huge(&[0, 0, 0, 0, 0], &[0; 40])),
    ];
    for (what, payload) in cases {
        let error = error(&seal(1, 0, payload.len() as u64, &payload));
        assert!(
            matches!(error.kind(), ErrorKind::Malformed { .. }),
            "{what}: {error}"
        );
    }
}

#[test]
fn broken_rules_inside_the_payload_are_named() {
    let cases: [(&str, u64, &[u8]); 10] = [
        (
            "does not fit 6 bytes",
            14,
            &[0, 1, 1, b'w', 0, 1, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            "does not fit 4 bytes",
            12,
            &[0, 1, 1, b'w', 0, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            "two tensors are named \"w\"",
            10,
            &[0, 2, 1, b'w', 0, 1, 0, 0, 1, b'w', 0, 1, 0, 0, 0, 0],
        ),
        (
            "element type 9",
            5,
            &[0, 1, 1, b'w', 9, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        ("33 dimensions", 6, &[0, 1, 1, b'w', 0, 33, 0]),
        ("found 2", 3, &[0, 0, 2, 0, 0, 0]),
        ("not UTF-8", 2, &[1, 0xff, 0, 0, 0, 0, 0]),
        (
            "\"a\" is out of order",
            12,
            &[0, 0, 0, 0, 0, 2, 1, b'b', 0, 1, b'a', 0],
        ),
        ("2 bytes follow the last field", 6, &[0; 8]),
        ("content ends here", 5, &[0; 5]),
    ];
    for (message, at, payload) in cases {
        let error = error(&seal(1, 0, payload.len() as u64, payload));
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert!(
            matches!(error.kind(), ErrorKind::Malformed { offset, .. } if *offset == 32 + at),
            "{message}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Checkpoint::from_bytes(&bytes).is_err());
    }

    /// With a right header and checksum, so that the decoder itself meets them. What it accepts, it writes back.
    #[test]
    fn random_payloads_never_panic(payload in prop::collection::vec(prop_oneof![3 => 0u8..4, 1 => any::<u8>()], 0..200)) {
        if let Ok(checkpoint) = Checkpoint::from_bytes(&seal(1, 0, payload.len() as u64, &payload)) {
            let again = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap();
            common::assert_same(&again, &checkpoint);
        }
    }

    /// Payloads that are right but for a few bytes.
    #[test]
    fn changed_payloads_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut payload = small().to_bytes().unwrap().split_off(32);
        for (at, value) in changes {
            let at = at.index(payload.len());
            payload[at] = value;
        }
        if let Ok(checkpoint) = Checkpoint::from_bytes(&seal(1, 0, payload.len() as u64, &payload)) {
            let again = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap();
            common::assert_same(&again, &checkpoint);
        }
    }
}

/// Files are decoded block by block while they are hashed; bytes in memory are hashed first. Nobody must notice.
#[test]
fn a_file_is_judged_as_its_bytes_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judged.taper");
    let judge = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let wanted = error(bytes);
        for found in [Checkpoint::load(&path), Checkpoint::load_weights(&path)] {
            let found = found.unwrap_err();
            assert_eq!(
                format!("{:?}", found.kind()),
                format!("{:?}", wanted.kind())
            );
        }
    };
    let good = small().to_bytes().unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 4;
        judge(&bad);
    }
    // Whole files whose content ends early.
    let payload = &good[32..];
    for at in 0..payload.len() {
        judge(&seal(1, 0, at as u64, &payload[..at]));
    }
    // Several blocks of weights and moments, damaged in each place.
    let mut large = small();
    let values = (0..100_000).map(|v| v as f32).collect();
    let tensor = taper_tensor::Tensor::from_vec([100_000], values).unwrap();
    large.weights.push(("large".into(), tensor.clone()));
    let optimizer = large.optimizer.as_mut().expect("it has one");
    optimizer.slots.push(("large/momentum".into(), tensor));
    let good = large.to_bytes().unwrap();
    std::fs::write(&path, &good).unwrap();
    common::assert_same(&Checkpoint::load(&path).unwrap(), &large);
    large.optimizer = None;
    common::assert_same(&Checkpoint::load_weights(&path).unwrap(), &large);
    for at in (0..good.len()).step_by(50_021) {
        let mut bad = good.clone();
        bad[at] ^= 4;
        judge(&bad);
        judge(&good[..at]);
    }
}

/// Ten bytes of a file can say "here is a tensor", which takes a hundred times as many in memory.
#[test]
fn more_tensors_than_there_is_room_for_are_refused() {
    let many = |count: usize, values: usize| {
        let tensor = common::tensor(&[values], &vec![0.5; values]);
        Checkpoint {
            weights: (0..count)
                .map(|i| (i.to_string(), tensor.clone()))
                .collect(),
            ..Checkpoint::default()
        }
    };
    let small_ones = many(15_000, 0).to_bytes().expect("few enough");
    assert!(Checkpoint::from_bytes(&small_ones).is_ok());
    let large_ones = many(30_000, 64).to_bytes().expect("large enough");
    assert!(Checkpoint::from_bytes(&large_ones).is_ok());
    let refused = many(30_000, 0).to_bytes().expect_err("too many");
    assert!(refused.to_string().contains("30000 tensors"), "{refused}");
    // A file of another maker: no architecture, 30,000 tensors of shape [0].
    let mut payload = vec![0, 0xfb];
    payload.extend(30_000u16.to_le_bytes());
    for i in 0..30_000 {
        let name = i.to_string();
        payload.push(name.len() as u8);
        payload.extend(name.as_bytes());
        payload.extend([0, 1, 0, 0]);
    }
    payload.extend([0; 4]);
    let error = error(&seal(1, 0, payload.len() as u64, &payload));
    assert!(error.to_string().contains("has room for"), "{error}");
}
