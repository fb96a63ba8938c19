//! What the tests of several tables share.

use std::path::Path;

/// Panics if a source file of `folder` (below `src`) has no row in its table.
pub(crate) fn assert_complete(folder: &str, rows: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(folder);
    let mut files = 0;
    for entry in std::fs::read_dir(path).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "mod.rs" && name != "tests.rs" {
            files += 1;
            let found = rows.iter().any(|row| Path::new(row).ends_with(&name));
            assert!(found, "src/{folder}/{name} has no row in {folder}::all()");
        }
    }
    assert_eq!(
        files,
        rows.len(),
        "a row without a file of its own in {folder}::all()"
    );
}
