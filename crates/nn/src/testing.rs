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
        if name.ends_with(".rs") && name != "mod.rs" && name != "tests.rs" {
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

/// Panics if the doc of a public setting in a file of `folder` (below `src`) does not say what its default is, or that
/// it has none.
pub(crate) fn assert_defaults_are_told(folder: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(folder);
    let mut settings = 0;
    for entry in std::fs::read_dir(path).unwrap() {
        let file = entry.unwrap().path();
        if file.is_dir() || file.file_name().is_some_and(|name| name == "mod.rs") {
            continue;
        }
        let mut doc = String::new();
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let line = line.trim();
            let public = line.strip_prefix("pub ");
            if line.starts_with("///") {
                doc.push_str(line);
            } else if public.is_some_and(|field| field.ends_with(',') && field.contains(": ")) {
                settings += 1;
                let told = doc.contains("default: ") || doc.contains("(no default)");
                assert!(told, "{}: {line} has the doc {doc:?}", file.display());
                doc.clear();
            } else if !line.starts_with("#[") {
                doc.clear();
            }
        }
    }
    assert!(
        settings > 0,
        "src/{folder} has no settings: what do they look like now?"
    );
}
