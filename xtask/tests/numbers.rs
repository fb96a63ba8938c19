//! Every float that is written can be read: a field of a type that serde writes or reads stands as `taper_train::number`
//! says. A bare f64 becomes `null` where it is NaN or ∞, and then nothing reads the file any more.

use std::path::Path;

/// Below these folders lie all packages.
const PLACES: [&str; 2] = ["benches", "crates"];

/// Where bare floats stand: settings, which are refused unless they are finite, so that there is nothing to hold.
const SETTINGS: [&str; 4] = [
    "crates/experiments/src/study/",
    "crates/nn/src/",
    "crates/optim/src/",
    "crates/train/src/metrics/",
];

/// The one place that writes floats itself.
const NUMBER: &str = "crates/train/src/number.rs";

#[test]
fn no_bare_float_in_what_is_written() {
    let (mut found, mut fields, mut exempt) = (Vec::new(), 0, [false; SETTINGS.len()]);
    for (path, text) in sources().iter().filter(|(path, _)| path != NUMBER) {
        let (bare, kept) = floats(text);
        fields += kept;
        match SETTINGS.iter().position(|place| path.starts_with(place)) {
            Some(place) => exempt[place] |= !bare.is_empty(),
            None => found.extend(bare.iter().map(|line| format!("{path}:{line}"))),
        }
    }
    assert!(fields > 10, "{fields} fields: where are the sources?");
    for (place, needed) in SETTINGS.iter().zip(exempt) {
        assert!(
            needed,
            "no bare float in {place} any more: strike it from `SETTINGS`"
        );
    }
    let advice = "give these #[serde(with = \"number\")], of taper_train::number";
    assert!(found.is_empty(), "{advice}:\n{}", found.join("\n"));
}

#[test]
fn a_new_bare_float_is_noticed() {
    let of = |field: &str| {
        let derive = "#[derive(Clone, serde::Serialize)]\n/// A mean.\npub struct Mean {\n";
        floats(&format!(
            "{derive}    pub n: usize,\n{field}\n}}\n\nstruct Other {{\n    x: f64,\n}}\n"
        ))
    };
    for field in [
        "    pub mean: f64,",
        "    mean: Option<f32>,",
        "    #[serde(default)]\n    /// All of them.\n    means: BTreeMap<String, Vec<f64>>,",
        "    points: Vec<(u64, f64)>,",
    ] {
        assert_eq!(of(field).0.len(), 1, "{field}");
    }
    let kept = "    #[serde(with = \"number\", default)]\n    /// One.\n    pub mean: Option<f64>,";
    assert_eq!(of(kept), (vec![], 1));
    assert_eq!(
        of("    mean: Number,\n    /// An f64.\n    of: usize,"),
        (vec![], 0)
    );
    let lines = |text: &str| floats(text).0.len();
    assert_eq!(lines("#[derive(Deserialize)]\nstruct Rate(f64);\n"), 1);
    assert_eq!(lines("#[derive(Debug)]\nstruct Rate(f64);\n"), 0);
    assert_eq!(
        lines("#[derive(\n    Debug,\n    Serialize,\n)]\nenum Rate {\n    Fixed(f64),\n}\n"),
        1
    );
    assert_eq!(lines("fn f() {\n    serializer.serialize_f32(1.0)\n}\n"), 1);
    // An indented type ends with its own bracket.
    let inner =
        "    #[derive(Serialize)]\n    struct A {\n        of: u8,\n    }\n    let x: f64 = 1.0;\n";
    assert_eq!(lines(inner), 0);
}

/// Lines with bare floats of types that derive serde's traits (number and text), and how many fields are kept as they
/// should. Reads sources as rustfmt writes them: a field a line, the end of a type as far in as its beginning.
fn floats(text: &str) -> (Vec<String>, usize) {
    let (mut bare, mut kept) = (Vec::new(), 0);
    // Whether a derive of the next type names serde; how far in the type stands that is read; whether its next field is kept.
    let (mut derived, mut inside, mut with) = (false, None::<usize>, false);
    let mut deriving = false;
    for (index, line) in text.lines().enumerate() {
        let word = line.trim();
        let indent = line.len() - line.trim_start().len();
        if word.starts_with("//") {
            continue;
        }
        let item = word
            .split_whitespace()
            .find(|word| !word.starts_with("pub"));
        let begins = inside.is_none() && matches!(item, Some("struct" | "enum"));
        deriving |= word.starts_with("#[derive(");
        derived |= deriving && word.contains("erialize");
        deriving &= !word.ends_with(']');
        // Read by way of another type, and written by hand: that type counts.
        derived &= !word.starts_with("#[serde(from = ");
        let own = word.contains("serialize_f64") || word.contains("serialize_f32");
        let field = inside.is_some() || begins && derived;
        if own || field && !word.starts_with('#') && has_float(word) {
            match with {
                true => kept += 1,
                false => bare.push(format!("{}: {word}", index + 1)),
            }
        }
        match word.starts_with('#') {
            true => with |= field && word.contains("with = \"number\""),
            false => with = false,
        }
        if begins {
            inside = (derived && word.ends_with('{')).then_some(indent);
            derived = false;
        } else if inside == Some(indent) && word.starts_with('}') {
            inside = None;
        }
    }
    (bare, kept)
}

fn has_float(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| ["f64", "f32"].contains(&word))
}

/// Every source that is not a test, without its tests: path in the workspace, and text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root = root.expect("xtask lies in the workspace");
    let mut found = Vec::new();
    let mut folders: Vec<String> = PLACES.map(str::to_owned).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).expect("a folder of the workspace") {
            let entry = entry.expect("an entry of a folder");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("a file or a folder").is_dir() {
                if !path.ends_with("/target") {
                    folders.push(path);
                }
            } else if path.ends_with(".rs") && path.contains("/src/") {
                let text = std::fs::read_to_string(entry.path()).expect("a source is text");
                let tests = text.find("\n#[cfg(test)]\nmod tests").unwrap_or(text.len());
                found.push((path, text[..tests].to_owned()));
            }
        }
    }
    found
}
