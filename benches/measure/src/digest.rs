//! `cargo xtask bench digest`: the weights of every network after some steps, as SHA-256. Two versions that print
//! the same compute the same, to the bit; a change that is only meant to be faster must not change a line.

use clap::Args;
use taper_datasets::sha256::Sha256;
use taper_nn::{Model, Seed};

use crate::mode::Mode;
use crate::output::say;
use crate::pool::{in_pool, threads};
use crate::usage::positive;
use crate::work::Work;
use crate::zoo;

/// Images a step.
const BATCH: usize = 64;

/// Its options.
#[derive(Args)]
pub(crate) struct Digest {
    /// Steps of training with Adam
    #[arg(long, value_name = "N", default_value = "20", value_parser = positive)]
    steps: usize,
    /// Threads, which change nothing but the time it takes [default: all]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
}

impl Digest {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        say(format!(
            "taper {}, {}: SHA-256 of all weights after {} {} of {BATCH} images",
            env!("CARGO_PKG_VERSION"),
            taper_tensor::simd::instruction_set(),
            self.steps,
            if self.steps == 1 { "step" } else { "steps" },
        ));
        for entry in zoo::all() {
            let digest = in_pool(threads(self.threads), || trained(entry, self.steps))??;
            say(format!("{:<12}{digest}", entry.name));
        }
        Ok(())
    }
}

/// The digest of a network that has been trained for so many steps on the batch of `bench step`.
fn trained(entry: &zoo::Entry, steps: usize) -> anyhow::Result<String> {
    let mut work = Work::new(entry.build(Seed(7))?, BATCH)?;
    for _ in 0..steps {
        work.step(Mode::Train)?;
    }
    Ok(digest(work.model()))
}

/// Names and values (f32, little-endian) of all weights, in the model's order.
fn digest(model: &Model) -> String {
    let mut hash = Sha256::new();
    for parameter in model.parameters() {
        hash.update(parameter.name.as_bytes());
        let values = parameter.value.to_vec();
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        hash.update(&bytes);
    }
    hash.hex()
}

#[cfg(test)]
mod tests {
    use super::{digest, trained};
    use crate::pool::in_pool;
    use crate::zoo;
    use taper_nn::Seed;

    #[test]
    fn a_digest_follows_the_weights_and_not_the_threads() {
        let entry = zoo::find("lenet5").expect("a network");
        let of = |threads, steps| {
            in_pool(threads, || trained(entry, steps))
                .expect("a pool")
                .expect("a digest")
        };
        assert_eq!(of(1, 2), of(2, 2));
        assert_ne!(of(2, 1), of(2, 2));
    }

    #[test]
    fn every_bit_and_every_name_counts() {
        let build = || {
            let entry = zoo::find("lenet5").expect("a network");
            entry.build(Seed(7)).expect("its shapes fit")
        };
        let (mut one, two) = (build(), build());
        assert_eq!(digest(&one), digest(&two));
        let last = one.parameters_mut().last_mut().expect("weights");
        assert_eq!(last.value.to_vec()[0].to_bits(), 0, "a bias starts at zero");
        let negative: Vec<f32> = last.value.to_vec().iter().map(|value| -value).collect();
        last.value =
            taper_tensor::Tensor::from_vec(last.value.shape(), negative).expect("the same shape");
        assert_ne!(digest(&one), digest(&two), "the sign of zero is a bit, too");
    }
}
