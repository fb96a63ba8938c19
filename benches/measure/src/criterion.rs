//! The criterion groups in `benches/benches`: found by their files, run by cargo.

use anyhow::{Context, Result};

use crate::launch::{become_program, cargo, root};

/// Runs criterion groups; `options` go to criterion (`--quick`, `--save-baseline NAME`, a filter, …).
pub(crate) fn run(which: &[&str], options: &[String]) -> Result<()> {
    let mut command = cargo();
    command
        .current_dir(root())
        .args(["bench", "--package", "taper-benches"])
        .args(which);
    become_program(command.arg("--").args(options))
}

/// Names of the groups.
pub(crate) fn groups() -> Result<Vec<String>> {
    let folder = root().join("benches/benches");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn groups_are_found_by_their_files() {
        let groups = groups().expect("a folder of groups");
        assert!(
            groups.iter().any(|group| group == "convolution"),
            "{groups:?}"
        );
    }
}
