//! Makes `fixtures/golden/checkpoint-v1.taper`, which every later version of Taper must read.
//!
//! Run once, when format version 1 was new; `tests/golden.rs` reads the result and holds these values again:
//! `cargo run -p taper-checkpoint --example golden_v1 -- fixtures/golden/checkpoint-v1.taper`

use std::collections::BTreeMap;
use taper_checkpoint::{Checkpoint, OptimizerState, Position};
use taper_tensor::Tensor;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("say where the file goes")?;
    let kernel = [
        0.1,
        -0.2,
        0.0,
        -0.0,
        1e-40,
        f32::MAX,
        f32::NEG_INFINITY,
        f32::from_bits(0x7fc0_1234),
    ];
    let layers = r#"{"class_name":"Dense","config":{"units":4,"activation":"softmax"}}"#;
    let checkpoint = Checkpoint {
        architecture: format!(
            r#"{{"class_name":"Sequential","config":{{"input_shape":[2],"layers":[{layers}]}}}}"#
        ),
        weights: vec![
            ("dense/kernel".into(), Tensor::from_slice([2, 4], &kernel)?),
            (
                "dense/bias".into(),
                Tensor::from_slice([4], &[1.0, 2.0, 3.0, 4.0])?,
            ),
            ("scalar".into(), Tensor::scalar(-7.5)),
        ],
        optimizer: Some(OptimizerState {
            class_name: "Adam".into(),
            config: r#"{"learning_rate":0.001,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-7}"#.into(),
            iterations: 70_000,
            slots: vec![
                (
                    "dense/bias/momentum".into(),
                    Tensor::from_slice([4], &[0.25, -0.25, 0.5, -0.5])?,
                ),
                (
                    "dense/bias/velocity".into(),
                    Tensor::from_slice([4], &[0.0625, 0.0625, 0.25, 0.25])?,
                ),
            ],
        }),
        position: Some(Position {
            seed: u64::MAX,
            epoch: 3,
            batch: 251,
            progress: r#"{"samples":16064}"#.into(),
        }),
        history: r#"{"epochs":[]}"#.into(),
        provenance: BTreeMap::from([
            (
                "class_names".into(),
                r#"["T-shirt","Hose","Pullover","Größe"]"#.into(),
            ),
            ("dataset".into(), "golden".into()),
        ]),
    };
    checkpoint.save(path)?;
    Ok(())
}
