//! The page of a run: one file, no network, no script; light and dark, wide and narrow.
//!
//! [`html`] is a pure function of what the run folder holds, so that `taper report` can rebuild a page at any time.

mod chart;
pub(crate) mod verdict;
mod view;
mod words;

use std::path::PathBuf;

use minijinja::{AutoEscape, Environment, syntax::SyntaxConfig};

use crate::run::{RunData, RunFolder};
use crate::{Error, Result};
pub use words::sentences;

/// The page of a run, complete or not.
///
/// # Errors
/// Figures that cannot be drawn.
pub fn html(run: &RunData) -> Result<String> {
    let fail = |error: minijinja::Error| Error::Report(format!("{error:#}"));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(fail)?;
    environment.set_syntax(syntax);
    environment
        .add_template("page", include_str!("template.html"))
        .map_err(fail)?;
    let page = environment.get_template("page").map_err(fail)?;
    page.render(view::Page::of(run)?).map_err(fail)
}

/// Builds the page of a run folder from what is recorded there, and says where it is.
///
/// # Errors
/// As [`RunFolder::read`] and [`html`], and a page that cannot be written.
pub fn write(folder: &RunFolder) -> Result<PathBuf> {
    write_page(folder, &folder.read()?)
}

/// As [`write()`], of what is read already.
///
/// # Errors
/// As [`html`], and a page that cannot be written.
pub fn write_page(folder: &RunFolder, run: &RunData) -> Result<PathBuf> {
    let page = folder.report();
    folder.write(&page, html(run)?.as_bytes())?;
    Ok(page)
}

/// The four characters that mean something in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
