//! A small checkpoint that uses every field, and comparison down to the bit.
#![allow(dead_code)] // each test file uses its own part

use std::collections::BTreeMap;
use taper_checkpoint::{Checkpoint, OptimizerState, Position};
use taper_tensor::Tensor;

pub(crate) fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_slice(shape, values).unwrap()
}

pub(crate) fn small() -> Checkpoint {
    Checkpoint {
        architecture: r#"{"class_name":"Sequential"}"#.into(),
        weights: vec![
            (
                "dense/kernel".into(),
                tensor(
                    &[2, 3],
                    &[
                        0.5,
                        -0.0,
                        1e-40,
                        f32::MAX,
                        f32::NEG_INFINITY,
                        f32::from_bits(0x7fc0_1234),
                    ],
                ),
            ),
            ("dense/bias".into(), tensor(&[3], &[1.0, 2.0, 3.0])),
        ],
        optimizer: Some(OptimizerState {
            class_name: "Adam".into(),
            config: r#"{"learning_rate":0.001}"#.into(),
            iterations: 1 << 40,
            slots: vec![("dense/bias/momentum".into(), tensor(&[3], &[0.1, 0.2, 0.3]))],
        }),
        position: Some(Position {
            seed: u64::MAX,
            epoch: 3,
            batch: 251,
            progress: r#"{"samples":64}"#.into(),
        }),
        history: r#"{"epochs":[]}"#.into(),
        provenance: BTreeMap::from([
            ("dataset".into(), "mnist".into()),
            ("größe".into(), "28 × 28".into()),
        ]),
    }
}

/// Names, shapes and bit patterns.
pub(crate) fn bits(tensors: &[(String, Tensor)]) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let one = |(n, t): &(String, Tensor)| {
        (
            n.clone(),
            t.shape().to_vec(),
            t.to_vec().iter().map(|v| v.to_bits()).collect(),
        )
    };
    tensors.iter().map(one).collect()
}

pub(crate) fn assert_same(a: &Checkpoint, b: &Checkpoint) {
    assert_eq!(a.architecture, b.architecture);
    assert_eq!(bits(&a.weights), bits(&b.weights));
    let optimizer = |c: &Checkpoint| {
        c.optimizer.as_ref().map(|o| {
            (
                o.class_name.clone(),
                o.config.clone(),
                o.iterations,
                bits(&o.slots),
            )
        })
    };
    assert_eq!(optimizer(a), optimizer(b));
    assert_eq!(a.position, b.position);
    assert_eq!(a.history, b.history);
    assert_eq!(a.provenance, b.provenance);
}

/// A file around any payload, written from the documentation alone.
pub(crate) fn seal(version: u32, reserved: u32, length: u64, payload: &[u8]) -> Vec<u8> {
    let mut file = b"\x89TAPER\r\n".to_vec();
    file.extend(version.to_le_bytes());
    file.extend(reserved.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(crc32fast::hash(payload).to_le_bytes());
    file.extend(crc32fast::hash(&file).to_le_bytes());
    file.extend(payload);
    file
}
