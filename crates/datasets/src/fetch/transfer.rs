//! Bringing one file here: from one of several mirrors, in as many pieces as it takes.

use super::http::{Answer, Client, Trouble};
use super::options::{Options, Progress};
use crate::{Error, Result};
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// No mirror gets more attempts than this, however many bytes each of them brought.
const MAX_ATTEMPTS: u32 = 100;
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// What is to be brought.
pub(super) struct Content<'a> {
    /// Name for messages and progress.
    pub(super) name: &'a str,
    /// Where it grows.
    pub(super) part: PathBuf,
    /// Bytes, as published.
    pub(super) len: Option<u64>,
    /// More bytes than this are refused.
    pub(super) limit: u64,
    /// How it may begin.
    pub(super) magics: &'a [&'a [u8]],
}

/// Why a file is not here.
pub(super) enum Failure {
    /// This computer's fault (disk, permissions): no mirror can help.
    Local(Error),
    /// One line for every mirror.
    Mirrors(Vec<String>),
}

pub(super) struct Transfer {
    client: Client,
    attempts: u32,
    pause: Duration,
}

impl Transfer {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            client: Client::new(options.timeout),
            attempts: options.attempts.max(1),
            pause: options.pause,
        }
    }

    /// Tries `urls` in turn until `install` accepts what came.
    pub(super) fn fetch<T>(
        &self,
        content: &Content<'_>,
        urls: &[String],
        install: &mut dyn FnMut(&Path) -> Result<T>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<T, Failure> {
        let mut lines = Vec::new();
        for url in urls {
            match self.try_mirror(content, url, install, progress) {
                Ok(installed) => return Ok(installed),
                Err(Trouble::Local(error)) => return Err(Failure::Local(error)),
                Err(Trouble::Passing(reason) | Trouble::Lasting(reason)) => {
                    progress(Progress::MirrorFailed {
                        file: content.name,
                        url,
                        reason: &reason,
                    });
                    lines.push(format!("{url}: {reason}"));
                }
            }
        }
        Err(Failure::Mirrors(lines))
    }

    /// All attempts at one mirror.
    fn try_mirror<T>(
        &self,
        content: &Content<'_>,
        url: &str,
        install: &mut dyn FnMut(&Path) -> Result<T>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<T, Trouble> {
        let mut barren = 0;
        for _ in 0..MAX_ATTEMPTS {
            let before = len(&content.part);
            let reason = match self.attempt(content, url, progress) {
                Ok(()) => match install_whole(content, install, progress) {
                    // Bytes of another attempt, or of another mirror, may not belong together: once from scratch.
                    Err(Trouble::Lasting(_)) if before > 0 => continue,
                    outcome => return outcome,
                },
                Err(Trouble::Passing(reason)) => reason,
                Err(other) => return Err(other),
            };
            barren = if len(&content.part) > before {
                1
            } else {
                barren + 1
            };
            if barren >= self.attempts {
                return Err(Trouble::Passing(format!("{reason} ({barren} attempts)")));
            }
            let wait = (self.pause * 2u32.saturating_pow(barren - 1)).min(MAX_PAUSE);
            progress(Progress::Retry {
                file: content.name,
                url,
                reason: &reason,
                wait,
            });
            sleep(wait);
        }
        Err(Trouble::Passing(format!("cut off {MAX_ATTEMPTS} times")))
    }

    /// One request: what is missing of the file, appended to the part file.
    fn attempt(
        &self,
        content: &Content<'_>,
        url: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Trouble> {
        let have = len(&content.part);
        let answer = match self.client.get(url, have)? {
            // The server has no more bytes than are already here.
            Answer::NothingLeft { total } if total.or(content.len) == Some(have) => return Ok(()),
            Answer::NothingLeft { .. } => {
                discard(&content.part)?;
                return Err(Trouble::Passing(
                    "the partial file is longer than the server's; starting over".into(),
                ));
            }
            Answer::Body(body) => body,
        };
        let total = answer.rest.map(|rest| answer.from + rest);
        if let Some(total) = total.filter(|&total| total > content.limit) {
            return Err(Trouble::Lasting(format!(
                "{total} bytes, more than the {} it can have",
                content.limit
            )));
        }
        let mut body = answer.reader;
        let mut head = Vec::new();
        let head_end = (&mut body).take(512).read_to_end(&mut head);
        if answer.from == 0 {
            recognise(&head, head_end.is_err(), content.magics)?;
        }
        progress(Progress::Started {
            file: content.name,
            url,
            from: answer.from,
            total,
        });
        let mut sink = Sink::open(content, answer.from)?;
        sink.write(&head)?;
        let mut cut = head_end.err();
        let mut buffer = vec![0; 64 << 10];
        while cut.is_none() {
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => sink.write(&buffer[..n])?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => cut = Some(error),
            }
            progress(Progress::Advanced {
                file: content.name,
                bytes: sink.len,
                total: total.or(content.len),
            });
        }
        match (cut, total.or(content.len)) {
            (Some(error), _) => Err(Trouble::Passing(format!(
                "cut off after {} bytes: {error}",
                sink.len
            ))),
            (None, Some(total)) if sink.len < total => Err(Trouble::Passing(format!(
                "cut off after {} of {total} bytes",
                sink.len
            ))),
            _ => Ok(()),
        }
    }
}

/// The part file, which refuses to outgrow its limit.
struct Sink<'a> {
    file: fs::File,
    len: u64,
    content: &'a Content<'a>,
}

impl<'a> Sink<'a> {
    fn open(content: &'a Content<'a>, from: u64) -> Result<Self, Trouble> {
        let mut options = OpenOptions::new();
        let options = if from > 0 {
            options.append(true)
        } else {
            options.write(true).create(true).truncate(true)
        };
        let file = options
            .open(&content.part)
            .map_err(Error::io(&content.part, "write"))
            .map_err(Trouble::Local)?;
        Ok(Self {
            file,
            len: from,
            content,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.len += bytes.len() as u64;
        if self.len > self.content.limit {
            discard(&self.content.part)?;
            return Err(Trouble::Lasting(format!(
                "more than the {} bytes it can have",
                self.content.limit
            )));
        }
        self.file
            .write_all(bytes)
            .map_err(Error::io(&self.content.part, "write"))
            .map_err(Trouble::Local)
    }
}

/// Verifies a whole file. What fails is removed: its bytes are wrong, going on from them cannot help.
fn install_whole<T>(
    content: &Content<'_>,
    install: &mut dyn FnMut(&Path) -> Result<T>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<T, Trouble> {
    progress(Progress::Verifying { file: content.name });
    let outcome = match install(&content.part) {
        Ok(installed) => Ok(installed),
        Err(error @ Error::Io { .. }) => return Err(Trouble::Local(error)),
        Err(error) => Err(Trouble::Lasting(format!(
            "sent a wrong or damaged file: {error}"
        ))),
    };
    discard(&content.part)?;
    outcome
}

fn len(part: &Path) -> u64 {
    fs::metadata(part).map_or(0, |metadata| metadata.len())
}

fn discard(part: &Path) -> Result<(), Trouble> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Trouble::Local(Error::io(part, "remove")(error)))
        }
        _ => Ok(()),
    }
}

/// Looks at the first bytes before anything is written: error pages come with status 200 more often than not.
fn recognise(head: &[u8], cut: bool, magics: &[&[u8]]) -> Result<(), Trouble> {
    if magics.iter().any(|magic| head.starts_with(magic)) {
        return Ok(());
    }
    if cut && head.len() < 2 {
        return Err(Trouble::Passing("cut off before the first bytes".into()));
    }
    let lasting = |text: String| Err(Trouble::Lasting(text));
    if head.trim_ascii_start().starts_with(b"<") {
        return lasting(
            "sent an HTML page instead of the file (a login, consent or error page?)".into(),
        );
    }
    if head.starts_with(b"version https://git-lfs") {
        return lasting("sent a Git LFS pointer instead of the file".into());
    }
    lasting(format!(
        "sent something else than the file; it begins with {:02x?}",
        &head[..head.len().min(8)]
    ))
}
