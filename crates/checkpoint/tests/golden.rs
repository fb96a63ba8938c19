//! Files of every format version stay readable for ever. `examples/golden_v1.rs` made the file of version 1.

mod common;

use std::path::Path;
use taper_checkpoint::{Checkpoint, Position};

#[test]
fn version_1_is_read_exactly() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/checkpoint-v1.taper");
    let checkpoint = Checkpoint::load(&path).unwrap();
    assert!(
        checkpoint
            .architecture
            .starts_with(r#"{"class_name":"Sequential","config":{"input_shape":[2],"layers":[{"#)
    );
    let kernel = [
        0x3dcc_cccd,
        0xbe4c_cccd,
        0,
        0x8000_0000,
        0x0001_16c2,
        0x7f7f_ffff,
        0xff80_0000,
        0x7fc0_1234,
    ];
    let named = |name: &str, shape: &[usize], bits: &[u32]| {
        (name.to_owned(), shape.to_vec(), bits.to_vec())
    };
    let weights = [
        named("dense/kernel", &[2, 4], &kernel),
        named(
            "dense/bias",
            &[4],
            &[0x3f80_0000, 0x4000_0000, 0x4040_0000, 0x4080_0000],
        ),
        named("scalar", &[], &[0xc0f0_0000]),
    ];
    assert_eq!(common::bits(&checkpoint.weights), weights);
    let optimizer = checkpoint.optimizer.as_ref().unwrap();
    assert_eq!(
        (optimizer.class_name.as_str(), optimizer.iterations),
        ("Adam", 70_000)
    );
    assert_eq!(
        optimizer.config,
        r#"{"learning_rate":0.001,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-7}"#
    );
    let slots = [
        named(
            "dense/bias/momentum",
            &[4],
            &[0x3e80_0000, 0xbe80_0000, 0x3f00_0000, 0xbf00_0000],
        ),
        named(
            "dense/bias/velocity",
            &[4],
            &[0x3d80_0000, 0x3d80_0000, 0x3e80_0000, 0x3e80_0000],
        ),
    ];
    assert_eq!(common::bits(&optimizer.slots), slots);
    let position = Position {
        seed: u64::MAX,
        epoch: 3,
        batch: 251,
        progress: r#"{"samples":16064}"#.into(),
    };
    assert_eq!(checkpoint.position, Some(position));
    assert_eq!(checkpoint.history, r#"{"epochs":[]}"#);
    assert_eq!(
        checkpoint.provenance["class_names"],
        r#"["T-shirt","Hose","Pullover","Größe"]"#
    );
    assert_eq!(checkpoint.provenance["dataset"], "golden");
    assert_eq!(checkpoint.provenance.len(), 2);
    // Version 1 is still what is written, byte for byte. (A version 2 drops this line and keeps the others.)
    assert_eq!(checkpoint.to_bytes().unwrap(), std::fs::read(path).unwrap());
}
