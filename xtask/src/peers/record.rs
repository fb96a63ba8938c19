//! Results kept with their machine, date and command in `benches/results/`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::options::Options;
use super::table::{Table, median};
use crate::failure::{Context, Result};
use crate::launch::root;

/// Settings of the environment that change how fast a program is.
const TELLING: [&str; 8] = [
    "TAPER_SIMD",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "KMP_AFFINITY",
    "RAYON_NUM_THREADS",
];

/// Appends a section to `<date>-<machine>.md` and a line to `<date>-<machine>.jsonl`.
pub(crate) fn append(options: &Options, table: &Table) -> Result {
    let date = date(SystemTime::now());
    let cpu = cpu();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let stem = format!("{date}-{}-{cores}-cores", slug(&cpu));
    let environment: Vec<String> = TELLING
        .iter()
        .filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?)))
        .collect();
    let mut command = environment.clone();
    command.push(options.command.clone());
    let versions: Vec<String> = table
        .peers
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();

    let folder = root().join("benches/results");
    std::fs::create_dir_all(&folder).context(format!("make {}", folder.display()))?;
    let section = format!(
        "## {model} {mode}, batch {batch}\n\n`{command}`  \n{cpu}, {cores} cores, {system}; taper {commit}; {versions}\n\n{text}\n",
        model = options.model,
        mode = options.mode.name(),
        batch = options.batch,
        command = command.join(" "),
        system = std::env::consts::OS,
        commit = commit(),
        versions = versions.join(", "),
        text = table.text(options),
    );
    write(&folder.join(format!("{stem}.md")), &section)?;
    write(
        &folder.join(format!("{stem}.jsonl")),
        &json(options, table, &date, &cpu, cores, &command.join(" ")),
    )?;
    eprintln!("recorded in benches/results/{stem}.md and .jsonl");
    Ok(())
}

fn json(
    options: &Options,
    table: &Table,
    date: &str,
    cpu: &str,
    cores: usize,
    command: &str,
) -> String {
    let numbers = |values: &[f64]| {
        let texts: Vec<String> = values.iter().map(|v| format!("{v:.3}")).collect();
        format!("[{}]", texts.join(","))
    };
    let peers: Vec<String> = table
        .peers
        .iter()
        .enumerate()
        .map(|(index, (name, version))| {
            format!(
                "{{\"peer\":{},\"version\":{},\"images_per_second\":{},\"ratio\":{:.4}}}",
                quoted(name),
                quoted(version),
                numbers(&table.of(index)),
                median(&table.ratios(index)),
            )
        })
        .collect();
    format!(
        "{{\"date\":{},\"cpu\":{},\"cores\":{cores},\"command\":{},\"taper\":{},\"model\":{},\"mode\":{},\
         \"batch\":{},\"threads\":{},\"others\":{:.3},\"images_per_second\":{},\"peers\":[{}]}}\n",
        quoted(date),
        quoted(cpu),
        quoted(command),
        quoted(&commit()),
        quoted(&options.model),
        quoted(options.mode.name()),
        options.batch,
        options.threads,
        table.busiest().unwrap_or(0.0),
        numbers(&table.own),
        peers.join(","),
    )
}

fn write(path: &Path, text: &str) -> Result {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .context(path.display())
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out + "\""
}

/// What the system calls its processor.
fn cpu() -> String {
    if let Ok(text) = std::fs::read_to_string("/proc/cpuinfo") {
        let value = |key: &str| {
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        if let Some(name) = value("model name") {
            // Virtual machines often hide the model; family and model number still tell it.
            let numbers = value("cpu family").zip(value("model\t"));
            return numbers.map_or(name.clone(), |(family, model)| {
                format!("{name} (family {family}, model {model})")
            });
        }
    }
    let sysctl = Command::new("sysctl")
        .args(["-n", "machdep.cpu.brand_string"])
        .output();
    match sysctl {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => format!("unknown {}", std::env::consts::ARCH),
    }
}

/// The commit that was measured.
fn commit() -> String {
    let describe = Command::new("git")
        .current_dir(root())
        .args(["describe", "--always", "--dirty"])
        .output();
    match describe {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

/// Lower case, with dashes for everything that is neither letter nor digit.
fn slug(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

/// Year-month-day in UTC (days to a date in the Gregorian calendar, after Howard Hinnant's
/// "chrono-compatible low-level date algorithms").
fn date(now: SystemTime) -> String {
    let days = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() / 86_400)
        + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::{date, quoted, slug};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn dates_around_leap_days() {
        let day = |n: u64| date(UNIX_EPOCH + Duration::from_secs(n * 86_400));
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(11_016), "2000-02-29");
        assert_eq!(day(11_017), "2000-03-01");
        assert_eq!(day(20_088), "2024-12-31");
        assert_eq!(day(20_089), "2025-01-01");
    }

    #[test]
    fn names_and_strings() {
        assert_eq!(
            slug("AMD EPYC (family 26, model 2)"),
            "amd-epyc-family-26-model-2"
        );
        assert_eq!(quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
    }
}
