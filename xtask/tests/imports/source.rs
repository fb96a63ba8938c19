//! Reads one source file as far as imports need it: its `use` items, the modules and the names it
//! defines.

use crate::tokens::{after_group, tokens, without_tests};
use std::collections::BTreeSet;

/// One imported name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Import {
    /// As written, `self` at the end of a list left out: `["super", "conv", "Plane"]`.
    pub(crate) path: Vec<String>,
    /// Under which name; `*` for all of a module.
    pub(crate) name: String,
    /// `pub use`, for whomever: the name is handed on.
    pub(crate) is_public: bool,
    /// Outside of any function: others can find the name here.
    pub(crate) is_item: bool,
}

/// A module, whether a file or a block of one.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// What is defined here: functions, types, traits, constants, macros.
    pub(crate) items: BTreeSet<String>,
    /// All `use` items, those within functions included.
    pub(crate) imports: Vec<Import>,
    /// `mod name;`
    pub(crate) declared: Vec<String>,
    /// `mod name { … }`
    pub(crate) blocks: Vec<(String, Module)>,
    /// Every word of the file but those of its `use` items.
    pub(crate) words: BTreeSet<String>,
}

/// Reads a file.
pub(crate) fn parse(text: &str) -> Module {
    let tokens = without_tests(&tokens(text));
    let mut module = Module::default();
    Reader { tokens: &tokens }.module(0, &mut module);
    module.words = words(&tokens);
    module
}

fn words(tokens: &[String]) -> BTreeSet<String> {
    let mut is_use = false;
    let mut words = BTreeSet::new();
    for (i, token) in tokens.iter().enumerate() {
        is_use |= token == "use" && tokens.get(i + 1).is_some_and(|next| next != "<");
        if !is_use {
            words.insert(token.clone());
        }
        is_use &= token != ";";
    }
    words
}

struct Reader<'a> {
    tokens: &'a [String],
}

impl Reader<'_> {
    fn token(&self, i: usize) -> &str {
        self.tokens.get(i).map_or("", String::as_str)
    }

    fn is_word(&self, i: usize) -> bool {
        let mut chars = self.token(i).chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
    }

    /// Reads a module from its first token to the one behind its closing brace.
    fn module(&self, mut i: usize, into: &mut Module) -> usize {
        let mut is_public = false;
        while i < self.tokens.len() {
            match self.token(i) {
                "}" => return i + 1,
                "pub" => {
                    is_public = true;
                    i += 1;
                    if self.token(i) == "(" {
                        i = after_group(self.tokens, i);
                    }
                    continue;
                }
                "use" if self.token(i + 1) != "<" => {
                    i = self.uses(i + 1, is_public, true, into);
                }
                "mod" if self.token(i + 2) == ";" => {
                    into.declared.push(self.token(i + 1).to_owned());
                    i += 3;
                }
                "mod" if self.token(i + 2) == "{" => {
                    let mut block = Module::default();
                    let end = self.module(i + 3, &mut block);
                    into.blocks.push((self.token(i + 1).to_owned(), block));
                    i = end;
                }
                "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static"
                | "macro_rules" => {
                    let keywords = ["!", "fn", "unsafe", "async", "extern", "mut"];
                    i += 1;
                    while keywords.contains(&self.token(i)) || self.token(i) == "\"\"" {
                        i += 1;
                    }
                    if self.is_word(i) {
                        into.items.insert(self.token(i).to_owned());
                    }
                }
                "{" => i = self.body(i, into),
                "#" | "(" | "[" => {
                    i += usize::from(self.token(i) == "#");
                    i += usize::from(self.token(i) == "!");
                    i = after_group(self.tokens, i);
                    continue; // an attribute between `pub` and its item would be none
                }
                _ => i += 1,
            }
            is_public = false;
        }
        i
    }

    /// Reads the `use` items of a function, a type or a macro that opens at `i`.
    fn body(&self, open: usize, into: &mut Module) -> usize {
        let end = after_group(self.tokens, open);
        let mut i = open;
        while i < end {
            i = match self.token(i) {
                "use" if self.token(i + 1) != "<" => self.uses(i + 1, false, false, into),
                _ => i + 1,
            };
        }
        end
    }

    /// Reads a `use` item from behind the word to behind its semicolon.
    fn uses(&self, start: usize, is_public: bool, is_item: bool, into: &mut Module) -> usize {
        let mut end = start;
        while end < self.tokens.len() && self.token(end) != ";" {
            end += 1;
        }
        // In a macro's text the path is known only where it is used.
        if !self.tokens[start..end].iter().any(|token| token == "$") {
            self.tree(start, Vec::new(), &mut |path, name| {
                into.imports.push(Import {
                    path,
                    name,
                    is_public,
                    is_item,
                });
            });
        }
        end + 1
    }

    /// Reads one path of a `use` item with all that it branches into; gives the place behind it.
    fn tree(
        &self,
        mut i: usize,
        mut path: Vec<String>,
        found: &mut dyn FnMut(Vec<String>, String),
    ) -> usize {
        if self.token(i) == ":" && path.is_empty() {
            path.push("::".to_owned()); // another crate's, whatever is called so here
            i += 2;
        }
        loop {
            match self.token(i) {
                "{" => {
                    i += 1;
                    while self.token(i) != "}" && i < self.tokens.len() {
                        i = self.tree(i, path.clone(), found);
                        i += usize::from(self.token(i) == ",");
                    }
                    return i + 1;
                }
                "*" => {
                    found(path, "*".to_owned());
                    return i + 1;
                }
                word => path.push(word.to_owned()),
            }
            i += 1;
            if self.token(i) == ":" {
                i += 2;
                continue;
            }
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let mut name = path.last().cloned().unwrap_or_default();
            if self.token(i) == "as" {
                name = self.token(i + 1).to_owned();
                i += 2;
            }
            found(path, name);
            return i;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `path` where the name is the last word, `path as name` elsewhere; `pub` and `fn` say where.
    fn imports(text: &str) -> Vec<String> {
        let show = |import: &Import| {
            let path = import.path.join("::");
            let mut shown = match import.path.last() {
                _ if import.name == "*" => format!("{path}::*"),
                Some(last) if *last == import.name => path,
                _ => format!("{path} as {}", import.name),
            };
            if import.is_public {
                shown.insert_str(0, "pub ");
            }
            if !import.is_item {
                shown.insert_str(0, "fn ");
            }
            shown
        };
        parse(text).imports.iter().map(show).collect()
    }

    #[test]
    fn trees() {
        assert_eq!(imports("use a;"), ["a"]);
        assert_eq!(
            imports("use crate::{\n    a::{self, B, c::*},\n    D as E,\n};"),
            ["crate::a", "crate::a::B", "crate::a::c::*", "crate::D as E"]
        );
        assert_eq!(
            imports("use super::super::x::Y; use self::z::Z; use {a::A, b::B,};"),
            ["super::super::x::Y", "self::z::Z", "a::A", "b::B"]
        );
        assert_eq!(
            imports("use ::std::fmt; use A as _;"),
            ["::::std::fmt", "A as _"]
        );
    }

    #[test]
    fn visibility() {
        assert_eq!(
            imports(
                "pub use a::A; pub(crate) use b::B; pub(in crate::x) use c::C; pub fn f() {} use d::D;"
            ),
            ["pub a::A", "pub b::B", "pub c::C", "d::D"]
        );
        assert_eq!(
            imports("#[doc(hidden)]\npub use a::A;\n#[inline]\nuse b::B;"),
            ["pub a::A", "b::B"]
        );
    }

    #[test]
    fn within_functions() {
        let text = "fn f<'a>(x: &'a str) -> impl Sized + use<'a> { if true { use super::A; } x } use b::B;";
        assert_eq!(imports(text), ["fn super::A", "b::B"]);
        assert_eq!(
            imports("macro_rules! m { () => { use $crate::A; } } use b::B;"),
            ["b::B"]
        );
    }

    #[test]
    fn comments_and_strings() {
        let text = r###"
            // use a::A;
            /* use b::B; /* use c::C; */ use d::D; */
            const S: &str = "use e::E; \" use f::F; // ";
            const R: &str = r#"use g::G; " use h::H;"#;
            const C: [char; 4] = ['"', '\'', '\u{22}', '{'];
            fn f<'a>(_: &'a u8) {}
            use z::Z;
        "###;
        assert_eq!(imports(text), ["z::Z"]);
        let items: Vec<String> = parse(text).items.into_iter().collect();
        assert_eq!(items, ["C", "R", "S", "f"]);
    }

    #[test]
    fn tests_are_left_out() {
        let text = "
            #[cfg(test)] use a::{A, B};
            #[cfg(test)] mod testing;
            #[cfg(test)] #[allow(unused)] mod checks { use super::*; mod deeper { use b::B; } }
            #[cfg(all(unix, test))] fn f() { use c::C; }
            #[cfg(not(test))] use d::D;
            #[cfg(all(unix, not(test)))] use e::E;
            #[cfg(feature = \"x\")] mod kept;
            mod tests;
            mod tests { use f::F; }
            struct S { #[cfg(test)] field: u8 }
            use z::Z;";
        assert_eq!(imports(text), ["d::D", "e::E", "z::Z"]);
        let module = parse(text);
        assert_eq!(module.declared, ["kept"]);
        assert!(module.blocks.is_empty());
        assert!(module.items.contains("S") && !module.items.contains("f"));
    }

    #[test]
    fn modules_and_items() {
        let module = parse(
            "mod a; pub(crate) mod b { use super::X; pub fn inner() {} mod c {} }
            pub const fn f() {} pub extern \"C\" fn g() {} static mut M: fn(u8) = f; type T = fn(u8);
            impl S { fn method() { fn local() {} } } macro_rules! mac { () => {} } const _: () = ();",
        );
        assert_eq!(module.declared, ["a"]);
        let (name, block) = &module.blocks[0];
        assert_eq!((name.as_str(), block.imports.len()), ("b", 1));
        assert_eq!(block.blocks[0].0, "c");
        let items: Vec<&str> = module.items.iter().map(String::as_str).collect();
        assert_eq!(items, ["M", "T", "_", "f", "g", "mac"]);
    }
}
