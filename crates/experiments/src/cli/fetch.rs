//! `taper data fetch`: downloads with a progress bar.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use taper_datasets::Location;
use taper_datasets::catalog::Entry;
use taper_datasets::fetch::{self, Progress};

use super::status::status_line;
use crate::console::{look, say};
use crate::figures::thousands;

pub(super) fn fetch(entry: &Entry, location: &Location) -> anyhow::Result<bool> {
    say(format!("{} into {}", entry.title, location.dir.display()));
    let bar = ProgressBar::with_draw_target(
        None,
        match look::draws() {
            true => ProgressDrawTarget::stdout(),
            false => ProgressDrawTarget::hidden(),
        },
    );
    if let Ok(style) = ProgressStyle::with_template(
        "{msg}  {bar:24} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
    ) {
        bar.set_style(style);
    }
    let mut show = |progress: Progress<'_>| match progress {
        Progress::Present { file } => {
            bar.suspend(|| say(format!("{file}: already here and sound")))
        }
        Progress::Started {
            file,
            url,
            from,
            total,
        } => {
            let again = if from > 0 {
                format!(", going on at byte {}", thousands(from as usize))
            } else {
                String::new()
            };
            bar.suspend(|| say(format!("{file}: from {url}{again}")));
            bar.set_message(file.to_owned());
            bar.set_length(total.unwrap_or(0));
            bar.set_position(from);
        }
        Progress::Advanced { bytes, .. } => bar.set_position(bytes),
        Progress::Retry {
            url, reason, wait, ..
        } => {
            bar.suspend(|| {
                say(format!(
                    "  {url}: {reason}; trying again in {:.1} s",
                    wait.as_secs_f64()
                ))
            });
        }
        Progress::Waiting { dir } => {
            let dir = dir.display();
            bar.suspend(|| {
                say(format!(
                    "another process is fetching into {dir}; waiting for it"
                ))
            });
        }
        Progress::MirrorFailed { url, reason, .. } => {
            bar.suspend(|| say(format!("  {url}: {reason}")))
        }
        Progress::Done { status } => bar.suspend(|| say(status_line(status))),
        _ => {}
    };
    let fetched = fetch::fetch(entry, &location.dir, &mut show);
    bar.finish_and_clear();
    fetched?;
    Ok(true)
}
