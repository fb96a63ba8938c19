//! No two files import from each other, nor in a wider circle: each can be read once those it imports from are
//! known. Read from the `use` lines of every crate here; `child::row()` in a table is no import, `pub use` none either.

mod circles;
mod resolve;
mod source;
mod tokens;

use circles::{circles, describe};
use resolve::{Edges, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where circles still stand: each within these folders and files. Where none is left, strike the row.
const KNOWN: &[&[&str]] = &[];

/// Below these folders lie all packages.
const PLACES: [&str; 3] = ["benches", "crates", "xtask"];

#[test]
fn no_circle_among_files() {
    let (mut files, mut edges) = (BTreeSet::new(), Edges::new());
    let sources = sources();
    for root in sources.keys().filter(|path| is_root(path)) {
        let tree = Tree::new(&sources, root);
        files.extend(tree.files().map(str::to_owned));
        edges.extend(tree.edges());
    }
    println!(
        "{} files read, {} edges among them",
        files.len(),
        edges.len()
    );
    assert!(
        files.len() > 100 && edges.len() > 100,
        "where are the sources?"
    );

    let complaints = complaints(&edges, KNOWN);
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// What is wrong: circles that `known` does not allow, and rows of it that allow nothing any more.
fn complaints(edges: &Edges, known: &[&[&str]]) -> String {
    let mut complaints = String::new();
    let mut unseen: BTreeSet<&[&str]> = known.iter().copied().collect();
    for circle in circles(edges) {
        let inside = |row: &&&[&str]| {
            circle
                .iter()
                .all(|file| row.iter().any(|of| is_in(file, of)))
        };
        match known.iter().find(inside) {
            Some(row) => _ = unseen.remove(row),
            None => {
                complaints += &format!("{} files in a circle:\n", circle.len());
                complaints += &describe(&circle, edges);
            }
        }
    }
    for row in unseen {
        complaints += &format!(
            "no circle within {} any more: strike it from `KNOWN`\n",
            row.join(", ")
        );
    }
    complaints
}

/// Whether `place` is this file or a folder that it lies in.
fn is_in(file: &str, place: &str) -> bool {
    let rest = file.strip_prefix(place);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[test]
fn a_new_circle_and_a_row_too_many_are_noticed() {
    let edge = |from: &str, to: &str| {
        (
            (from.to_owned(), to.to_owned()),
            BTreeSet::from(["X".to_owned()]),
        )
    };
    let edges: Edges = [("a/x.rs", "b.rs"), ("b.rs", "a/x.rs"), ("b.rs", "c.rs")]
        .map(|(from, to)| edge(from, to))
        .into();
    assert_eq!(complaints(&edges, &[&["a", "b.rs"]]), "");
    let circle = "2 files in a circle:\n  a/x.rs -> b.rs: X\n  b.rs -> a/x.rs: X\n";
    assert_eq!(complaints(&edges, &[]), circle);
    let stale = complaints(&edges, &[&["a", "b"]]);
    assert!(
        stale.starts_with(circle) && stale.contains("no circle within a, b any more"),
        "{stale}"
    );
}

/// Where a library or a program starts.
fn is_root(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    folder.ends_with("/src/bin")
        || folder.ends_with("/src") && ["lib.rs", "main.rs"].contains(&name)
}

/// Every `.rs` file in a folder `src`, by its path in the workspace.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root = root.expect("xtask lies in the workspace");
    let mut found = BTreeMap::new();
    let mut folders: Vec<String> = PLACES.map(str::to_owned).to_vec();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(root.join(&folder)).expect("a folder of the workspace");
        for entry in entries {
            let entry = entry.expect("an entry of a folder");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("a file or a folder").is_dir() {
                if !path.ends_with("/target") {
                    folders.push(path);
                }
            } else if path.ends_with(".rs") && path.contains("/src/") {
                let text = std::fs::read_to_string(entry.path());
                found.insert(path, text.expect("a source is text"));
            }
        }
    }
    found
}
