//! No kernel calls the system's mathematics, whose last bits differ between systems. What may: the plain functions of f64,
//! which are also the reference that errors are measured against.

use std::path::{Path, PathBuf};

const MAY: [&str; 4] = [
    "kernels/math/error.rs",
    "kernels/math/mod.rs",
    "kernels/math/plain.rs",
    "kernels/mod.rs", // xʸ of f64
];
const CALLS: [&str; 14] = [
    ".exp()",
    ".exp2()",
    ".exp_m1()",
    ".ln()",
    ".ln_1p()",
    ".log2()",
    ".log10()",
    ".sin()",
    ".cos()",
    ".sin_cos()",
    ".tan()",
    ".tanh()",
    ".powf(",
    ".powi(",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of this crate") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_kernel_calls_libm() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    let mut calls = Vec::new();
    let mut used = 0;
    for path in &all {
        let name = path
            .strip_prefix(&source)
            .expect("inside")
            .to_string_lossy()
            .replace('\\', "/");
        let text = std::fs::read_to_string(path).expect("a readable file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            if CALLS.iter().any(|call| line.contains(call)) {
                if MAY.contains(&name.as_str()) {
                    used += 1;
                } else {
                    calls.push(format!("{name}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    assert!(
        used > 10,
        "the scan no longer finds the calls that there are"
    );
    assert!(
        calls.is_empty(),
        "use kernels::math for f32, crate::steady for f64:\n{}",
        calls.join("\n")
    );
}
