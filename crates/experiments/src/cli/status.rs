//! A file of a data set in one line, as listing, verifying and downloading say it.

use taper_datasets::{FileStatus, Form, Trust, Verdict};

/// One file in one line: where it is and whether it is the right one.
pub(super) fn status_line(file: &FileStatus) -> String {
    let place = file
        .found
        .as_ref()
        .map_or_else(String::new, |(path, form)| {
            let form = match form {
                Form::Raw => "",
                Form::Gzip => ", gzip",
                Form::Archive => ", in an archive",
            };
            format!(" ({}{form})", path.display())
        });
    match &file.verdict {
        Verdict::Missing => format!("{}: missing", file.name),
        Verdict::NotChecked => format!("{}: here{place}", file.name),
        Verdict::Bad(why) => format!("{}: BAD: {why}", file.name),
        Verdict::Sound { digest, trust } => {
            let trust = match trust {
                Trust::Published => "as published",
                Trust::Recorded => "as recorded when it was first used",
                Trust::FirstUse => "first seen now; nobody has published its digest",
            };
            format!("{}: sound, SHA-256 {digest}, {trust}{place}", file.name)
        }
    }
}
