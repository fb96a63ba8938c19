//! From the paths of `use` items to the files that define what they name, through whatever hands it on.

use crate::source::{self, Module};
use std::collections::{BTreeMap, BTreeSet};

/// Which file imports what from which: (importer, source) to names.
pub(crate) type Edges = BTreeMap<(String, String), BTreeSet<String>>;

/// The modules of one program or library.
pub(crate) struct Tree {
    scopes: Vec<Scope>,
}

struct Scope {
    file: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    module: Module,
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Place {
    Scope(usize),
    /// Something that this scope defines.
    ItemOf(usize),
    /// Another crate's, or a name that only the compiler knows.
    Elsewhere,
}

/// What has been looked up on the way: files may import from each other in a circle.
type Seen = BTreeSet<(usize, String)>;

impl Tree {
    /// Reads a tree of modules from its root file; `files` maps paths to texts.
    ///
    /// # Panics
    /// A module is declared whose file is not among `files`.
    pub(crate) fn new(files: &BTreeMap<String, String>, root: &str) -> Self {
        let mut tree = Tree { scopes: Vec::new() };
        let folder = folder_of(root).to_owned();
        tree.add(files, root, &folder, None, source::parse(&files[root]));
        tree
    }

    /// `folder` is where the files of the module's own modules are.
    fn add(
        &mut self,
        files: &BTreeMap<String, String>,
        file: &str,
        folder: &str,
        parent: Option<usize>,
        mut module: Module,
    ) -> usize {
        let (blocks, declared) = (
            std::mem::take(&mut module.blocks),
            std::mem::take(&mut module.declared),
        );
        let scope = self.scopes.len();
        self.scopes.push(Scope {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            module,
        });
        for (name, mut block) in blocks {
            block.words.clone_from(&self.scopes[scope].module.words);
            let child = self.add(files, file, &format!("{folder}/{name}"), Some(scope), block);
            self.scopes[scope].children.insert(name, child);
        }
        for name in declared {
            let inside = format!("{folder}/{name}");
            let candidates = [format!("{inside}.rs"), format!("{inside}/mod.rs")];
            let found = candidates.iter().find(|path| files.contains_key(*path));
            let path = found.unwrap_or_else(|| panic!("{file}: where is the file of {name}?"));
            let child = self.add(
                files,
                path,
                &inside,
                Some(scope),
                source::parse(&files[path]),
            );
            self.scopes[scope].children.insert(name, child);
        }
        scope
    }

    /// The files that were read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(|scope| scope.file.as_str())
    }

    /// Every import from another file of the tree. What is handed on (`pub use`) is none.
    pub(crate) fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (index, scope) in self.scopes.iter().enumerate() {
            let uses = scope
                .module
                .imports
                .iter()
                .filter(|import| !import.is_public);
            for import in uses {
                let place = self.walk(index, &import.path, &mut Seen::new());
                let found = match place {
                    Place::Scope(of) if import.name == "*" => self.used_names(index, of),
                    _ => vec![(import.name.clone(), place)],
                };
                for (name, place) in found {
                    let (Place::Scope(of) | Place::ItemOf(of)) = place else {
                        continue;
                    };
                    let to = &self.scopes[of].file;
                    if *to != scope.file {
                        let key = (scope.file.clone(), to.clone());
                        edges.entry(key).or_default().insert(name);
                    }
                }
            }
        }
        edges
    }

    /// Of all that `use of::*` brings, what the importer mentions and does not have from nearer.
    fn used_names(&self, importer: usize, of: usize) -> Vec<(String, Place)> {
        let mine = &self.scopes[importer];
        let is_mine = |name: &str| {
            mine.module.items.contains(name)
                || mine.children.contains_key(name)
                || mine.module.imports.iter().any(|import| import.name == name)
        };
        let words = mine.module.words.iter().filter(|name| !is_mine(name));
        words
            .filter_map(|name| Some((name.clone(), self.look_up(of, name, &mut Seen::new())?)))
            .collect()
    }

    /// Where a path leads that is written in `scope`.
    fn walk(&self, scope: usize, path: &[String], seen: &mut Seen) -> Place {
        let up = |scope: usize| match self.scopes[scope].parent {
            Some(parent) => Place::Scope(parent),
            None => Place::Elsewhere,
        };
        let Some((first, rest)) = path.split_first() else {
            return Place::Scope(scope);
        };
        let mut place = match first.as_str() {
            "crate" => Place::Scope(0),
            "self" => Place::Scope(scope),
            "super" => up(scope),
            name => self.look_up(scope, name, seen).unwrap_or(Place::Elsewhere),
        };
        for name in rest {
            let Place::Scope(at) = place else { break };
            place = match name.as_str() {
                "self" => place,
                "super" => up(at),
                // What a macro defined is at home where it was looked for.
                name => self.look_up(at, name, seen).unwrap_or(Place::ItemOf(at)),
            };
        }
        place
    }

    /// What `name` is in a scope: a module, something defined there, or what an import says that it is.
    fn look_up(&self, scope: usize, name: &str, seen: &mut Seen) -> Option<Place> {
        if !seen.insert((scope, name.to_owned())) {
            return None;
        }
        let here = &self.scopes[scope];
        if let Some(&child) = here.children.get(name) {
            return Some(Place::Scope(child));
        }
        if here.module.items.contains(name) {
            return Some(Place::ItemOf(scope));
        }
        let mut imports = here.module.imports.iter().filter(|import| import.is_item);
        if let Some(import) = imports.clone().find(|import| import.name == name) {
            return Some(self.walk(scope, &import.path, seen));
        }
        imports
            .by_ref()
            .filter(|import| import.name == "*")
            .find_map(|import| match self.walk(scope, &import.path, seen) {
                Place::Scope(of) => self.look_up(of, name, seen),
                _ => None,
            })
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The edges of a library in `src`, as `a -> b: names`.
    fn edges(files: &[(&str, &str)]) -> Vec<String> {
        let texts = files.iter();
        let texts = texts.map(|(path, text)| (format!("src/{path}.rs"), (*text).to_owned()));
        let short = |path: &str| {
            let path = path.strip_prefix("src/").expect("all are there");
            path.strip_suffix(".rs")
                .expect("all are sources")
                .to_owned()
        };
        let edges = Tree::new(&texts.collect(), "src/lib.rs").edges();
        let show = |((from, to), names): (&(String, String), &BTreeSet<String>)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("{} -> {}: {}", short(from), short(to), names.join(", "))
        };
        edges.iter().map(show).collect()
    }

    #[test]
    fn paths() {
        let files = [
            ("lib", "mod a; mod b;"),
            ("a/mod", "pub mod c; pub struct A;"),
            (
                "a/c",
                "use super::super::b::B; use super::{A, super::b}; use crate::a::c::C; pub struct C;",
            ),
            (
                "b",
                "use crate::a::c::C::{X, Y}; use self::Own::*; enum Own {} pub struct B;",
            ),
        ];
        assert_eq!(
            edges(&files),
            ["a/c -> a/mod: A", "a/c -> b: B, b", "b -> a/c: X, Y"]
        );
    }

    #[test]
    fn a_module_of_the_importer_comes_before_a_crate() {
        let files = [
            (
                "lib",
                "mod a; use a::A; use serde::A as B; use ::a::A as C;",
            ),
            ("a", "pub struct A;"),
        ];
        assert_eq!(edges(&files), ["lib -> a: A"]);
    }

    #[test]
    fn what_is_handed_on_is_followed_and_no_import() {
        let files = [
            (
                "lib",
                "mod a; mod b; pub use a::{Deep as Renamed, A}; pub use a::deep::*; pub use rayon::Pool;",
            ),
            (
                "a/mod",
                "mod deep; pub(crate) use deep::Deep; pub struct A;",
            ),
            ("a/deep", "pub struct Deep; pub fn glob() {}"),
            ("b", "use crate::{A, Pool, Renamed, glob};"),
        ];
        assert_eq!(
            edges(&files),
            ["b -> a/deep: Renamed, glob", "b -> a/mod: A"]
        );
    }

    #[test]
    fn children_see_private_imports() {
        let files = [
            ("lib", "mod a; mod b; use b::B;"),
            ("a", "use super::B;"),
            ("b", "pub struct B;"),
        ];
        assert_eq!(edges(&files), ["a -> b: B", "lib -> b: B"]);
    }

    #[test]
    fn globs_count_by_what_is_mentioned() {
        let files = [
            (
                "lib",
                "mod a; mod b; mod c; pub use c::C; pub struct Unused;",
            ),
            (
                "a",
                "use super::*; use crate::b::*; fn f(_: C, _: Mine) {} struct Mine;",
            ),
            ("b", "pub struct NotMentioned; pub struct Mine;"),
            ("c", "pub struct C;"),
        ];
        assert_eq!(edges(&files), ["a -> c: C"]);
    }

    #[test]
    fn blocks_belong_to_their_file() {
        let files = [
            (
                "lib",
                "mod a; mod inner { use super::a::A; pub mod own; } use inner::own::Own;",
            ),
            ("a", "use crate::inner::own::Own; pub struct A;"),
            ("inner/own", "use super::super::a; pub struct Own;"),
        ];
        assert_eq!(
            edges(&files),
            [
                "a -> inner/own: Own",
                "inner/own -> a: a",
                "lib -> a: A",
                "lib -> inner/own: Own"
            ]
        );
    }

    #[test]
    fn names_that_lead_nowhere_end() {
        let files = [
            (
                "lib",
                "mod a; mod b; pub use a::*; pub use b::*; use a::Nothing;",
            ),
            ("a", "pub use crate::b::*; pub use crate::Loop;"),
            (
                "b",
                "pub use crate::a::*; pub use crate::a::Loop; use crate::Loop as Other;",
            ),
        ];
        // Not found: at home where it was looked for.
        assert_eq!(edges(&files), ["b -> lib: Other", "lib -> a: Nothing"]);
    }
}
