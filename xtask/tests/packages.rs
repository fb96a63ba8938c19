//! Every crate can be published and used alone: its manifest says what a registry shows, its page and licences lie beside
//! it, everything public is documented, and whoever uses it does not have to link a world.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whoever uses one library crate links at most so many crates of others. (What only runs inside the compiler, derive macros
/// and their parsers, is printed, not limited.)
const MOST_LINKED: usize = 30;

/// Of the crates the one that is a program, and links what a program needs.
const PROGRAM: &str = "experiments";

/// What a registry has as categories, as far as it fits.
const CATEGORIES: [&str; 8] = [
    "algorithms",
    "command-line-utilities",
    "compression",
    "encoding",
    "filesystem",
    "mathematics",
    "parser-implementations",
    "science",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
}

/// The folders of all crates.
fn crates() -> Vec<PathBuf> {
    let listed = std::fs::read_dir(root().join("crates")).expect("there are crates");
    let mut folders: Vec<PathBuf> = listed
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .collect();
    folders.sort();
    assert!(folders.len() >= 10, "only {folders:?}");
    folders
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of one section of a manifest.
fn section<'a>(manifest: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let head = format!("[{name}]");
    let lines = manifest.lines().skip_while(move |line| *line != head);
    lines.skip(1).take_while(|line| !line.starts_with('['))
}

/// What a key of a section is set to, without a comment behind it; keys are written as in `license.workspace`.
fn value(manifest: &str, within: &str, key: &str) -> Option<String> {
    let of = |line: &str| {
        line.strip_prefix(key)?
            .trim_start()
            .strip_prefix('=')
            .map(str::to_owned)
    };
    let value = section(manifest, within).find_map(of)?;
    Some(
        value
            .split(" # ")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    )
}

/// The strings between quotation marks.
fn strings(value: &str) -> Vec<&str> {
    value.split('"').skip(1).step_by(2).collect()
}

/// What is wrong with the manifest, the page and the licences of a crate, one line each.
fn faults(manifest: &str, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut must = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    let package = |key: &str| value(manifest, "package", key);
    let of_all = [
        "version",
        "edition",
        "rust-version",
        "license",
        "repository",
    ];
    for key in of_all {
        let inherited = package(&format!("{key}.workspace")).as_deref() == Some("true");
        must(inherited, &format!("`{key}.workspace = true` is missing"));
    }
    let described = package("description").map(|text| text.len()) > Some(20);
    must(described, "`description` is missing or says nothing");
    must(
        package("publish").is_none(),
        "`publish` keeps it from being published",
    );

    let keywords = package("keywords").unwrap_or_default();
    let keywords = strings(&keywords);
    must(
        (1..=5).contains(&keywords.len()),
        "`keywords` has one to five words",
    );
    for word in keywords {
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        must(
            plain && word.len() <= 20,
            &format!("{word:?} is no keyword of a registry"),
        );
    }
    let categories = package("categories").unwrap_or_default();
    let categories = strings(&categories);
    must(
        (1..=5).contains(&categories.len()),
        "`categories` has one to five words",
    );
    for word in categories {
        let known = CATEGORIES.contains(&word);
        must(
            known,
            &format!("{word:?} is none of the categories that are known here"),
        );
    }

    must(
        package("readme").as_deref() == Some("\"README.md\""),
        "`readme = \"README.md\"` is missing",
    );
    for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT", "src/lib.rs"] {
        must(exists(file), &format!("there is no {file}"));
    }
    faults
}

#[test]
fn every_crate_has_what_a_registry_shows() {
    for folder in crates() {
        let faults = faults(&read(&folder.join("Cargo.toml")), &|file| {
            folder.join(file).is_file()
        });
        assert!(
            faults.is_empty(),
            "{}:\n{}",
            folder.display(),
            faults.join("\n")
        );
        let name = folder
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let page = read(&folder.join("README.md"));
        let title = format!("# {}\n", package_of(name));
        assert!(
            page.starts_with(&title) && page.len() > 200,
            "{name}: its page"
        );
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let same = read(&folder.join(licence)) == read(&root().join(licence));
            assert!(
                same,
                "{name}: {licence} is another than that of the workspace"
            );
        }
    }
}

#[test]
fn the_workspace_says_what_they_inherit() {
    let manifest = read(&root().join("Cargo.toml"));
    let of_all = |key: &str| value(&manifest, "workspace.package", key).unwrap_or_default();
    assert_eq!(of_all("license"), "\"MIT OR Apache-2.0\"");
    assert!(of_all("repository").starts_with("\"https://"));
    // A path alone means nothing to a registry: dependencies on each other carry the version that they all have.
    let version = format!("version = {}", of_all("version"));
    let ours = section(&manifest, "workspace.dependencies").filter(|line| line.contains("path ="));
    let mut count = 0;
    for line in ours {
        assert!(line.contains(&version), "no `{version}`: {line}");
        count += 1;
    }
    assert!(count >= 9, "{count} dependencies with a path");
    for folder in crates() {
        let manifest = read(&folder.join("Cargo.toml"));
        assert!(
            !manifest.contains("path = \"../"),
            "{}: a path of its own",
            folder.display()
        );
    }
}

#[test]
fn every_library_must_document_what_is_public() {
    for folder in crates() {
        let text = read(&folder.join("src/lib.rs"));
        assert!(
            text.contains("\n#![deny(missing_docs)]\n"),
            "{}",
            folder.display()
        );
    }
}

#[test]
fn every_library_links_few_crates_of_others() {
    for folder in crates() {
        let name = folder
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        if name == PROGRAM {
            continue;
        }
        let linked = others(name, "normal,no-proc-macro");
        let all = others(name, "normal").len();
        let package = package_of(name);
        println!(
            "{package}: {} crates of others linked, {all} with derive macros",
            linked.len()
        );
        assert!(
            linked.len() <= MOST_LINKED,
            "{package} links {}: {linked:?}",
            linked.len()
        );
    }
}

/// The package in the folder of this name.
fn package_of(folder: &str) -> String {
    match folder {
        "taper" => folder.to_owned(),
        _ => format!("taper-{folder}"),
    }
}

/// The crates of others in the tree of a crate by itself, with its default features, by edges of these kinds.
fn others(folder: &str, edges: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--quiet", "--package", &package_of(folder)])
        .args(["--edges", edges, "--prefix", "none", "--format", "{p}"])
        .output()
        .expect("cargo starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree of {folder}: {error}");
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let ours = |name: &str| name == "taper" || name.starts_with("taper-");
    let mut names: Vec<String> = names
        .filter(|name| !ours(name))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn what_is_missing_is_noticed() {
    let good = read(&root().join("crates/taper/Cargo.toml"));
    assert!(faults(&good, &|_| true).is_empty());
    let licence = faults(&good, &|file| file != "LICENSE-MIT");
    assert_eq!(licence, ["there is no LICENSE-MIT"]);
    for (line, broken) in [
        ("license.workspace = true\n", ""),
        ("readme = \"README.md\"\n", ""),
        ("repository.workspace = true\n", "publish = false\n"),
        ("keywords = [", "keywords = [\"two words\", "),
        ("categories = [", "categories = [\"cookery\", "),
    ] {
        assert!(good.contains(line), "{line}");
        assert!(
            !faults(&good.replacen(line, broken, 1), &|_| true).is_empty(),
            "{line}"
        );
    }
}
