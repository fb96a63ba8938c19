//! Every write, sync and rename of saving fails in turn: the file is the old one or the new one, and nothing else stays.

mod common;

use common::{small, tensor};
use taper_checkpoint::Checkpoint;
use taper_files::Action;
use taper_files::faults::{Fail, Faults};

#[test]
fn saving_leaves_the_old_file_or_the_new_one_whatever_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.taper");
    let old = small();
    // Long enough for several writes.
    let mut new = small();
    new.weights
        .push(("large".into(), tensor(&[100_000], &vec![0.25; 100_000])));
    let (old_bytes, new_bytes) = (old.to_bytes().unwrap(), new.to_bytes().unwrap());
    old.save(&path).unwrap();
    let counting = Faults::below(folder.path(), Fail::Never);
    new.save(&path).unwrap();
    let steps = counting.seen();
    drop(counting);
    let writes = steps.iter().filter(|&&step| step == Action::Write).count();
    assert!(writes >= 3, "{steps:?}");
    for (step, action) in steps.iter().enumerate() {
        for fail in [Fail::Once(step), Fail::From(step)] {
            old.save(&path).unwrap();
            let faults = Faults::below(folder.path(), fail);
            let error = new.save(&path).unwrap_err().to_string();
            drop(faults);
            assert!(error.contains("last.taper"), "{error}");
            let found = std::fs::read(&path).unwrap();
            // A name that was not brought to the disk is not acknowledged, but it is there.
            let expected = match action {
                Action::SyncFolder => &new_bytes,
                _ => &old_bytes,
            };
            assert!(found == *expected, "{:?} {fail:?}", action);
            Checkpoint::load(&path).unwrap();
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
