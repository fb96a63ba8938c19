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
use taper_files::gzip::{self, Gunzip};
use taper_files::leftovers;
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
    /// It has the published SHA-256: raw, or, where that is not known, that of the gzip file it came from.
    Published,
    /// It has the SHA-256 that was recorded when it was first used.
    Recorded,
    /// No digest was known. This one is recorded now (if the folder can be written), so that later changes will be
    /// noticed; the user should be told.
    FirstUse,
}

/// What is known of a file of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
                let trust = judge(file, &path, &digest, Origin::Plain, recorded.as_deref())?;
                Ok((digest, trust))
            }),
            _ => {
                let packed = Packed::placed(&path, form);
                read_packed(file, &shape, packed, &mut io::sink(), recorded.as_deref())
            }
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
    leftovers::remove(&location.dir);
    let files = entry.files();
    let missing: Vec<String> = files
        .iter()
        .filter(|(file, _)| locate(entry, *file, location).is_none())
        .map(|(file, _)| file.name.to_string())
        .collect();
    if !missing.is_empty() {
        let mut searched = location.search(entry).to_vec();
        searched.extend(location.others(entry));
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
    let packed = Packed::placed(&path, form);
    let unpacked = free_name(file, &location.dir)
        .map(|target| unpack_to(file, shape, packed, &location.dir, target));
    match unpacked {
        Some(Ok((target, checked))) => Ok(opened(
            open_raw(shape, &target)?,
            checked,
            (target, Form::Raw),
        )),
        Some(Err(error)) if !error.is_read_only() => Err(error),
        _ => {
            let mut bytes = Vec::new();
            let recorded = Recorded::load(&location.dir).digest(file.name);
            let checked = read_packed(file, shape, packed, &mut bytes, recorded.as_deref())?;
            Ok(opened(Idx::from_bytes(bytes)?, checked, (path, form)))
        }
    }
}

/// Where a file can be unpacked to without replacing what a user has placed there: a gzip file may have either name.
fn free_name(file: File, dir: &Path) -> Option<PathBuf> {
    let names = names(file).map(|name| dir.join(name));
    let is_free = |path: &PathBuf| form_of(path) != Some(Form::Gzip);
    names.into_iter().find(is_free)
}

/// A file that is to be unpacked.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a> {
    path: &'a Path,
    form: Form,
    /// Whether a published digest of the gzip file must be met.
    as_published: bool,
}

impl<'a> Packed<'a> {
    /// What a user or a package has placed somewhere, compressed by whomever.
    pub(crate) fn placed(path: &'a Path, form: Form) -> Self {
        Self {
            path,
            form,
            as_published: false,
        }
    }

    /// A gzip file that has just come from a mirror.
    #[cfg(feature = "fetch")]
    pub(crate) fn downloaded(path: &'a Path) -> Self {
        Self {
            path,
            form: Form::Gzip,
            as_published: true,
        }
    }
}

/// How the content of a file came here.
enum Origin<'a> {
    Plain,
    /// From a gzip file of this digest.
    Gzip {
        digest: &'a str,
        as_published: bool,
    },
}

/// Unpacks a gzip file, or a member of an archive, to its raw file in `dir`. It is verified before it gets its
/// name there.
#[cfg(feature = "fetch")]
pub(crate) fn unpack(
    file: File,
    shape: &[usize],
    packed: Packed<'_>,
    dir: &Path,
) -> Result<(PathBuf, (String, Trust))> {
    unpack_to(file, shape, packed, dir, dir.join(file.name))
}

fn unpack_to(
    file: File,
    shape: &[usize],
    packed: Packed<'_>,
    dir: &Path,
    target: PathBuf,
) -> Result<(PathBuf, (String, Trust))> {
    let recorded = Recorded::load(dir).digest(file.name);
    let mut out = AtomicFile::create_all(&target)?;
    let (digest, trust) = read_packed(file, shape, packed, &mut out, recorded.as_deref())?;
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
    let trust = judge(file, path, &digest, Origin::Plain, recorded.as_deref())?;
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
    let trust = judge(file, path, &digest, Origin::Plain, recorded.as_deref())?;
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
    Packed {
        path,
        form,
        as_published,
    }: Packed<'_>,
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
    let origin = Origin::Gzip {
        digest: &packed_digest,
        as_published,
    };
    let trust = judge(file, path, &digest, origin, recorded)?;
    Ok((digest, trust))
}

/// Decides by the digests whether a file is the right one. A published raw digest is decisive. Where none is known, a
/// gzip file that is the published one vouches for its content; then counts what was recorded at first use. Another gzip
/// file may hold the same content: that it is not the published one is held against a download alone.
fn judge(
    file: File,
    path: &Path,
    raw: &str,
    origin: Origin<'_>,
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
    if let Some(expected) = file.raw_sha256 {
        let advice =
            "the file is damaged or another one; remove it, and it is unpacked or fetched anew";
        return match expected == raw {
            true => Ok(Trust::Published),
            false => wrong(expected, raw, "published", advice.to_string()),
        };
    }
    let (packed, as_published) = match origin {
        Origin::Plain => (None, false),
        Origin::Gzip {
            digest,
            as_published,
        } => (Some(digest), as_published),
    };
    match (recorded, file.gz_sha256, packed) {
        (_, Some(published), Some(packed)) if published == packed => Ok(Trust::Published),
        (Some(recorded), _, _) if recorded == raw => Ok(Trust::Recorded),
        (Some(recorded), _, _) => {
            let advice = format!(
                "if it changed on purpose, remove its line from {}",
                Recorded::NAME
            );
            wrong(recorded, raw, "recorded at first use", advice)
        }
        (None, Some(published), Some(packed)) if as_published => {
            let advice = "if you trust it nevertheless, place it in the folder by hand".to_string();
            wrong(published, packed, "published for the gzip file", advice)
        }
        (None, _, _) => Ok(Trust::FirstUse),
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

/// The first form of a file that exists: raw before gzip before archive, the user's folders before those of others.
fn locate(entry: &Entry, file: File, location: &Location) -> Option<(PathBuf, Form)> {
    let (own, others) = (location.search(entry), location.others(entry));
    let find = |folders: &[PathBuf], wanted: Form| {
        let paths = folders.iter().flat_map(|folder| {
            let names = names(file).into_iter();
            names.flat_map(move |name| [folder.join(&name), folder.join(name + ".gz")])
        });
        let mut found = paths.filter_map(|path| Some((form_of(&path)?, path)));
        found
            .find(|(form, _)| *form == wanted)
            .map(|(form, path)| (path, form))
    };
    let archive = || {
        let name = entry.archive?.name;
        let path = own
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())?;
        Some((path, Form::Archive))
    };
    find(&own, Form::Raw)
        .or_else(|| find(&own, Form::Gzip))
        .or_else(archive)
        .or_else(|| find(&others, Form::Gzip))
        .or_else(|| find(&others, Form::Raw))
}

/// `train-images.idx3-ubyte`, as some unpackers name it, is as good as `train-images-idx3-ubyte`.
fn names(file: File) -> [String; 2] {
    [file.name.to_string(), file.name.replace("-idx", ".idx")]
}

/// Whether a file is gzip or plain, by its first bytes: browsers and servers unpack files and leave them their names.
/// `None` if there is no file; one that cannot be read is what its name says.
fn form_of(path: &Path) -> Option<Form> {
    if !path.is_file() {
        return None;
    }
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(2).read_to_end(&mut start));
    let gzip = match read {
        Ok(_) => start == gzip::MAGIC,
        Err(_) => path.extension().is_some_and(|extension| extension == "gz"),
    };
    Some(if gzip { Form::Gzip } else { Form::Raw })
}
