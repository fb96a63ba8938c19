//! What is seen of training: a bar for every job that runs, and a line for every epoch; lines only where nothing can be
//! drawn.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use taper_train::{EpochRecord, Event};

use crate::console::{complain, look, say};
use crate::figures::percent;
use crate::run::{JobEvent, Listener};
use crate::study::{Job, Study};

/// Shows what jobs tell. Clones show in the same place.
#[derive(Clone)]
pub(super) struct Progress {
    shared: Arc<Shared>,
}

struct Shared {
    bars: Option<MultiProgress>,
    running: Mutex<BTreeMap<Job, Running>>,
    /// Width of the longest name.
    width: usize,
    seeds: usize,
    epochs: u64,
}

/// The bar of one job.
struct Running {
    bar: ProgressBar,
    images: u64,
    since: Instant,
}

impl Progress {
    pub(super) fn new(study: &Study, plain: bool) -> Progress {
        // What refuses to draw would swallow the lines above it, too.
        let bars = (!plain && look::draws())
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(10)))
            .filter(|bars| !bars.is_hidden());
        let seeds = study.base().seeds.len();
        let width = study
            .jobs()
            .iter()
            .map(|job| name(job, seeds).chars().count())
            .max()
            .unwrap_or(0);
        let shared = Shared {
            bars,
            running: Mutex::new(BTreeMap::new()),
            width,
            seeds,
            epochs: study.base().epochs,
        };
        Progress {
            shared: Arc::new(shared),
        }
    }

    /// A line for the user, above the bars.
    pub(super) fn note(&self, text: &str) {
        match &self.shared.bars {
            Some(bars) => {
                let _ = bars.println(text);
            }
            None => say(text),
        }
    }

    /// Takes the bars away.
    pub(super) fn finish(&self) {
        if let Some(bars) = &self.shared.bars {
            let _ = bars.clear();
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Job, Running>> {
        self.shared
            .running
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn line(&self, job: &Job, text: &str) {
        let name = name(job, self.shared.seeds);
        self.note(&format!(
            "{name:<width$}  {text}",
            width = self.shared.width
        ));
    }

    fn training(&self, job: &Job, event: &Event<'_>) {
        match *event {
            Event::EpochStarted {
                epoch,
                batches,
                first_batch,
                ..
            } => self.epoch_started(job, epoch, batches, first_batch),
            Event::BatchEnded {
                batch,
                batches,
                loss,
                accuracy,
                images,
                ..
            } => {
                self.batch_ended(job, (batch, batches), loss, accuracy, images);
            }
            Event::Warning(text) => self.warn(job, text),
            Event::ValidationStarted { .. } => {
                if let Some(running) = self.running().get(job) {
                    running.bar.set_message("measuring …");
                }
            }
            Event::EpochEnded(record) => {
                if let Some(running) = self.running().remove(job) {
                    running.bar.finish_and_clear();
                }
                self.line(job, &epoch_line(record, self.shared.epochs));
            }
            _ => {}
        }
    }

    /// To standard error, also where the output goes into a file.
    fn warn(&self, job: &Job, text: &str) {
        let line = format!("warning: {}: {text}", name(job, self.shared.seeds));
        let write = || complain(&line);
        match &self.shared.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn epoch_started(&self, job: &Job, epoch: u64, batches: usize, first_batch: usize) {
        let Some(bars) = &self.shared.bars else {
            return;
        };
        let name = name(job, self.shared.seeds);
        let prefix = format!(
            "{name:<width$}  epoch {epoch}/{}",
            self.shared.epochs,
            width = self.shared.width
        );
        let bar = bars.add(ProgressBar::new(batches as u64));
        bar.set_style(style());
        bar.set_prefix(prefix);
        bar.set_position(first_batch as u64);
        self.running().insert(
            job.clone(),
            Running {
                bar,
                images: 0,
                since: Instant::now(),
            },
        );
    }

    fn batch_ended(
        &self,
        job: &Job,
        (batch, batches): (usize, usize),
        loss: f64,
        accuracy: Option<f64>,
        images: usize,
    ) {
        let mut running = self.running();
        let Some(running) = running.get_mut(job) else {
            return;
        };
        running.images += images as u64;
        let rate = running.images as f64 / running.since.elapsed().as_secs_f64().max(1e-9);
        let left = (batches - batch) as f64 * images as f64 / rate.max(1e-9);
        let left = Duration::try_from_secs_f64(left)
            .unwrap_or_default()
            .as_secs();
        let accuracy = accuracy.map_or_else(String::new, |share| {
            format!("  acc {:6.2} %", share * 100.0)
        });
        let message = format!("loss {loss:.4}{accuracy}  {rate:>6.0} images/s  {left} s left");
        running.bar.set_message(message);
        running.bar.set_position(batch as u64);
    }
}

impl Listener for Progress {
    fn on_event(&self, job: &Job, event: &JobEvent<'_>) {
        match event {
            JobEvent::Skipped => self.line(job, "done already"),
            JobEvent::Started {
                epochs_done: 0,
                batches_done: 0,
            } => {}
            JobEvent::Started {
                epochs_done,
                batches_done,
            } => {
                self.line(
                    job,
                    &format!(
                        "goes on in epoch {} at batch {}",
                        epochs_done + 1,
                        batches_done + 1
                    ),
                );
            }
            JobEvent::Training(event) => self.training(job, event),
            JobEvent::FailedBefore(failure) => {
                self.line(
                    job,
                    &format!("failed before ({failure}); it is tried again"),
                );
            }
            JobEvent::Failed(error) => self.line(job, &format!("failed: {error}")),
            JobEvent::Finished(_) | JobEvent::Stopped => {}
        }
        if matches!(event, JobEvent::Stopped | JobEvent::Failed(_))
            && let Some(running) = self.running().remove(job)
        {
            running.bar.finish_and_clear();
        }
    }
}

fn name(job: &Job, seeds: usize) -> String {
    if seeds > 1 {
        format!("{} seed {}", job.variant, job.seed)
    } else {
        job.variant.clone()
    }
}

fn style() -> ProgressStyle {
    let template = "{prefix}  {bar:24} {pos:>4}/{len}  {msg}";
    ProgressStyle::with_template(template).map_or_else(
        |_| ProgressStyle::default_bar(),
        |style| style.progress_chars("━╸─"),
    )
}

/// Loss and accuracy in training and validation, as Keras prints them.
fn epoch_line(record: &EpochRecord, epochs: u64) -> String {
    let mut text = format!("epoch {}/{epochs}  loss {:.4}", record.epoch, record.loss);
    if let Some(accuracy) = record.accuracy {
        text.push_str(&format!("  acc {}", percent(accuracy)));
    }
    if let Some(loss) = record.val_loss {
        text.push_str(&format!("  val_loss {loss:.4}"));
    }
    if let Some(accuracy) = record.val_accuracy {
        text.push_str(&format!("  val_acc {}", percent(accuracy)));
    }
    text.push_str(&format!(
        "  {:.1} s  {:.0} images/s",
        record.seconds, record.images_per_second
    ));
    text
}
