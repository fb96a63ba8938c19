//! Results kept with their machine, date and command in `benches/results/`.

use crate::output::complain;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::finding::Finding;
use crate::launch::root;
use crate::options::Options;

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

/// Appends a table of measures to `<date>-<machine>.md`.
pub(crate) fn table(options: &Options, table: &str) -> Result<()> {
    section(options, "What it shows", "", table)
}

/// Appends a section to `<date>-<machine>.md` and a line to `<date>-<machine>.jsonl`.
pub(crate) fn finding(options: &Options, title: &str, finding: &Finding) -> Result<()> {
    let versions: Vec<String> = finding
        .samples
        .iter()
        .filter(|sample| !sample.version.is_empty())
        .map(|sample| format!("{} {}", sample.name, sample.version))
        .collect();
    let text = format!("{}{}", finding.detail, finding.warning());
    section(options, title, &versions.join(", "), &text)?;
    write(&extended("jsonl")?, &line(options, title, finding))?;
    complain(format!(
        "recorded in {} and .jsonl",
        extended("md")?.display()
    ));
    Ok(())
}

/// Where results of today and this machine go, without the extension.
pub(crate) fn stem() -> Result<PathBuf> {
    let folder = root().join("benches/results");
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let name = format!(
        "{}-{}-{}-cores",
        date(SystemTime::now()),
        slug(&cpu()),
        cores()
    );
    Ok(folder.join(name))
}

fn section(options: &Options, title: &str, versions: &str, text: &str) -> Result<()> {
    let about = [
        format!("{}, {} cores, {}", cpu(), cores(), std::env::consts::OS),
        format!("taper {}", commit()),
        versions.to_owned(),
    ];
    let about: Vec<String> = about.into_iter().filter(|part| !part.is_empty()).collect();
    let text = format!(
        "## {title}\n\n`{}`  \n{}\n\n{}\n\n",
        command(options),
        about.join("; "),
        text.trim()
    );
    write(&extended("md")?, &text)
}

/// The measurement as a line of JSON.
fn line(options: &Options, title: &str, finding: &Finding) -> String {
    let samples: Vec<String> = finding
        .samples
        .iter()
        .map(|sample| {
            format!(
                "{{\"name\":{},\"version\":{},\"unit\":{},\"values\":{}}}",
                quoted(&sample.name),
                quoted(&sample.version),
                quoted(sample.unit),
                numbers(&sample.values),
            )
        })
        .collect();
    format!(
        "{{\"date\":{},\"cpu\":{},\"cores\":{},\"command\":{},\"taper\":{},\"measure\":{},\"others\":{:.3},\
         \"figures\":{},\"samples\":[{}]}}\n",
        quoted(&date(SystemTime::now())),
        quoted(&cpu()),
        cores(),
        quoted(&command(options)),
        quoted(&commit()),
        quoted(title),
        finding.others.unwrap_or(0.0),
        numbers(&finding.figures),
        samples.join(","),
    )
}

/// The command with those settings of the environment that change how fast a program is.
fn command(options: &Options) -> String {
    let mut words: Vec<String> = TELLING
        .iter()
        .filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?)))
        .collect();
    words.push(options.command.clone());
    words.join(" ")
}

/// A JSON list of numbers; what is no number becomes null.
fn numbers(values: &[f64]) -> String {
    let number = |value: &f64| match value.is_finite() {
        true => format!("{value:.4}"),
        false => "null".to_owned(),
    };
    let texts: Vec<String> = values.iter().map(number).collect();
    format!("[{}]", texts.join(","))
}

/// A JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn extended(extension: &str) -> Result<PathBuf> {
    Ok(PathBuf::from(format!("{}.{extension}", stem()?.display())))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| path.display().to_string())
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

/// The commit that was measured; `-dirty` where the tree differs from it, results aside.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        Command::new("git")
            .current_dir(root())
            .args(arguments)
            .output()
    };
    let described = git(&["describe", "--always"])
        .ok()
        .filter(|output| output.status.success());
    let Some(output) = described else {
        return concat!("v", env!("CARGO_PKG_VERSION")).to_owned();
    };
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let changes = git(&[
        "status",
        "--porcelain",
        "--",
        ".",
        ":(exclude)benches/results",
    ]);
    match changes {
        Ok(changes) if changes.stdout.is_empty() => name,
        _ => name + "-dirty",
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
    use super::{date, line, numbers, slug};
    use crate::finding::{Finding, Sample};
    use crate::options::{Options, PEERS};
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
    fn names_of_files() {
        assert_eq!(
            slug("AMD EPYC (family 26, model 2)"),
            "amd-epyc-family-26-model-2"
        );
    }

    #[test]
    fn what_is_no_number_is_null() {
        assert_eq!(numbers(&[1.0, f64::NAN]), "[1.0000,null]");
    }

    #[test]
    fn a_line_holds_every_figure() {
        let options = Options::parse("peers", PEERS, "", &[]).unwrap();
        let mut sample = Sample::new("taper", "images/s");
        sample.values = vec![10.0, 12.0];
        let finding = Finding {
            figures: vec![2.0, 2.5],
            samples: vec![sample],
            ..Finding::default()
        };
        let text = line(&options, "cnn", &finding);
        assert!(
            text.contains("\"command\":\"cargo xtask bench peers\""),
            "{text}"
        );
        assert!(text.contains("\"figures\":[2.0000,2.5000]"), "{text}");
        let sample = "{\"name\":\"taper\",\"version\":\"\",\"unit\":\"images/s\",\"values\":[10.0000,12.0000]}";
        assert!(text.contains(sample), "{text}");
        assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
    }
}
