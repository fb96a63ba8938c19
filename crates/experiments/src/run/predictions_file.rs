//! Where the predictions of a job lie: in its folder, as arrays that NumPy reads.

use std::fs;
use std::path::{Path, PathBuf};

use super::folder::RunFolder;
use super::npy;
use super::predictions::{Answers, Predictions};
use super::result::JobResult;
use crate::study::Job;
use crate::{Error, Result};

impl RunFolder {
    /// What the network of a job says of the images it is judged on; `None` if that was not kept.
    ///
    /// # Errors
    /// Files that are damaged, or do not belong to the job's result.
    pub fn predictions(&self, job: &Job) -> Result<Option<Predictions>> {
        match self.result(job)? {
            Some(result) => self.predictions_of(job, &result),
            None => Ok(None),
        }
    }

    /// Keeps what the network of a job says, before its result is written.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_predictions(&self, job: &Job, predictions: &Predictions) -> Result<()> {
        let (images, width) = (predictions.truths.len(), predictions.width);
        let truths = npy::write(&[images], &predictions.truths);
        self.write(&self.truths_file(job), &truths)?;
        let scores = npy::write(&[images, width], &predictions.scores);
        self.write(&self.predictions_file(job), &scores)
    }

    /// As [`predictions`](RunFolder::predictions), of a job whose result is known.
    fn predictions_of(&self, job: &Job, result: &JobResult) -> Result<Option<Predictions>> {
        let path = self.predictions_file(job);
        let Some((shape, scores)) = read::<f32>(&path)? else {
            return Ok(None);
        };
        let wrong = |message: String| Error::run(&path, message);
        let &[_, width] = &shape[..] else {
            return Err(wrong(format!(
                "its shape is {shape:?}, not images × outputs"
            )));
        };
        let truths = self.truths_file(job);
        let (_, truths) = read::<i32>(&truths)?
            .ok_or_else(|| Error::run(&truths, "it is missing beside predictions.npy"))?;
        let found = Predictions::new(width, scores, truths).map_err(wrong)?;
        // Also notices a score that is no number and was one.
        if found.counts() != (result.confusion.clone(), result.unpredicted.clone()) {
            let message = "its predictions are not those that result.json has counted";
            return Err(wrong(message.into()));
        }
        Ok(Some(found))
    }

    /// Which images the network of a job has right.
    pub(super) fn answers(&self, job: &Job, result: Option<&JobResult>) -> Answers {
        let read = result.map(|result| self.predictions_of(job, result));
        match read {
            Some(Ok(Some(predictions))) => Answers::Kept(predictions.right()),
            Some(Err(error)) => Answers::Unreadable(error.to_string()),
            Some(Ok(None)) | None => Answers::NotKept,
        }
    }

    fn predictions_file(&self, job: &Job) -> PathBuf {
        self.job(job).join("predictions.npy")
    }

    fn truths_file(&self, job: &Job) -> PathBuf {
        self.job(job).join("truths.npy")
    }
}

/// An array; `None` if there is no such file.
fn read<T: npy::Item>(path: &Path) -> Result<Option<(Vec<usize>, Vec<T>)>> {
    match fs::read(path) {
        Ok(file) => npy::read(&file)
            .map(Some)
            .map_err(|message| Error::run(path, message)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("reading", path)(error)),
    }
}
