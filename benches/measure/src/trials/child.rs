//! The program as a child: what it says goes to a file, so that nobody has to read it while it runs, and no signal
//! that is meant for this process reaches it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A child that does not outlive this.
pub(super) struct Child {
    child: std::process::Child,
    log: PathBuf,
    started: Instant,
}

impl Child {
    /// Starts it; what it says is added to `log`.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Child> {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.with_context(|| format!("write {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let started = Instant::now();
        let child = command.spawn().context("start taper")?;
        Ok(Child {
            child,
            log: log.to_owned(),
            started,
        })
    }

    /// Waits until it ends, or so much time has passed since its start; whether it has ended.
    pub(super) fn ended_within(&mut self, time: Duration) -> Result<bool> {
        loop {
            if self.child.try_wait()?.is_some() {
                return Ok(true);
            }
            let left = time.saturating_sub(self.started.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            std::thread::sleep(left.min(Duration::from_millis(1)));
        }
    }

    /// Time since its start.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Ends it without asking (SIGKILL).
    pub(super) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal by its name.
    #[cfg(unix)]
    pub(super) fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().to_string();
        // It has not been waited for, so the id is still its own, even if it has ended.
        Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .context("start kill")?;
        Ok(())
    }

    /// Its end.
    pub(super) fn end(mut self) -> Result<ExitStatus> {
        if !self.ended_within(PATIENCE)? {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            bail!("taper does not end: {log}");
        }
        Ok(self.child.wait()?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
