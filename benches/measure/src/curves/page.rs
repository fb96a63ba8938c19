//! What the curves are written into: a page with pictures, and all numbers as lines of JSON.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use taper_experiments::run::Environment;

use super::curve::CLIFF;
use crate::output::say;

/// One part of the page.
pub(crate) struct Section {
    /// Its word on the command line, and the end of its picture's name.
    pub(crate) name: &'static str,
    /// A table and what is to be said of it, as Markdown.
    pub(crate) text: String,
    /// Its numbers.
    pub(crate) lines: Vec<serde_json::Value>,
    pub(crate) svg: String,
}

/// Writes `<stem>-curves.md`, `.jsonl` and a picture a section, and prints the sections.
///
/// # Errors
/// A folder or file that cannot be written.
pub(crate) fn write(
    stem: &Path,
    command: &str,
    sections: &[Section],
    environment: &Environment,
) -> Result<()> {
    let prefix = format!("{}-curves", stem.display());
    let mut page = head(command, environment);
    let mut lines = String::new();
    for section in sections {
        let Section { name, text, .. } = section;
        let picture = format!("{prefix}-{name}.svg");
        put(Path::new(&picture), &section.svg)?;
        let file = Path::new(&picture).file_name().unwrap_or_default();
        write!(
            page,
            "\n## {name}\n\n![{name}]({})\n\n{text}",
            file.display()
        )?;
        for line in &section.lines {
            writeln!(lines, "{line}")?;
        }
        say(format!("{name}\n{text}"));
    }
    put(Path::new(&format!("{prefix}.md")), &page)?;
    put(Path::new(&format!("{prefix}.jsonl")), &lines)?;
    say(format!("written: {prefix}.md"));
    Ok(())
}

fn head(command: &str, environment: &Environment) -> String {
    let Environment {
        cpu,
        system,
        instruction_set,
        threads,
        started,
        version,
        ..
    } = environment;
    format!(
        "# Curves\n\n`{command}`  \n{cpu}, {system}, {instruction_set}, {threads} threads; taper {version}; {started}\n\n\
         A cliff is a size at which the same work costs more than {CLIFF} times as much as at the size before it, or a size \
         at which less work takes more than {CLIFF} times as long as more work at the size after it.\n"
    )
}

fn put(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}
