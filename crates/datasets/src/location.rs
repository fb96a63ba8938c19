//! Where the files of a data set are looked for, and where they are put.

use crate::catalog::entry::Entry;
use std::env;
use std::path::{Path, PathBuf};

/// Folders for the files of one data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Files are looked for here, then in a folder of the data set's name below; and are unpacked and downloaded
    /// to here. It need not exist.
    pub dir: PathBuf,
    /// Files that came with the program, looked for last and never written to.
    pub bundled: Option<PathBuf>,
}

impl Location {
    /// This folder, and the files that come with the project if there are any ([`find_fixtures`]).
    pub fn in_dir(entry: &Entry, dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            bundled: find_fixtures(entry.folder),
        }
    }

    /// The usual place: `data/<folder>` in the workspace, or in the current folder outside of any workspace.
    pub fn usual(entry: &Entry) -> Self {
        let here = env::current_dir().unwrap_or_default();
        let root = here
            .ancestors()
            .find(|folder| folder.join("fixtures/mnist").is_dir())
            .unwrap_or(&here);
        Self::in_dir(entry, root.join("data").join(entry.folder))
    }

    /// The user's folders in which files may lie, in the order of search.
    pub(crate) fn search(&self, entry: &Entry) -> [PathBuf; 2] {
        [self.dir.clone(), self.dir.join(entry.folder)]
    }

    /// Folders of others, searched after those: what came with the program, and with the operating system's packages.
    pub(crate) fn others(&self, entry: &Entry) -> Vec<PathBuf> {
        let system = entry.system.iter().map(PathBuf::from);
        self.bundled.clone().into_iter().chain(system).collect()
    }
}

/// The folder `fixtures/<folder>` that comes with the project: under `TAPER_FIXTURES` if that is set, else
/// upwards from the current folder, else upwards from the running program.
pub fn find_fixtures(folder: &str) -> Option<PathBuf> {
    if let Some(root) = env::var_os("TAPER_FIXTURES") {
        return Some(Path::new(&root).join(folder)).filter(|found| found.is_dir());
    }
    let starts = [env::current_dir(), env::current_exe()];
    starts
        .into_iter()
        .flatten()
        .find_map(|start| find_upwards(&start, folder))
}

fn find_upwards(start: &Path, folder: &str) -> Option<PathBuf> {
    start
        .ancestors()
        .map(|ancestor| ancestor.join("fixtures").join(folder))
        .find(|found| found.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixtures_are_found_from_folders_below() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir_all(root.path().join("fixtures/mnist")).unwrap();
        assert_eq!(
            find_upwards(&deep, "mnist"),
            Some(root.path().join("fixtures/mnist"))
        );
        assert_eq!(find_upwards(&deep, "kmnist"), None);
    }
}
