//! All that the launcher itself prints. Whoever reads it may be gone: that is no reason to panic, as the macros of the
//! standard library do.

use std::io::{ErrorKind, Result, Write};

/// Prints a text to standard output; a reader that is gone is no failure.
pub(crate) fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Prints a line to standard error, if anybody reads it.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
