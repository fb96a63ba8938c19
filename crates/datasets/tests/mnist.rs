//! The real MNIST that comes with the project.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use taper_datasets::catalog::{find, open_at};
use taper_datasets::{Batches, Dataset, Location, Splits, Subset, Trust, Verdict, verify};
use taper_tensor::Seed;
use tempfile::TempDir;

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/mnist")
}

/// Unpacked once for all tests of this file.
fn mnist() -> &'static Splits {
    static MNIST: OnceLock<(TempDir, Splits)> = OnceLock::new();
    let open = || {
        let dir = tempfile::tempdir().unwrap();
        let location = Location {
            dir: dir.path().into(),
            bundled: Some(bundled()),
        };
        let splits = open_at(find("mnist").unwrap(), &location).unwrap();
        (dir, splits)
    };
    &MNIST.get_or_init(open).1
}

#[test]
fn it_is_the_published_data() {
    for file in mnist().files() {
        assert!(
            matches!(
                file.verdict,
                Verdict::Sound {
                    trust: Trust::Published,
                    ..
                }
            ),
            "{file:?}"
        );
        assert_eq!(file.bytes, Some(file.raw_bytes));
    }
    // The compressed files themselves, without unpacking them anywhere.
    let empty = tempfile::tempdir().unwrap();
    let location = Location {
        dir: empty.path().into(),
        bundled: Some(bundled()),
    };
    let verdicts = verify(find("mnist").unwrap(), &location);
    assert!(verdicts.iter().all(|file| matches!(
        file.verdict,
        Verdict::Sound {
            trust: Trust::Published,
            ..
        }
    )));
    assert_eq!(
        std::fs::read_dir(empty.path()).unwrap().count(),
        0,
        "verify writes nothing"
    );
}

#[test]
fn images_and_labels_are_where_they_should_be() {
    let (train, test) = (mnist().train(), mnist().test());
    assert_eq!((train.len(), test.len()), (60_000, 10_000));
    assert_eq!(
        (train.input_shape(), train.target_shape()),
        ([28, 28, 1].as_slice(), [10].as_slice())
    );
    assert_eq!((train.label(0), test.label(0)), (Some(5), Some(7)));
    assert_eq!(train.class_names()[9], "9");
    assert!(train.is_on_disk());
    // Of `sha256sum train-images-idx3-ubyte train-labels-idx1-ubyte | sha256sum`.
    assert_eq!(train.digest().unwrap(), TRAIN_DIGEST);
    let counts = (0..test.len()).fold([0; 10], |mut counts, index| {
        counts[test.class(index)] += 1;
        counts
    });
    assert_eq!(
        counts,
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
}

const TRAIN_DIGEST: &str = "c0e8b553748373b6d9e1340baadf9f79d3cf348bc5a4f9210a2309b6ae6f775d";

#[test]
fn mean_pixel() {
    let (mut exact, mut total) = (0u64, 0.0f64);
    let mut image = vec![0.0f32; 784];
    for index in 0..10_000 {
        let pixels = mnist().test().image_u8(index).unwrap();
        exact += pixels.iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
        mnist().test().read_input(index.into(), &mut image).unwrap();
        total += image.iter().map(|&pixel| f64::from(pixel)).sum::<f64>();
    }
    assert_eq!(exact, 264_923_200);
    let mean = total / 7_840_000.0;
    assert!((mean - 0.132_514_605_842_336_93).abs() <= 1e-8, "{mean}");
}

#[test]
fn a_shuffled_epoch_visits_every_sample_with_its_label() {
    let data = Subset::first(mnist().train(), 1_000);
    assert_eq!(data.name(), "mnist/train[0..1000]");
    let mut seen = vec![false; 1_000];
    let end = Batches::new(&data, 64)
        .shuffled(Seed(7), 3)
        .for_each(|batch| {
            let targets = batch.target().as_slice().unwrap();
            for (row, &index) in batch.indices.iter().enumerate() {
                assert!(!std::mem::replace(&mut seen[index as usize], true));
                assert_eq!(targets[row * 10 + data.label(index as usize).unwrap()], 1.0);
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
    assert!(end.unwrap().is_continue());
    assert!(seen.iter().all(|&visited| visited));
}
