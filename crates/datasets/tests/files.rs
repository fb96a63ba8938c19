//! Finding, unpacking and verifying the files of a data set, with a tiny one in the place of MNIST.

mod common;

use common::{Known, Tiny, gzip, idx_bytes, zip};
use std::fs;
use std::path::Path;
use taper_datasets::catalog::{Entry, open_at};
use taper_datasets::{Dataset, Error, Form, Location, Trust, Verdict, info, verify};
use tempfile::TempDir;

fn place(dir: &Path, files: &[(String, Vec<u8>)]) {
    fs::create_dir_all(dir).unwrap();
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
}

fn raw_files(tiny: &Tiny) -> Vec<(String, Vec<u8>)> {
    tiny.raw
        .iter()
        .map(|(name, bytes)| (name.to_string(), bytes.clone()))
        .collect()
}

fn at(dir: &TempDir) -> Location {
    Location {
        dir: dir.path().into(),
        bundled: None,
    }
}

fn trusts(entry: &Entry, location: &Location) -> Vec<Trust> {
    let splits = open_at(entry, location).unwrap();
    let trust = |verdict: &Verdict| match verdict {
        Verdict::Sound { trust, .. } => *trust,
        other => panic!("{other:?}"),
    };
    splits
        .files()
        .iter()
        .map(|file| trust(&file.verdict))
        .collect()
}

#[test]
fn bundled_files_are_unpacked_and_verified() {
    let (dir, bundled) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tiny = Tiny::new(Known::Raw);
    place(bundled.path(), &tiny.packed());
    let location = Location {
        dir: dir.path().join("data/tiny"),
        bundled: Some(bundled.path().into()),
    };
    let splits = open_at(&tiny.entry, &location).unwrap();
    assert!(splits.train().is_on_disk());
    assert_eq!((splits.train().len(), splits.test().len()), (600, 40));
    assert_eq!(splits.test().name(), "tiny/test");
    for (name, raw) in &tiny.raw {
        assert_eq!(&fs::read(location.dir.join(name)).unwrap(), raw);
    }
    let pixels = &tiny.raw[0].1[16..];
    assert_eq!(splits.train().image_u8(3).unwrap(), pixels[48..64]);
    let mut input = [0.0; 16];
    splits.train().read_input(3.into(), &mut input).unwrap();
    assert_eq!(input[5], f32::from(pixels[53]) / 255.0);
    // Without the bundle the unpacked files serve.
    fs::remove_dir_all(bundled.path()).unwrap();
    assert_eq!(trusts(&tiny.entry, &location), [Trust::Published; 4]);
}

#[test]
fn what_a_user_has_is_accepted_in_any_form() {
    let tiny = Tiny::new(Known::Raw);
    let dotted: Vec<_> = raw_files(&tiny)
        .into_iter()
        .map(|(name, raw)| (name.replace("-idx", ".idx"), raw))
        .collect();
    // Names that say something else than the content does.
    let named_raw: Vec<_> = tiny
        .packed()
        .into_iter()
        .map(|(name, gzip)| (name.replace(".gz", ""), gzip))
        .collect();
    let named_gzip: Vec<_> = raw_files(&tiny)
        .into_iter()
        .map(|(name, raw)| (name + ".gz", raw))
        .collect();
    // As others pack: at another level, with a name and a time.
    let packed_anew: Vec<_> = raw_files(&tiny)
        .into_iter()
        .map(|(name, raw)| (name + ".gz", packed_with_name(&raw, "another name")))
        .collect();
    for files in [
        raw_files(&tiny),
        tiny.packed(),
        dotted,
        named_raw,
        named_gzip,
        packed_anew,
    ] {
        let dir = tempfile::tempdir().unwrap();
        place(dir.path(), &files);
        assert_eq!(trusts(&tiny.entry, &at(&dir)), [Trust::Published; 4]);
        let below = tempfile::tempdir().unwrap();
        place(&below.path().join("tiny"), &files);
        assert_eq!(trusts(&tiny.entry, &at(&below)), [Trust::Published; 4]);
    }
    let archive = zip(&tiny.packed());
    let tiny = tiny.with_archive(&archive);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("gzip.zip"), &archive).unwrap();
    assert!(
        info(&tiny.entry, &at(&dir))
            .iter()
            .all(|file| file.found.as_ref().unwrap().1 == Form::Archive)
    );
    assert_eq!(trusts(&tiny.entry, &at(&dir)), [Trust::Published; 4]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_read_into_memory() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    place(dir.path(), &tiny.packed());
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let privileged = fs::write(dir.path().join("probe"), b"").is_ok();
    let splits = open_at(&tiny.entry, &at(&dir));
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let splits = splits.unwrap();
    assert_eq!(splits.train().len(), 600);
    // A privileged user writes anywhere; then the files were unpacked.
    assert_eq!(splits.train().is_on_disk(), privileged);

    // The same, whoever runs the test: a file where the folder should be.
    let (bundled, blocked) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    place(bundled.path(), &tiny.packed());
    fs::write(blocked.path().join("file"), b"").unwrap();
    let location = Location {
        dir: blocked.path().join("file/tiny"),
        bundled: Some(bundled.path().into()),
    };
    let splits = open_at(&tiny.entry, &location).unwrap();
    assert!(!splits.train().is_on_disk());
    assert_eq!(
        splits.test().image_u8(39).unwrap(),
        tiny.raw[2].1[16 + 39 * 16..]
    );
}

#[test]
fn missing_files_are_all_named_with_the_folders_and_what_to_do() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    place(dir.path(), &raw_files(&tiny)[..1]);
    let error = open_at(&tiny.entry, &at(&dir)).unwrap_err();
    let Error::Missing {
        files, searched, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(
        files,
        &[
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte"
        ]
    );
    assert_eq!(searched[0], dir.path());
    assert!(error.to_string().contains("--data-dir"), "{error}");
}

#[test]
fn a_damaged_file_is_named_and_nothing_is_put_in_place() {
    let tiny = Tiny::new(Known::Raw);
    let mut other = tiny.raw[0].1.clone();
    other[100] ^= 1;
    let dir = tempfile::tempdir().unwrap();
    place(dir.path(), &tiny.packed());
    fs::write(dir.path().join("train-images-idx3-ubyte.gz"), gzip(&other)).unwrap();
    let error = open_at(&tiny.entry, &at(&dir)).unwrap_err();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
    assert!(
        error.to_string().contains("train-images-idx3-ubyte.gz"),
        "{error}"
    );
    assert!(!dir.path().join("train-images-idx3-ubyte").exists());

    fs::write(dir.path().join("train-images-idx3-ubyte"), &other).unwrap();
    assert!(matches!(
        open_at(&tiny.entry, &at(&dir)).unwrap_err(),
        Error::Digest { .. }
    ));
    let verdicts = verify(&tiny.entry, &at(&dir));
    assert!(
        matches!(&verdicts[0].verdict, Verdict::Bad(why) if why.contains("SHA-256")),
        "{verdicts:?}"
    );
    assert!(matches!(
        verdicts[1].verdict,
        Verdict::Sound {
            trust: Trust::Published,
            ..
        }
    ));

    let wrong_shape = idx_bytes(&[599, 4, 4], &vec![0; 599 * 16]);
    fs::write(dir.path().join("train-images-idx3-ubyte"), wrong_shape).unwrap();
    let error = open_at(&tiny.entry, &at(&dir)).unwrap_err().to_string();
    assert!(
        error.contains("[600, 4, 4]") && error.contains("[599, 4, 4]"),
        "{error}"
    );
}

#[test]
fn verification_is_not_repeated_until_the_file_changes() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    place(dir.path(), &raw_files(&tiny));
    open_at(&tiny.entry, &at(&dir)).unwrap();
    // Damage that keeps length and time of modification shows that the second start trusts the stamp…
    let path = dir.path().join("t10k-images-idx3-ubyte");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut damaged = tiny.raw[2].1.clone();
    damaged[40] ^= 1;
    fs::write(&path, &damaged).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    open_at(&tiny.entry, &at(&dir)).unwrap();
    // …which `verify` does not…
    assert!(matches!(
        verify(&tiny.entry, &at(&dir))[2].verdict,
        Verdict::Bad(_)
    ));
    // …and which ends with any change of either.
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    assert!(matches!(
        open_at(&tiny.entry, &at(&dir)),
        Err(Error::Digest { .. })
    ));
}

#[test]
fn an_unknown_digest_is_recorded_at_first_use_and_held_to() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Nothing));
    place(dir.path(), &raw_files(&tiny));
    assert_eq!(trusts(&tiny.entry, &at(&dir)), [Trust::FirstUse; 4]);
    assert_eq!(trusts(&tiny.entry, &at(&dir)), [Trust::Recorded; 4]);
    let recorded = fs::read_to_string(dir.path().join("taper.sha256")).unwrap();
    assert_eq!(recorded.lines().count(), 4);
    let mut other = tiny.raw[1].1.clone();
    other[20] = (other[20] + 1) % 3;
    fs::write(dir.path().join("train-labels-idx1-ubyte"), other).unwrap();
    let error = open_at(&tiny.entry, &at(&dir)).unwrap_err().to_string();
    assert!(
        error.contains("recorded at first use") && error.contains("taper.sha256"),
        "{error}"
    );
}

#[test]
fn a_published_gzip_digest_vouches_for_the_raw_file() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Gzip));
    place(dir.path(), &tiny.packed());
    assert_eq!(trusts(&tiny.entry, &at(&dir)), [Trust::Published; 4]);
    assert_eq!(trusts(&tiny.entry, &at(&dir)), [Trust::Recorded; 4]);
    // Packed by somebody else it may be the same: it counts as what nobody has published.
    let other = tempfile::tempdir().unwrap();
    place(other.path(), &tiny.packed());
    let mut images = tiny.raw[0].1.clone();
    images[100] ^= 1;
    fs::write(
        other.path().join("train-images-idx3-ubyte.gz"),
        gzip(&images),
    )
    .unwrap();
    let mut expected = [Trust::Published; 4];
    expected[0] = Trust::FirstUse;
    assert_eq!(trusts(&tiny.entry, &at(&other)), expected);
}

#[test]
fn transposed_images_are_turned_and_labels_shifted() {
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = Tiny::new(Known::Nothing);
    tiny.entry.transposed = true;
    tiny.entry.first_label = 1;
    let labels = |n: usize| idx_bytes(&[n], &(0..n).map(|i| 1 + (i % 3) as u8).collect::<Vec<_>>());
    tiny.raw[1].1 = labels(600);
    tiny.raw[3].1 = labels(40);
    place(dir.path(), &raw_files(&tiny));
    let splits = open_at(&tiny.entry, &at(&dir)).unwrap();
    let stored = &tiny.raw[0].1[16..32];
    let upright = splits.train().image_u8(0).unwrap();
    let mut input = [0.0; 16];
    splits.train().read_input(0.into(), &mut input).unwrap();
    for (y, x) in (0..4).flat_map(|y| (0..4).map(move |x| (y, x))) {
        assert_eq!(upright[y * 4 + x], stored[x * 4 + y]);
        assert_eq!(input[y * 4 + x], f32::from(stored[x * 4 + y]) / 255.0);
    }
    assert_eq!([0, 1, 2].map(|i| splits.train().class(i)), [0, 1, 2]);
    let mut target = [9.0; 3];
    splits.train().read_target(2.into(), &mut target).unwrap();
    assert_eq!(target, [0.0, 0.0, 1.0]);
}

#[test]
fn a_label_beyond_the_classes_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = Tiny::new(Known::Nothing);
    tiny.raw[3].1[8 + 17] = 3;
    place(dir.path(), &raw_files(&tiny));
    let error = open_at(&tiny.entry, &at(&dir)).unwrap_err().to_string();
    assert!(
        error.contains("label 3 of sample 17") && error.contains("t10k-labels"),
        "{error}"
    );
}

/// Gzip at another level than [`gzip`], with a name in its header.
fn packed_with_name(bytes: &[u8], name: &str) -> Vec<u8> {
    use std::io::Write;
    let builder = flate2::GzBuilder::new().filename(name).mtime(1);
    let mut encoder = builder.write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_files_without_their_suffix_are_left_as_they_are() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    let placed: Vec<_> = tiny
        .packed()
        .into_iter()
        .map(|(name, gzip)| (name.replace(".gz", ""), gzip))
        .collect();
    place(dir.path(), &placed);
    for _ in 0..2 {
        let splits = open_at(&tiny.entry, &at(&dir)).unwrap();
        assert!(splits.train().is_on_disk());
        for (name, gzip) in &placed {
            assert_eq!(&fs::read(dir.path().join(name)).unwrap(), gzip);
        }
    }
    // With both names taken there is still the memory.
    for (name, gzip) in &placed {
        fs::write(dir.path().join(name.replace("-idx", ".idx")), gzip).unwrap();
    }
    let splits = open_at(&tiny.entry, &at(&dir)).unwrap();
    assert!(!splits.train().is_on_disk());
}

#[test]
fn what_a_package_of_the_system_has_placed_is_found_last() {
    let (dir, package) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut tiny = Tiny::new(Known::Raw);
    let folder: &'static str = package.path().to_str().unwrap().to_string().leak();
    tiny.entry.system = Box::leak(Box::new([folder]));
    let error = open_at(&tiny.entry, &at(&dir)).unwrap_err().to_string();
    assert!(error.contains(folder), "{error}");
    let packed: Vec<_> = raw_files(&tiny)
        .into_iter()
        .map(|(name, raw)| (name + ".gz", packed_with_name(&raw, "")))
        .collect();
    place(package.path(), &packed);
    assert_eq!(trusts(&tiny.entry, &at(&dir)), [Trust::Published; 4]);
    assert!(dir.path().join("train-images-idx3-ubyte").is_file());
    assert_eq!(fs::read_dir(package.path()).unwrap().count(), 4);
}

#[test]
fn many_may_unpack_into_one_folder_and_what_the_dead_left_goes() {
    let (dir, bundled) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tiny = Tiny::new(Known::Raw);
    place(bundled.path(), &tiny.packed());
    let location = Location {
        dir: dir.path().join("data"),
        bundled: Some(bundled.path().into()),
    };
    for round in 0..8 {
        let _ = fs::remove_dir_all(&location.dir);
        let left = ".train-images-idx3-ubyte.0123456789abcdef.taper-partial";
        place(&location.dir, &[(left.into(), vec![0; 100])]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    assert_eq!(
                        trusts(&tiny.entry, &location),
                        [Trust::Published; 4],
                        "{round}"
                    );
                });
            }
        });
        for (name, raw) in &tiny.raw {
            assert_eq!(&fs::read(location.dir.join(name)).unwrap(), raw);
        }
        let names = fs::read_dir(&location.dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let partial = |name: &std::ffi::OsString| name.to_string_lossy().contains("partial");
        assert_eq!(names.filter(partial).count(), 0);
    }
}

#[test]
fn an_epoch_ends_with_the_file_that_was_shortened() {
    use taper_datasets::Batches;
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    place(dir.path(), &raw_files(&tiny));
    let splits = open_at(&tiny.entry, &at(&dir)).unwrap();
    let images = dir.path().join("train-images-idx3-ubyte");
    let file = fs::OpenOptions::new().write(true).open(images).unwrap();
    let mut seen = 0;
    let end = Batches::new(splits.train(), 10).for_each(|batch| {
        seen += batch.indices.len();
        if seen == 10 {
            file.set_len(16 + 300 * 16).unwrap();
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    let error = end.unwrap_err().to_string();
    assert_eq!(seen, 300);
    assert!(
        error.contains("tiny/train: sample 300") && error.contains("train-images-idx3-ubyte"),
        "{error}"
    );
}
