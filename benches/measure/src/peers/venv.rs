//! The peers' Python environment under `target/`.

use crate::output::complain;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::launch::root;
use anyhow::{Context, Result, bail};

/// The interpreter of `given`, or of `target/peers-venv`, which is made first if it is absent or
/// older than the requirements.
pub(crate) fn python(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = given {
        let python = interpreter(folder);
        if !python.is_file() {
            bail!(
                "{} does not exist: --venv takes a Python environment",
                python.display()
            );
        }
        return Ok(python);
    }
    let folder = target().join("peers-venv");
    let requirements = root().join("benches/peers/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)
        .with_context(|| requirements.display().to_string())?;
    // Written last, so that an interrupted installation is taken up again.
    let stamp = folder.join("installed-requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter(&folder));
    }
    complain(format!(
        "making {} from {} (several GB, some minutes)",
        folder.display(),
        requirements.display()
    ));
    make(&folder)?;
    let python = interpreter(&folder);
    let arguments = [
        OsStr::new("-m"),
        OsStr::new("pip"),
        OsStr::new("install"),
        OsStr::new("--requirement"),
    ];
    let mut pip = Command::new(&python);
    pip.args(arguments).arg(&requirements);
    succeed(
        &mut pip,
        "pip could not install the peers; it says why above",
    )?;
    std::fs::write(&stamp, wanted).with_context(|| stamp.display().to_string())?;
    Ok(python)
}

/// A file for the messages of the peer `name`, and its path.
pub(crate) fn log(name: &str) -> std::io::Result<(File, PathBuf)> {
    let folder = target().join("peers-logs");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.log", name.replace(' ', "-")));
    Ok((File::create(&path)?, path))
}

fn make(folder: &Path) -> Result<()> {
    let mut found = None;
    for name in ["python3", "python"] {
        let version = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if version.is_ok_and(|status| status.success()) {
            found = Some(name);
            break;
        }
    }
    let Some(python) = found else {
        bail!(
            "the peers are Python programs and there is no python3 here: install Python 3.11 to 3.13, \
             or name an environment with --venv"
        );
    };
    let mut command = Command::new(python);
    command.args(["-m", "venv"]).arg(folder);
    succeed(
        &mut command,
        "python3 -m venv failed (on Debian: apt install python3-venv)",
    )
}

fn succeed(command: &mut Command, message: &str) -> Result<()> {
    // What pip prints is progress, not a result: keep standard output for the table.
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| message.to_owned())?;
    if !status.success() {
        bail!("{message}");
    }
    Ok(())
}

fn interpreter(folder: &Path) -> PathBuf {
    if cfg!(windows) {
        folder.join("Scripts/python.exe")
    } else {
        folder.join("bin/python")
    }
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
