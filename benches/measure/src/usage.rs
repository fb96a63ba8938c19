//! Wrong usage: a command line that makes no sense, which ends in exit code 2 and not in 1.

/// The command line makes no sense; the message says what is allowed instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// An error of wrong usage.
pub(crate) fn wrong(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// Whether the command line is what is wrong, by our judgement or by clap's.
pub(crate) fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Usage>() || error.is::<clap::Error>()
}

/// A value that is at least 1, for clap.
pub(crate) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number, at least 1".into()),
    }
}
