//! Everything that is printed goes through here, so that one rule holds for all of it: work goes on when nobody reads
//! any more, and what could not be written is told at the end instead of being lost. [`look`] decides how it looks.

pub mod look;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What has become of standard output.
enum Output {
    Open,
    /// Whoever read it has had enough, or the terminal is gone: no fault of ours.
    Closed,
    /// It could not be written, as on a full disk.
    Failed(io::Error),
}

static OUTPUT: Mutex<Output> = Mutex::new(Output::Open);

/// Prints a text and a line's end to standard output. It never fails: when the reader is gone, what follows is dropped
/// and the work goes on; any other fault is kept for [`ended`].
pub fn say(text: impl AsRef<str>) {
    let mut output = output();
    if !matches!(*output, Output::Open) {
        return;
    }
    let line = format!("{}\n", look::letters(text.as_ref()));
    match write(&mut io::stdout().lock(), line.as_bytes()) {
        Ok(()) => {}
        Err(error) if is_gone(&error) => *output = Output::Closed,
        Err(error) => *output = Output::Failed(error),
    }
}

/// Prints a text and a line's end to standard error, if anybody reads it.
pub fn complain(text: impl AsRef<str>) {
    let line = format!("{}\n", look::letters(text.as_ref()));
    // There is no other place to tell that this one does not work.
    let _ = write(&mut io::stderr().lock(), line.as_bytes());
}

/// Prints a text without a line's end to standard error: progress of what takes long.
pub fn murmur(text: impl AsRef<str>) {
    let _ = write(
        &mut io::stderr().lock(),
        look::letters(text.as_ref()).as_bytes(),
    );
}

/// The exit code of work that ended with `code`: the same, unless it went well and its output could not be written. A
/// fault of the output is told on standard error; a reader that is gone is none.
#[must_use]
pub fn ended(code: ExitCode) -> ExitCode {
    let Output::Failed(error) = &*output() else {
        return code;
    };
    complain(format!(
        "error: standard output could not be written: {error}"
    ));
    if code == ExitCode::SUCCESS {
        ExitCode::FAILURE
    } else {
        code
    }
}

fn output() -> MutexGuard<'static, Output> {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the reader is gone: a closed pipe, or a terminal that hung up.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe || look::is_terminal()
}

/// Writes all of it. A pipe that another program has set not to wait is waited for here.
fn write(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match patiently(|| to.write(bytes))? {
            0 => return Err(ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    patiently(|| to.flush())
}

fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match act() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at a time, and is not always ready.
    struct Slow {
        taken: Vec<u8>,
        turn: usize,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.turn += 1;
            match self.turn % 3 {
                0 => Err(ErrorKind::WouldBlock.into()),
                1 => Err(ErrorKind::Interrupted.into()),
                _ => {
                    let some = bytes.len().min(3);
                    self.taken.extend_from_slice(&bytes[..some]);
                    Ok(some)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_that_is_not_ready_gets_everything() {
        let mut slow = Slow {
            taken: Vec::new(),
            turn: 0,
        };
        write(&mut slow, b"a line that is long\n").expect("written in the end");
        assert_eq!(slow.taken, b"a line that is long\n");
        let full: &mut [u8] = &mut [0; 4];
        let error = write(&mut { full }, b"too long").expect_err("no room");
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    }
}
