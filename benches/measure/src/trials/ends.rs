//! What a run has come to: every file of its folder, without what differs between two runs of the same (times).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use taper_checkpoint::Checkpoint;
use taper_files::sha256::Sha256;

/// A digest of every file, by its path in the folder.
pub(super) type Ends = BTreeMap<String, String>;

/// Reads all files of a run.
///
/// # Errors
/// A file that cannot be read as what it is: a half-written one.
pub(super) fn ends(run: &Path) -> Result<Ends> {
    let mut ends = Ends::new();
    for path in files(run)? {
        let name = path.strip_prefix(run).unwrap_or(&path);
        let name = name.to_string_lossy().replace('\\', "/");
        ends.insert(name, digest(&path)?);
    }
    Ok(ends)
}

/// What differs, one line a file.
pub(super) fn differences(found: &Ends, expected: &Ends) -> Vec<String> {
    let missing = expected.keys().filter(|name| !found.contains_key(*name));
    let missing = missing.map(|name| format!("{name} is missing"));
    let others = found
        .iter()
        .filter_map(|(name, digest)| match expected.get(name) {
            None => Some(format!("{name} is left over")),
            Some(other) if other != digest => Some(format!("{name} differs")),
            Some(_) => None,
        });
    missing.chain(others).collect()
}

/// The temporary files and locks of a run.
pub(super) fn leftovers(run: &Path) -> Result<Vec<String>> {
    let files = files(run)?.into_iter();
    let left = files.filter(|path| is_temporary(path));
    Ok(left
        .map(|path| format!("{} is left over", path.display()))
        .collect())
}

/// Whatever is wrong with the files of a run that has been broken off. Temporary ones may be there.
pub(super) fn unreadable(run: &Path) -> Result<Vec<String>> {
    let files = files(run)?.into_iter();
    let named = files.filter(|path| !is_temporary(path));
    let wrong = named.filter_map(|path| digest(&path).err());
    Ok(wrong.map(|error| format!("{error:#}")).collect())
}

/// A digest of what a file says, but for times.
///
/// # Errors
/// It cannot be read as what its name says it is.
pub(super) fn digest(path: &Path) -> Result<String> {
    let here = || path.display().to_string();
    let mut hash = Sha256::new();
    let bytes = std::fs::read(path).with_context(here)?;
    let text = || String::from_utf8(bytes.clone()).with_context(here);
    match path.extension().and_then(|end| end.to_str()) {
        Some("taper") => {
            checkpoint(&mut hash, Checkpoint::load(path).with_context(here)?).with_context(here)?
        }
        Some("json") => hash.update(timeless(&text()?).with_context(here)?.as_bytes()),
        Some("jsonl") => {
            // What is repeated after an interruption counts as its last line says; a last line without an end is none.
            let mut lines = BTreeMap::new();
            for line in text()?
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
            {
                let value: Value = serde_json::from_str(line).with_context(here)?;
                let epoch = value["epoch"].as_u64().with_context(here)?;
                lines.retain(|&before, _| before < epoch);
                lines.insert(epoch, timeless(line)?);
            }
            lines.values().for_each(|line| hash.update(line.as_bytes()));
        }
        // A page tells how long it took.
        Some("html") => {
            if !text()?.trim_end().ends_with("</html>") {
                bail!("{} has no end", here());
            }
        }
        _ => hash.update(&bytes),
    }
    Ok(hash.hex())
}

fn checkpoint(hash: &mut Sha256, checkpoint: Checkpoint) -> Result<()> {
    let optimizer = checkpoint.optimizer.context("no optimizer")?;
    let position = checkpoint.position.context("no position")?;
    hash.update(checkpoint.architecture.as_bytes());
    hash.update(
        format!(
            "{} {} {}",
            optimizer.class_name, optimizer.config, optimizer.iterations
        )
        .as_bytes(),
    );
    hash.update(format!("{} {} {}", position.seed, position.epoch, position.batch).as_bytes());
    for text in [&position.progress, &checkpoint.history] {
        if !text.is_empty() {
            hash.update(timeless(text)?.as_bytes());
        }
    }
    for (name, tensor) in checkpoint.weights.iter().chain(&optimizer.slots) {
        hash.update(format!("{name} {:?}", tensor.shape()).as_bytes());
        let bytes: Vec<u8> = tensor
            .to_vec()
            .into_iter()
            .flat_map(f32::to_le_bytes)
            .collect();
        hash.update(&bytes);
    }
    let others = checkpoint
        .provenance
        .iter()
        .filter(|(name, _)| *name != "started");
    others.for_each(|(name, value)| hash.update(format!("{name} {value}").as_bytes()));
    Ok(())
}

/// JSON without what time decides.
fn timeless(text: &str) -> Result<String> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| {
                    !["seconds", "images_per_second", "environment"].contains(&name.as_str())
                });
                fields.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text)?;
    strip(&mut value);
    Ok(value.to_string())
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".taper-partial") || name.ends_with("-lock")
}

/// All files below a folder, in the order of their names.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let here = || folder.display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(here)? {
        let path = entry.with_context(here)?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_count_and_times_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
            ends(folder.path())
        };
        let line = |epoch: u32, loss: f64, seconds: u32| {
            format!("{{\"epoch\":{epoch},\"loss\":{loss},\"seconds\":{seconds}}}\n")
        };
        let name = "history.jsonl";
        let whole = write(name, &(line(1, 0.5, 3) + &line(2, 0.25, 3))).expect("readable");
        let again = [
            line(1, 0.5, 4),
            line(2, 0.3, 4),
            line(2, 0.25, 5),
            "{".into(),
        ];
        let again = write(name, &again.concat()).expect("readable");
        assert!(differences(&again, &whole).is_empty());
        let other = 0.25 + f64::EPSILON;
        let other = write(name, &(line(1, 0.5, 3) + &line(2, other, 3))).expect("readable");
        assert_eq!(differences(&other, &whole), ["history.jsonl differs"]);
        let more = write(".x.taper-partial", "").expect("readable");
        let expected = [".x.taper-partial is left over", "history.jsonl differs"];
        assert_eq!(differences(&more, &whole), expected);
        assert_eq!(leftovers(folder.path()).expect("a folder").len(), 1);
        std::fs::remove_file(folder.path().join(name)).expect("removed");
        let less = ends(folder.path()).expect("readable");
        assert_eq!(differences(&less, &whole)[0], "history.jsonl is missing");
        assert!(write("summary.json", "{\"half\":").is_err());
        assert_eq!(unreadable(folder.path()).expect("a folder").len(), 1);
    }
}
