//! `cargo xtask bench check`: whether the peers compute what Taper does, on every network that both have.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;
use taper_nn::Seed;
use taper_tensor::Tensor;

use super::scripts::{Programs, Script};
use crate::options::{NETS, Options};
use crate::scratch::Scratch;
use crate::work::Work;
use crate::zoo;

/// Images a step: the peers check as many.
const BATCH: usize = 16;
/// Steps whose losses are compared.
const STEPS: usize = 5;

/// Hands weights and a batch of every network over to `check.py`, which tells what it finds.
///
/// # Errors
/// Where a framework computes something else, or cannot be started.
pub(crate) fn check(options: &Options) -> Result<()> {
    let scratch = Scratch::new()?;
    for name in NETS {
        let folder = scratch.path().join(name);
        std::fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
        hand_over(zoo::find(name)?, &folder)?;
    }
    let script = Script::python("check", "check.py", &[]);
    let mut command = Programs::new(options).command(&script)?;
    let status = command.arg(scratch.path()).status();
    if !status.context("start check.py")?.success() {
        bail!("not all frameworks compute the same; lines with FAIL above say where");
    }
    Ok(())
}

/// Writes weights, images and targets (f32, little-endian, one after the other), and what Taper makes of them.
fn hand_over(entry: &zoo::Entry, folder: &Path) -> Result<()> {
    let mut work = Work::new(entry.build(Seed(7))?, BATCH)?;
    let parameters = work.model().parameters();
    let weights: Vec<&Tensor> = parameters.iter().map(|weight| &weight.value).collect();
    let shapes: Vec<_> = weights.iter().map(|weight| weight.shape()).collect();
    let names: Vec<_> = parameters.iter().map(|weight| &weight.name).collect();
    let mut told = json!({"names": names, "shapes": shapes});
    let (images, targets) = work.batch();
    write(&folder.join("weights"), weights)?;
    write(&folder.join("images"), images)?;
    write(&folder.join("targets"), [targets])?;
    told["outputs"] = json!(work.outputs()?);
    told["losses"] = json!(work.losses(STEPS)?);
    write_bytes(&folder.join("taper.json"), told.to_string().as_bytes())
}

fn write<'a>(path: &Path, tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<()> {
    let values = tensors.into_iter().flat_map(Tensor::to_vec);
    let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    write_bytes(path, &bytes)
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{BATCH, STEPS, hand_over};
    use crate::scratch::Scratch;
    use crate::zoo;
    use serde_json::Value;

    #[test]
    fn what_is_handed_over_is_a_network_and_what_becomes_of_it() {
        let scratch = Scratch::new().expect("a folder");
        let entry = zoo::find("digits").expect("a network");
        hand_over(entry, scratch.path()).expect("files");
        let read = |name: &str| std::fs::read(scratch.path().join(name)).expect(name);
        // Conv 3×3 to 8, Dense of 6·6·8 to 16, Dense to 10.
        let weights = 9 * 8 + 8 + 288 * 16 + 16 + 160 + 10;
        assert_eq!(read("weights").len(), 4 * weights);
        assert_eq!(read("images").len(), 4 * BATCH * 64);
        assert_eq!(read("targets").len(), 4 * BATCH * 10);
        let told: Value = serde_json::from_slice(&read("taper.json")).expect("JSON");
        let numbers = |key: &str| -> Vec<f64> {
            let values = told[key].as_array().expect(key).iter();
            values.map(|value| value.as_f64().expect(key)).collect()
        };
        let (losses, outputs) = (numbers("losses"), numbers("outputs"));
        assert_eq!(losses.len(), STEPS);
        assert!(losses[STEPS - 1] < losses[0], "{losses:?}");
        let sums = outputs.chunks(10).map(|row| row.iter().sum::<f64>());
        assert!(
            sums.clone().all(|sum| (sum - 1.0).abs() < 1e-5),
            "{outputs:?}"
        );
        assert_eq!(sums.count(), BATCH);
    }
}
