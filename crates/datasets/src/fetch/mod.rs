//! Downloads: mirrors in turn, retries with growing pauses, partial files resumed, everything verified before it
//! gets its name.
//!
//! A file grows as `<name>.gz.part` and stays when a download is interrupted; the next one goes on from there.
//! When it is whole it is unpacked and verified (format, shape, SHA-256) under a temporary name, and only then
//! renamed to what [`catalog::open`](crate::catalog::open) looks for. What fails is not put in place, and a file
//! that is already there is never overwritten. Several processes may fetch into one folder: they take turns.

mod http;
mod options;
mod transfer;

pub use options::{Options, Progress};

use crate::catalog::entry::{Archive, Entry, File};
use crate::files::{self, FileStatus, Form, Packed, Verdict};
use crate::{Error, Location, Result};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use taper_files::lock::FolderLock;
use taper_files::sha256::Sha256;
use taper_files::{gzip, leftovers};
use transfer::{Content, Transfer};

/// Makes sure that the files of `entry` are in `dir`, downloading what is missing, with the default [`Options`].
///
/// # Errors
/// See [`fetch_with`].
pub fn fetch(
    entry: &Entry,
    dir: impl AsRef<Path>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<FileStatus>> {
    fetch_with(entry, dir, &Options::default(), progress)
}

/// Makes sure that the files of `entry` are in `dir`, downloading what is missing. If the mirrors fail and there
/// is an archive of the data set, that is downloaded (and kept, since it may hold other data sets as well).
///
/// # Errors
/// [`Error::Download`] with every mirror tried and why it failed; [`Error::Contents`] for a file that is in the
/// way; [`Error::Io`] when `dir` cannot be written.
pub fn fetch_with(
    entry: &Entry,
    dir: impl AsRef<Path>,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<FileStatus>> {
    let dir = dir.as_ref();
    fs::create_dir_all(dir).map_err(Error::io(dir, "create the folder"))?;
    // One at a time: two would write to the same part of a file. Whoever has waited finds the files there.
    // (A folder that cannot be written may still hold all that is wanted.)
    let _lock = FolderLock::wait(dir, || progress(Progress::Waiting { dir })).ok();
    leftovers::remove(dir);
    let location = Location {
        dir: dir.to_path_buf(),
        bundled: None,
    };
    let mut fetcher = Fetcher {
        entry,
        dir,
        transfer: Transfer::new(options),
        options,
        progress,
        archive: None,
    };
    let present = files::verify(entry, &location);
    let files = entry.files();
    let mut statuses = Vec::new();
    for (status, (file, shape)) in present.into_iter().zip(&files) {
        statuses.push(fetcher.ensure(status, *file, shape)?);
    }
    Ok(statuses)
}

struct Fetcher<'a> {
    entry: &'a Entry,
    dir: &'a Path,
    transfer: Transfer,
    options: &'a Options,
    progress: &'a mut dyn FnMut(Progress<'_>),
    /// The archive, once it has been downloaded for one of the files.
    archive: Option<PathBuf>,
}

impl Fetcher<'_> {
    /// Leaves a sound file alone, fetches a missing one, and refuses to touch any other.
    fn ensure(&mut self, status: FileStatus, file: File, shape: &[usize]) -> Result<FileStatus> {
        match (&status.verdict, &status.found) {
            (Verdict::Sound { .. }, Some((path, Form::Archive))) => {
                let path = path.clone();
                self.take_from_archive(file, shape, &path)
            }
            (Verdict::Sound { .. }, _) => {
                (self.progress)(Progress::Present { file: file.name });
                Ok(status)
            }
            (Verdict::Bad(why), Some((path, _))) => {
                let message = format!(
                    "is in the way and not what it should be: {why}; move it away and fetch again"
                );
                Err(Error::contents(path, message))
            }
            _ => self.download(file, shape),
        }
    }

    fn download(&mut self, file: File, shape: &[usize]) -> Result<FileStatus> {
        if let Some(archive) = self.archive.clone() {
            return self.take_from_archive(file, shape, &archive);
        }
        let name = format!("{}.gz", file.name);
        let bases = match &self.options.mirrors {
            Some(bases) => bases.clone(),
            None => self.entry.mirrors.iter().map(ToString::to_string).collect(),
        };
        let urls: Vec<String> = bases
            .iter()
            .map(|base| format!("{}/{name}", base.trim_end_matches('/')))
            .collect();
        let raw_len = 4 + 4 * shape.len() as u64 + shape.iter().product::<usize>() as u64;
        let content = Content {
            name: &name,
            part: self.dir.join(format!("{name}.part")),
            len: file.gz_len,
            // Deflate adds at most 5 bytes to 16 kB that it cannot compress; gzip adds a short frame.
            limit: file
                .gz_len
                .unwrap_or(0)
                .max(raw_len + raw_len / 1000 + (64 << 10)),
            magics: &[&gzip::MAGIC, &[0, 0]],
        };
        let (dir, progress) = (self.dir, &mut *self.progress);
        let mut install = |part: &Path| install(file, shape, part, dir);
        let mut failures = match self.transfer.fetch(&content, &urls, &mut install, progress) {
            Ok((path, (digest, trust))) => {
                return Ok(self.done(file, shape, path, Verdict::Sound { digest, trust }));
            }
            Err(transfer::Failure::Local(error)) => return Err(error),
            Err(transfer::Failure::Mirrors(failures)) => failures,
        };
        match self.entry.archive {
            Some(archive) => {
                let path = self.download_archive(archive, &name, &mut failures)?;
                self.archive = Some(path.clone());
                self.take_from_archive(file, shape, &path)
            }
            None => Err(self.failed(&name, failures)),
        }
    }

    fn download_archive(
        &mut self,
        archive: &Archive,
        wanted: &str,
        failures: &mut Vec<String>,
    ) -> Result<PathBuf> {
        let target = self.dir.join(archive.name);
        let urls: Vec<String> = match &self.options.mirrors {
            Some(bases) => bases
                .iter()
                .map(|base| format!("{}/{}", base.trim_end_matches('/'), archive.name))
                .collect(),
            None => archive.urls.iter().map(ToString::to_string).collect(),
        };
        let content = Content {
            name: archive.name,
            part: self.dir.join(format!("{}.part", archive.name)),
            len: Some(archive.len),
            limit: archive.len,
            magics: &[b"PK"],
        };
        let mut install = |part: &Path| -> Result<()> {
            let found = hash_file(part)?;
            if found != archive.sha256 {
                let advice = "it is not put in place".to_string();
                let (path, expected) = (part.to_path_buf(), archive.sha256.to_string());
                return Err(Error::Digest {
                    path,
                    expected,
                    found,
                    origin: "published",
                    advice,
                });
            }
            fs::rename(part, &target).map_err(Error::io(&target, "put in place"))
        };
        match self
            .transfer
            .fetch(&content, &urls, &mut install, &mut *self.progress)
        {
            Ok(()) => Ok(target),
            Err(transfer::Failure::Local(error)) => Err(error),
            Err(transfer::Failure::Mirrors(more)) => {
                failures.extend(more);
                Err(self.failed(wanted, std::mem::take(failures)))
            }
        }
    }

    fn take_from_archive(
        &mut self,
        file: File,
        shape: &[usize],
        archive: &Path,
    ) -> Result<FileStatus> {
        (self.progress)(Progress::Verifying { file: file.name });
        let (path, (digest, trust)) = {
            let packed = Packed::placed(archive, Form::Archive);
            files::unpack(file, shape, packed, self.dir)?
        };
        Ok(self.done(file, shape, path, Verdict::Sound { digest, trust }))
    }

    fn done(&mut self, file: File, shape: &[usize], path: PathBuf, verdict: Verdict) -> FileStatus {
        let status = files::status(file, shape, Some((path, Form::Raw)), verdict);
        (self.progress)(Progress::Done { status: &status });
        status
    }

    fn failed(&self, file: &str, attempts: Vec<String>) -> Error {
        let dir = self.dir.display();
        let names = self
            .entry
            .files()
            .map(|(file, _)| format!("{}.gz", file.name))
            .join(", ");
        let help = format!(
            "without network here: download {names} elsewhere, place them in {dir} or any folder, and give that \
             with --data-dir (unpacked files are as good); what has arrived is kept and resumed next time"
        );
        let attempts = attempts
            .into_iter()
            .map(|line| format!("  {line}"))
            .collect();
        Error::Download {
            dataset: self.entry.name.into(),
            file: file.into(),
            attempts,
            help,
        }
    }
}

type Installed = (PathBuf, (String, crate::Trust));

/// Verifies a whole download, gzip or (from servers that unpack on the way) raw, and puts it in place.
fn install(file: File, shape: &[usize], part: &Path, dir: &Path) -> Result<Installed> {
    let mut start = Vec::new();
    let source = fs::File::open(part).map_err(Error::io(part, "open"))?;
    source
        .take(2)
        .read_to_end(&mut start)
        .map_err(Error::io(part, "read"))?;
    if start == gzip::MAGIC {
        files::unpack(file, shape, Packed::downloaded(part), dir)
    } else {
        files::adopt_raw(file, shape, part, dir)
    }
}

fn hash_file(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).map_err(Error::io(path, "open"))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).map_err(Error::io(path, "read"))? {
            0 => return Ok(hash.hex()),
            n => hash.update(&buffer[..n]),
        }
    }
}
