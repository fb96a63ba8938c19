//! The one place that speaks HTTP.

use crate::Error;
use std::io::Read;
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body};

/// Why a request brought nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// May go away: worth another attempt.
    Passing(String),
    /// This mirror will not do.
    Lasting(String),
    /// This computer's fault.
    Local(Error),
}

/// What a server said.
pub(super) enum Answer {
    /// Bytes.
    Body(Bytes),
    /// The bytes asked for begin at or after the end of the file, which has `total` bytes.
    NothingLeft { total: Option<u64> },
}

/// Bytes of a file from a position on.
pub(super) struct Bytes {
    /// The position: what was asked for, or 0 from a server that knows no ranges.
    pub(super) from: u64,
    /// How many follow, if the server says.
    pub(super) rest: Option<u64>,
    pub(super) reader: Box<dyn Read>,
}

pub(super) struct Client {
    agent: Agent,
    /// For addresses of this computer, which no proxy can reach.
    direct: Agent,
}

impl Client {
    pub(super) fn new(timeout: Duration) -> Self {
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .user_agent(concat!(
                    "Mozilla/5.0 (compatible; taper-datasets/",
                    env!("CARGO_PKG_VERSION"),
                    ")"
                ))
                // The file's own gzip is wanted as it is, and ranges count its bytes.
                .accept_encoding("identity")
                .timeout_resolve(Some(timeout))
                .timeout_connect(Some(timeout))
                .timeout_recv_response(Some(timeout))
                .timeout_per_read(Some(timeout))
        };
        Self {
            agent: config().build().into(),
            direct: config().proxy(None).build().into(),
        }
    }

    /// Asks for `url` from byte `from` on.
    pub(super) fn get(&self, url: &str, from: u64) -> Result<Answer, Trouble> {
        let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
            .iter()
            .any(|host| url.starts_with(host));
        let agent = if local { &self.direct } else { &self.agent };
        let mut request = agent.get(url);
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let response = request.call().map_err(classify)?;
        let range = header(&response, "content-range")
            .unwrap_or_default()
            .to_string();
        match response.status().as_u16() {
            200 => Self::body(response, 0),
            206 if range.starts_with(&format!("bytes {from}-")) => Self::body(response, from),
            206 => Err(Trouble::Lasting(format!(
                "answered a request from byte {from} on with `{range}`"
            ))),
            416 if from > 0 => Ok(Answer::NothingLeft {
                total: range.strip_prefix("bytes */").and_then(|n| n.parse().ok()),
            }),
            status @ (408 | 425 | 429 | 500..=599) => Err(Trouble::Passing(format!(
                "answered with HTTP status {status}"
            ))),
            status => Err(Trouble::Lasting(format!(
                "answered with HTTP status {status}"
            ))),
        }
    }

    fn body(response: Response<Body>, from: u64) -> Result<Answer, Trouble> {
        if header(&response, "content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            let reason = "sent an HTML page instead of the file (a login, consent or error page?)";
            return Err(Trouble::Lasting(reason.into()));
        }
        // A body that the client unpacks on the way has another length than the header says.
        let encoded =
            header(&response, "content-encoding").is_some_and(|encoding| encoding != "identity");
        let rest = header(&response, "content-length")
            .and_then(|n| n.parse().ok())
            .filter(|_| !encoded);
        // The reader has no limit of its own: the caller has one.
        let reader = Box::new(
            response
                .into_body()
                .into_with_config()
                .limit(u64::MAX)
                .reader(),
        );
        Ok(Answer::Body(Bytes { from, rest, reader }))
    }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn classify(error: ureq::Error) -> Trouble {
    let text = error.to_string();
    match error {
        // Offline, most likely; asking again at once does not help.
        ureq::Error::HostNotFound => Trouble::Lasting("host not found (no network?)".into()),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::TooManyRedirects => {
            Trouble::Lasting(text)
        }
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Trouble::Lasting("connection refused (no network, or no server there)".into())
        }
        _ => Trouble::Passing(text),
    }
}
