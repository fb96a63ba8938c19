//! What Taper's tables hold stands in docs/keras.md, the map from Keras's names to Taper's: whoever adds a layer, a loss or a
//! metric enters it there. What Keras holds is compared by docs/keras.py, which needs Keras.

use std::collections::BTreeSet;
use std::path::Path;

/// The folders of the tables.
const TABLES: [&str; 11] = [
    "crates/nn/src/activations",
    "crates/nn/src/constraints",
    "crates/nn/src/initializers",
    "crates/nn/src/junctions",
    "crates/nn/src/layers",
    "crates/nn/src/losses",
    "crates/nn/src/regularizers",
    "crates/optim/src/optimizers",
    "crates/optim/src/schedules",
    "crates/train/src/callbacks",
    "crates/train/src/metrics",
];

#[test]
fn every_row_of_the_tables_is_on_the_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = read(&root.join("docs/keras.md"));
    let mut missing = Vec::new();
    for table in TABLES {
        let folder = root.join(table);
        let is_file = |file: &str| folder.join(format!("{file}.rs")).is_file();
        let found = rows(&read(&folder.join("mod.rs")), &is_file);
        assert!(
            found.len() >= 2,
            "{table}: {found:?}: the search itself must be broken"
        );
        for name in found {
            // As the end of a path in code font, `taper_nn::layers::Dense`.
            if !page.contains(&format!("::{name}`")) {
                missing.push(format!("{table}: {name}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "docs/keras.md does not name\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_search_finds_what_it_should() {
    let text = "pub use conv::Conv;\npub use support::{\n    Axes,\n};\n    pub use super::auc::{AUC, Curve};\n\
                \n    Relu = relu,\n    one = two,\n    row(\"Zeros\", \"all 0\", Zeros),\n    class_name: \"L1\",\n";
    let found = rows(text, &|file: &str| ["conv", "auc", "relu"].contains(&file));
    let names: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(names, ["AUC", "Conv", "Curve", "L1", "Relu", "Zeros"]);
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the `mod.rs` of a table holds: the types that it hands out of the files of its folder, and the rows that stand in it.
fn rows(text: &str, is_file: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in text.split("pub use ").skip(1) {
        let statement = statement.split(';').next().unwrap_or_default();
        let mut words = statement
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty() && *word != "super");
        if words.next().is_some_and(is_file) {
            names.extend(words.map(str::to_owned));
        }
    }
    for line in text.lines().map(str::trim) {
        let variant = line
            .strip_suffix(',')
            .and_then(|line| line.split_once(" = "));
        if let Some((name, file)) = variant
            && is_file(file)
        {
            names.insert(name.to_owned());
        }
        for start in ["row(\"", "class_name: \""] {
            if let Some(rest) = line.strip_prefix(start) {
                names.extend(rest.split('"').next().map(str::to_owned));
            }
        }
    }
    names
}
