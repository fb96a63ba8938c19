//! What is written is what is read, and saving is atomic.

mod common;

use common::{assert_same, small, tensor};
use taper_checkpoint::{Checkpoint, ErrorKind, Position};

#[test]
fn every_field_survives_to_the_bit() {
    let bytes = small().to_bytes().unwrap();
    assert_same(&Checkpoint::from_bytes(&bytes).unwrap(), &small());
}

#[test]
fn an_empty_checkpoint_is_six_bytes_of_payload() {
    // Six empty fields: architecture, weights, optimizer, position, history, provenance.
    let bytes = Checkpoint::default().to_bytes().unwrap();
    assert_eq!(bytes[32..], [0; 6]);
    assert_same(
        &Checkpoint::from_bytes(&bytes).unwrap(),
        &Checkpoint::default(),
    );
}

#[test]
fn the_layout_is_the_documented_one() {
    let mut checkpoint = Checkpoint {
        architecture: "a".repeat(300),
        ..Checkpoint::default()
    };
    checkpoint
        .weights
        .push(("w".into(), tensor(&[1, 2], &[1.0, -2.0])));
    checkpoint.position = Some(Position {
        seed: 70_000,
        epoch: 250,
        batch: 251,
        progress: String::new(),
    });
    let mut payload = vec![0xfb, 0x2c, 0x01]; // 300 in two bytes
    payload.extend([b'a'; 300]);
    payload.extend([1, 1, b'w', 0, 2, 1, 2, 8]); // one tensor: name, f32, rank 2, [1, 2], eight bytes
    payload.extend([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    payload.extend([0]); // no optimizer
    payload.extend([1, 0xfc, 0x70, 0x11, 0x01, 0x00, 250, 0xfb, 251, 0, 0]); // position
    payload.extend([0, 0]); // history, provenance
    assert_eq!(
        checkpoint.to_bytes().unwrap(),
        common::seal(1, 0, payload.len() as u64, &payload)
    );
}

#[test]
fn unusual_tensors_survive() {
    let mut checkpoint = Checkpoint::default();
    checkpoint
        .weights
        .push(("scalar".into(), tensor(&[], &[7.0])));
    checkpoint
        .weights
        .push(("empty".into(), tensor(&[0, 5], &[])));
    checkpoint.weights.push(("".into(), tensor(&[1], &[1.0])));
    let matrix = tensor(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    checkpoint
        .weights
        .push(("transposed".into(), matrix.transpose()));
    let ramp: Vec<f32> = (0..5000).map(|i| i as f32).collect();
    checkpoint
        .weights
        .push(("longer than a block".into(), tensor(&[5, 1000], &ramp)));
    let loaded = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap();
    assert_same(&loaded, &checkpoint);
    assert_eq!(
        loaded.weight("transposed").unwrap().to_vec(),
        [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    );
    assert_eq!(loaded.weight("longer than a block").unwrap().to_vec(), ramp);
    assert!(loaded.weight("missing").is_none());
}

#[test]
fn saving_replaces_the_file_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.taper");
    Checkpoint::default().save(&path).unwrap();
    small().save(&path).unwrap();
    assert_same(&Checkpoint::load(&path).unwrap(), &small());
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["model.taper"]);
}

#[cfg(unix)]
#[test]
fn a_saved_file_has_the_rights_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ordinary, saved) = (folder.path().join("ordinary"), folder.path().join("saved"));
    std::fs::write(&ordinary, "").unwrap();
    small().save(&saved).unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&saved), mode(&ordinary));
}

#[test]
fn a_failed_save_keeps_the_previous_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.taper");
    small().save(&path).unwrap();
    let mut twice = small();
    twice
        .weights
        .push(("dense/bias".into(), tensor(&[1], &[0.0])));
    let error = twice.save(&path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid { .. }), "{error}");
    assert!(error.to_string().contains("dense/bias"), "{error}");
    assert_same(&Checkpoint::load(&path).unwrap(), &small());
}

#[test]
fn a_missing_folder_or_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere").join("model.taper");
    for error in [
        small().save(&path).unwrap_err(),
        Checkpoint::load(&path).unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
        assert_eq!(error.path(), Some(path.as_path()));
        assert!(
            error.to_string().starts_with(&path.display().to_string()),
            "{error}"
        );
    }
    let error = Checkpoint::load(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
}

#[test]
fn weights_alone_can_be_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.taper");
    small().save(&path).unwrap();
    assert_same(
        &Checkpoint::load_weights(&path).unwrap(),
        &Checkpoint {
            optimizer: None,
            ..small()
        },
    );
}
