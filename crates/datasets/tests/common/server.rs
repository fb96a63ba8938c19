//! A web server on this computer that misbehaves as told.
#![allow(unreachable_pub)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How a file is served. All but `NoRanges` know ranges.
#[derive(Clone)]
pub enum Manner {
    Well(Vec<u8>),
    /// A status without content.
    Status(u16),
    /// An HTML page with status 200.
    Html,
    /// HTML again, but declared as something else.
    DisguisedHtml,
    /// Every answer breaks off after so many bytes.
    CutEvery(usize, Vec<u8>),
    /// Answers with the whole file whatever range is asked for; the first answer breaks off in the middle.
    NoRanges(Vec<u8>),
    /// Nothing for so long, then the file.
    Slow(Duration, Vec<u8>),
    /// Says that it will send more than any such file has.
    Endless,
    /// First this status, then the file.
    Recovering(u16, Vec<u8>),
    /// The file, without saying how long it is.
    WithoutLength(Vec<u8>),
}

/// One request: path and the value of its `Range` header.
pub type Request = (String, Option<String>);

pub struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(files: impl IntoIterator<Item = (String, Manner)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let files: HashMap<String, Manner> = files.into_iter().collect();
        let (log, stop) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicBool::new(false)),
        );
        let (log_too, stop_too) = (log.clone(), stop.clone());
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop_too.load(Ordering::SeqCst) {
                    break;
                }
                // A client that goes away in the middle is part of the game.
                let _ = stream.and_then(|stream| answer(stream, &files, &log_too));
            }
        });
        Self {
            address,
            log,
            stop,
            thread: Some(thread),
        }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the listener
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(
    mut stream: TcpStream,
    files: &HashMap<String, Manner>,
    log: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/')
        .to_string();
    let mut range = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((_, value)) = line
            .split_once(':')
            .filter(|(name, _)| name.eq_ignore_ascii_case("range"))
        {
            range = Some(value.trim().to_string());
        }
    }
    let seen = {
        let mut log = log.lock().unwrap();
        let seen = log.iter().filter(|(other, _)| *other == path).count();
        log.push((path.clone(), range.clone()));
        seen
    };
    let from = range
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    match files.get(&path).cloned().unwrap_or(Manner::Status(404)) {
        Manner::Well(bytes) => send(&mut stream, &bytes, from, usize::MAX),
        Manner::Recovering(status, _) if seen == 0 => send_status(&mut stream, status),
        Manner::Recovering(_, bytes) => send(&mut stream, &bytes, from, usize::MAX),
        Manner::CutEvery(n, bytes) => send(&mut stream, &bytes, from, n),
        Manner::NoRanges(bytes) => send(
            &mut stream,
            &bytes,
            0,
            if seen == 0 {
                bytes.len() / 2
            } else {
                usize::MAX
            },
        ),
        Manner::Slow(pause, bytes) => {
            thread::sleep(pause);
            send(&mut stream, &bytes, from, usize::MAX)
        }
        Manner::Status(status) => send_status(&mut stream, status),
        Manner::Html => page(&mut stream, "text/html; charset=utf-8"),
        Manner::DisguisedHtml => page(&mut stream, "application/octet-stream"),
        Manner::Endless => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\nConnection: close\r\n\r\n"
            )?;
            stream.write_all(&[0x1f, 0x8b, 8, 0])
        }
        Manner::WithoutLength(bytes) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&bytes)
        }
    }
}

/// Answers from byte `from` on, and breaks off after `most` bytes.
fn send(stream: &mut TcpStream, bytes: &[u8], from: usize, most: usize) -> std::io::Result<()> {
    let len = bytes.len();
    if from >= len {
        return write!(
            stream,
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{len}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let status = if from > 0 {
        "206 Partial Content"
    } else {
        "200 OK"
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n",
        len - from
    )?;
    if from > 0 {
        write!(stream, "Content-Range: bytes {from}-{}/{len}\r\n", len - 1)?;
    }
    write!(stream, "Connection: close\r\n\r\n")?;
    stream.write_all(&bytes[from..len.min(from.saturating_add(most))])
}

fn send_status(stream: &mut TcpStream, status: u16) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

fn page(stream: &mut TcpStream, kind: &str) -> std::io::Result<()> {
    let text = "<!DOCTYPE html><html><body>Please log in</body></html>";
    let len = text.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{text}"
    )
}
