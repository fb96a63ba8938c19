//! On what machine, with what and when a run was made: kept beside its figures.

use serde::{Deserialize, Serialize};

/// Where and when a run was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Version of Taper.
    pub version: String,
    /// Name of the processor.
    pub cpu: String,
    /// Operating system and architecture.
    pub system: String,
    /// Instruction set of the kernels.
    pub instruction_set: String,
    /// Threads of the whole run.
    pub threads: usize,
    /// Jobs side by side.
    pub jobs: usize,
    /// Start, local time with its zone.
    pub started: String,
    /// Name of the data set.
    pub dataset: String,
    /// SHA-256 of the raw training data, if known.
    pub digest: Option<String>,
    /// Images trained on.
    pub train_images: usize,
    /// Images validated on.
    pub test_images: usize,
    /// Class names, in the order of the network's outputs.
    pub classes: Vec<String>,
    /// Highest memory use of the process so far, in bytes; `None` where the system does not tell.
    pub peak_memory: Option<u64>,
}

impl Environment {
    /// This process on this machine, now; the fields of the data set are left empty.
    #[must_use]
    pub fn here(threads: usize, jobs: usize) -> Environment {
        Environment {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cpu: cpu_name(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            instruction_set: taper_tensor::simd::instruction_set().to_owned(),
            threads,
            jobs,
            started: jiff::Zoned::now()
                .strftime("%Y-%m-%d %H:%M:%S %Z")
                .to_string(),
            ..Environment::default()
        }
    }
}

/// The highest resident memory of this process so far, in bytes (Linux: `VmHWM`).
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The processor's name (Linux: /proc/cpuinfo), or its architecture.
fn cpu_name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(':'));
    name.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn peak_memory_counts_bytes() {
        let before = peak_memory().expect("Linux tells");
        let block = vec![1u8; 64 << 20];
        let after = peak_memory().expect("Linux tells");
        assert!(block.iter().step_by(4096).all(|&byte| byte == 1));
        assert!(
            after >= before && after >= 64 << 20,
            "{before} then {after}"
        );
        assert!(after < 64 << 30, "{after} is no number of bytes");
    }
}
