//! What is wrong in a study, and the line of its file that says so.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use toml::de::DeTable;

/// What is wrong, and under which key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wrong {
    /// The keys from the root of the file on; none for the file as a whole.
    path: Vec<String>,
    message: String,
}

impl Wrong {
    pub(super) fn at(path: &[&str], message: impl Into<String>) -> Wrong {
        Wrong {
            path: path.iter().map(|&key| key.to_owned()).collect(),
            message: message.into(),
        }
    }

    /// The same, found in the table that `path` leads to.
    pub(super) fn below(mut self, path: &[&str]) -> Wrong {
        let above = path.iter().map(|&key| key.to_owned());
        self.path = above.chain(self.path).collect();
        self
    }

    /// With number and text of the line of `text` where the key stands, as far down the path as there is one.
    pub(super) fn in_file(&self, text: &str) -> String {
        let Some(start) = self.start(text) else {
            return self.to_string();
        };
        let number = text[..start].matches('\n').count() + 1;
        let line = text.lines().nth(number - 1).unwrap_or_default();
        format!("line {number}: {self}\n{number} | {line}")
    }

    /// The byte at which the key stands.
    fn start(&self, text: &str) -> Option<usize> {
        let root = DeTable::parse(text).ok()?;
        let (mut table, mut start) = (Some(root.get_ref()), None);
        for key in &self.path {
            let entry = table?.iter().find(|(own, _)| own.get_ref() == key);
            let Some((own, value)) = entry else { break };
            start = Some(own.span().start);
            table = value.get_ref().as_table();
        }
        start
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_slice() {
            [] => f.write_str(&self.message),
            path => write!(f, "`{}`: {}", path.join("."), self.message),
        }
    }
}

/// The first item that stands before already.
pub(super) fn first_duplicate<T: Copy + Eq + Hash>(
    mut items: impl Iterator<Item = T>,
) -> Option<T> {
    let mut seen = HashSet::new();
    items.find(|item| !seen.insert(*item))
}
