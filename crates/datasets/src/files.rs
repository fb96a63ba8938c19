//! The files of a data set on disk: finding them in any form, unpacking, and making sure that they are the right
//! ones.

use crate::catalog::entry::{Entry, File};
use crate::idx::{ElementType, Header, Idx, read_gzip_header};
use crate::records::{Recorded, Stamps};
use crate::{Error, Location, Result};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use taper_files::atomic::AtomicFile;
use taper_files::gzip::Gunzip;
use taper_files::sha256::Sha256;
use taper_files::zip;

/// The form in which a file lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Plain IDX.
    Raw,
    /// IDX in gzip.
    Gzip,
    /// Gzip in the data set's ZIP archive.
    Archive,
}

/// Why a file is taken for the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It has the published SHA-256 (raw, or of the gzip file it came from).
    Published,
    /// It has the SHA-256 that was recorded when it was first used.
    Recorded,
    /// No digest was known. This one is recorded now (if the folder can be written), so that later changes will be
    /// noticed; the user should be told.
    FirstUse,
}

/// What is known of a file of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// Name of the raw file.
    pub name: &'static str,
    /// Where it lies and in which form; `None` when missing.
    pub found: Option<(PathBuf, Form)>,
    /// Bytes on disk in that form.
    pub bytes: Option<u64>,
    /// Bytes of the raw file, as its shape demands.
    pub raw_bytes: u64,
    /// What checking said.
    pub verdict: Verdict,
}

/// Result of checking a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is no such file.
    Missing,
    /// Present; nobody looked inside.
    NotChecked,
    /// The right one.
    Sound {
        /// Hexadecimal SHA-256 of the raw content.
        digest: String,
        /// How it is known.
        trust: Trust,
    },
    /// Not the right one, or damaged: the message says how.
    Bad(String),
}

/// What there is, without reading it.
pub fn info(entry: &Entry, location: &Location) -> Vec<FileStatus> {
    let status = |(file, shape): (File, Vec<usize>)| {
        let found = locate(entry, file, location);
        let verdict = if found.is_some() {
            Verdict::NotChecked
        } else {
            Verdict::Missing
        };
        status(file, &shape, found, verdict)
    };
    entry.files().into_iter().map(status).collect()
}

/// Reads every file to the end and checks format, shape and SHA-256. Never writes, and trusts no earlier check.
pub fn verify(entry: &Entry, location: &Location) -> Vec<FileStatus> {
    let check = |(file, shape): (File, Vec<usize>)| {
        let Some((path, form)) = locate(entry, file, location) else {
            return status(file, &shape, None, Verdict::Missing);
        };
        let recorded = Recorded::load(&location.dir).digest(file.name);
        let checked = match form {
            Form::Raw => open_raw(&shape, &path).and_then(|idx| {
                let digest = idx.sha256()?;
                judge(file, &path, &digest, None, recorded.as_deref()).map(|trust| (digest, trust))
            }),
            _ => read_packed(
                file,
                &shape,
                &path,
                form,
                &mut io::sink(),
                recorded.as_deref(),
            ),
        };
        let verdict = match checked {
            Ok((digest, trust)) => Verdict::Sound { digest, trust },
            Err(error) => Verdict::Bad(error.to_string()),
        };
        status(file, &shape, Some((path, form)), verdict)
    };
    entry.files().into_iter().map(check).collect()
}

/// An open, verified file.
pub(crate) struct Opened {
    pub(crate) name: &'static str,
    pub(crate) idx: Idx,
    pub(crate) digest: String,
    pub(crate) status: FileStatus,
}

/// Opens the four files of an entry, or says which are missing.
pub(crate) fn open_all(entry: &Entry, location: &Location) -> Result<Vec<Opened>> {
    let files = entry.files();
    let missing: Vec<String> = files
        .iter()
        .filter(|(file, _)| locate(entry, *file, location).is_none())
        .map(|(file, _)| file.name.to_string())
        .collect();
    if !missing.is_empty() {
        let mut searched = location.search(entry).to_vec();
        searched.extend(location.bundled.clone());
        return Err(Error::Missing {
            dataset: entry.name.into(),
            files: missing,
            searched,
            help: entry.help(),
        });
    }
    files
        .iter()
        .map(|(file, shape)| open_one(entry, *file, shape, location))
        .collect()
}

fn open_one(entry: &Entry, file: File, shape: &[usize], location: &Location) -> Result<Opened> {
    let (path, form) = locate(entry, file, location).ok_or_else(|| Error::Missing {
        dataset: entry.name.into(),
        files: vec![file.name.into()],
        searched: location.search(entry).to_vec(),
        help: entry.help(),
    })?;
    let opened = |idx: Idx, (digest, trust): (String, Trust), found| {
        let verdict = Verdict::Sound {
            digest: digest.clone(),
            trust,
        };
        Opened {
            name: file.name,
            idx,
            digest,
            status: status(file, shape, Some(found), verdict),
        }
    };
    if form == Form::Raw {
        let idx = open_raw(shape, &path)?;
        let checked = check_raw(file, &idx, &path, &location.dir)?;
        return Ok(opened(idx, checked, (path, form)));
    }
    match unpack(file, shape, &path, form, &location.dir) {
        Ok((target, checked)) => Ok(opened(
            open_raw(shape, &target)?,
            checked,
            (target, Form::Raw),
        )),
        Err(error) if error.is_read_only() => {
            let mut bytes = Vec::new();
            let recorded = Recorded::load(&location.dir).digest(file.name);
            let checked = read_packed(file, shape, &path, form, &mut bytes, recorded.as_deref())?;
            Ok(opened(Idx::from_bytes(bytes)?, checked, (path, form)))
        }
        Err(error) => Err(error),
    }
}

/// Unpacks a gzip file, or a member of an archive, to its raw file in `dir`. It is verified before it gets its
/// name there.
pub(crate) fn unpack(
    file: File,
    shape: &[usize],
    path: &Path,
    form: Form,
    dir: &Path,
) -> Result<(PathBuf, (String, Trust))> {
    let target = dir.join(file.name);
    let recorded = Recorded::load(dir).digest(file.name);
    let mut out = AtomicFile::create_all(&target)?;
    let (digest, trust) = read_packed(file, shape, path, form, &mut out, recorded.as_deref())?;
    out.commit()?;
    note(file, &target, &digest, dir);
    Ok((target, (digest, trust)))
}

/// Puts a downloaded raw file in its place in `dir`, if it is the right one.
#[cfg(feature = "fetch")]
pub(crate) fn adopt_raw(
    file: File,
    shape: &[usize],
    path: &Path,
    dir: &Path,
) -> Result<(PathBuf, (String, Trust))> {
    let target = dir.join(file.name);
    let recorded = Recorded::load(dir).digest(file.name);
    let digest = open_raw(shape, path)?.sha256()?;
    let trust = judge(file, path, &digest, None, recorded.as_deref())?;
    fs::rename(path, &target).map_err(Error::io(&target, "put in place"))?;
    note(file, &target, &digest, dir);
    Ok((target, (digest, trust)))
}

/// Digest of a raw file: from its stamp if it has not changed since, else by reading it.
fn check_raw(file: File, idx: &Idx, path: &Path, dir: &Path) -> Result<(String, Trust)> {
    let stamped = Stamps::load(dir).digest(path);
    let digest = match &stamped {
        Some(digest) => digest.clone(),
        None => idx.sha256()?,
    };
    let recorded = Recorded::load(dir).digest(file.name);
    let trust = judge(file, path, &digest, None, recorded.as_deref())?;
    if stamped.is_none() {
        note(file, path, &digest, dir);
    }
    Ok((digest, trust))
}

/// Writes down that a raw file has been verified, and its digest if none is published. Both only spare work or
/// add safety later, so a folder that cannot be written is no error.
fn note(file: File, path: &Path, digest: &str, dir: &Path) {
    let _ = Stamps::load(dir).set(path, digest);
    if file.raw_sha256.is_none() {
        let _ = Recorded::load(dir).set(file.name, digest);
    }
}

/// Copies the unpacked content of `path` to `out`, having checked its shape, and judges it at the end.
fn read_packed(
    file: File,
    shape: &[usize],
    path: &Path,
    form: Form,
    out: &mut dyn Write,
    recorded: Option<&str>,
) -> Result<(String, Trust)> {
    let packed: Box<dyn Read> = match form {
        Form::Archive => zip::open_member(path, &format!("{}.gz", file.name))?
            .ok_or_else(|| Error::contents(path, format!("holds no {}.gz", file.name)))?,
        _ => Box::new(fs::File::open(path).map_err(Error::io(path, "open"))?),
    };
    let mut gunzip = Gunzip::new(packed, path);
    let header = read_gzip_header(&mut gunzip, path)?;
    check_shape(&header, shape, path)?;
    let mut hash = Sha256::new();
    let mut emit = |bytes: &[u8]| {
        hash.update(bytes);
        out.write_all(bytes).map_err(Error::io(path, "unpack"))
    };
    emit(&header.to_bytes())?;
    let (mut left, mut buffer) = (header.data_len(), vec![0; 64 << 10]);
    while left > 0 {
        let wanted = left.min(buffer.len());
        match gunzip.read(&mut buffer[..wanted]) {
            Ok(0) => {
                let offset = header.file_len() - left as u64;
                let expected = format!("{} unpacked bytes", header.file_len());
                return Err(Error::format(
                    path,
                    offset,
                    expected,
                    "the end of the gzip data",
                ));
            }
            Ok(n) => {
                emit(&buffer[..n])?;
                left -= n;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(gunzip.explain(error).into()),
        }
    }
    let packed_digest = gunzip.finish()?;
    let digest = hash.hex();
    let trust = judge(file, path, &digest, Some(&packed_digest), recorded)?;
    Ok((digest, trust))
}

/// Decides by the digests whether a file is the right one. A published raw digest is decisive; then a published
/// gzip digest; then what was recorded at first use.
fn judge(
    file: File,
    path: &Path,
    raw: &str,
    gz: Option<&str>,
    recorded: Option<&str>,
) -> Result<Trust> {
    let wrong = |expected: &str, found: &str, origin, advice: String| {
        let (expected, found) = (expected.to_string(), found.to_string());
        Err(Error::Digest {
            path: path.to_path_buf(),
            expected,
            found,
            origin,
            advice,
        })
    };
    let again = "the file is damaged or another one; remove it, and it is unpacked or fetched anew"
        .to_string();
    match (file.raw_sha256, file.gz_sha256, gz) {
        (Some(expected), _, _) if expected == raw => Ok(Trust::Published),
        (Some(expected), _, _) => wrong(expected, raw, "published", again),
        (None, Some(expected), Some(gz)) if expected == gz => Ok(Trust::Published),
        (None, published, gz) => match (recorded, published, gz) {
            (Some(recorded), _, _) if recorded == raw => Ok(Trust::Recorded),
            (None, Some(published), Some(gz)) => {
                let advice =
                    "if you trust it nevertheless, unpack it by hand beside it".to_string();
                wrong(published, gz, "published for the gzip file", advice)
            }
            (None, _, _) => Ok(Trust::FirstUse),
            (Some(recorded), _, _) => {
                let advice = format!(
                    "if it changed on purpose, remove its line from {}",
                    Recorded::NAME
                );
                wrong(recorded, raw, "recorded at first use", advice)
            }
        },
    }
}

fn open_raw(shape: &[usize], path: &Path) -> Result<Idx> {
    let idx = Idx::open(path)?;
    check_shape(idx.header(), shape, path)?;
    Ok(idx)
}

fn check_shape(header: &Header, shape: &[usize], path: &Path) -> Result<()> {
    if header.element_type() == ElementType::U8 && header.shape() == shape {
        return Ok(());
    }
    let found = format!("{} {:?}", header.element_type().name(), header.shape());
    Err(Error::format(path, 2, format!("u8 {shape:?}"), found))
}

pub(crate) fn status(
    file: File,
    shape: &[usize],
    found: Option<(PathBuf, Form)>,
    verdict: Verdict,
) -> FileStatus {
    let bytes = found
        .as_ref()
        .and_then(|(path, _)| fs::metadata(path).ok())
        .map(|metadata| metadata.len());
    let raw_bytes = 4 + 4 * shape.len() as u64 + shape.iter().product::<usize>() as u64;
    FileStatus {
        name: file.name,
        found,
        bytes,
        raw_bytes,
        verdict,
    }
}

/// The first form of a file that exists: raw before gzip before archive, the user's folders before the bundled.
/// `train-images.idx3-ubyte`, as some unpackers name it, is as good as `train-images-idx3-ubyte`.
fn locate(entry: &Entry, file: File, location: &Location) -> Option<(PathBuf, Form)> {
    let own = location.search(entry);
    let names = [file.name.to_string(), file.name.replace("-idx", ".idx")];
    let find = |folders: &[PathBuf], suffix: &str, form: Form| {
        folders
            .iter()
            .flat_map(|folder| {
                names
                    .iter()
                    .map(move |name| folder.join(format!("{name}{suffix}")))
            })
            .find(|path| path.is_file())
            .map(|path| (path, form))
    };
    let archive = || {
        let name = entry.archive?.name;
        let path = own
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())?;
        Some((path, Form::Archive))
    };
    let bundled = location.bundled.as_slice();
    find(&own, "", Form::Raw)
        .or_else(|| find(&own, ".gz", Form::Gzip))
        .or_else(archive)
        .or_else(|| find(bundled, ".gz", Form::Gzip))
        .or_else(|| find(bundled, "", Form::Raw))
}
