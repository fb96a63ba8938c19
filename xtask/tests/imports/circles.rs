//! Circles among files: sets of files of which each reaches each along imports.

use crate::resolve::Edges;
use std::collections::{BTreeMap, BTreeSet};

/// Every circle of two or more files, as large as it is, in the order of names.
pub(crate) fn circles(edges: &Edges) -> Vec<BTreeSet<&str>> {
    let mut targets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in edges.keys() {
        targets.entry(from).or_default().push(to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = targets
        .keys()
        .map(|&file| (file, reachable(&targets, file)))
        .collect();
    let mut circles = BTreeSet::new();
    for (&file, all) in &reached {
        let comes_back = |to: &&str| reached.get(to).is_some_and(|back| back.contains(file));
        let circle: BTreeSet<&str> = all.iter().copied().filter(comes_back).collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// The imports that hold a circle together, one a line.
pub(crate) fn describe(circle: &BTreeSet<&str>, edges: &Edges) -> String {
    let mut text = String::new();
    for ((from, to), names) in edges {
        if circle.contains(from.as_str()) && circle.contains(to.as_str()) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            text += &format!("  {from} -> {to}: {}\n", names.join(", "));
        }
    }
    text
}

fn reachable<'a>(targets: &BTreeMap<&'a str, Vec<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        for &to in targets.get(file).into_iter().flatten() {
            if reached.insert(to) {
                open.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(&str, &str)]) -> Edges {
        let names = BTreeSet::from(["X".to_owned(), "Y".to_owned()]);
        let pairs = pairs.iter();
        pairs
            .map(|(from, to)| (((*from).to_owned(), (*to).to_owned()), names.clone()))
            .collect()
    }

    #[test]
    fn found_whole_and_apart() {
        let edges = edges(&[
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("c", "d"),
            ("d", "e"),
            ("e", "d"),
            ("e", "f"),
            ("g", "a"),
        ]);
        let found = circles(&edges);
        assert_eq!(
            found,
            [BTreeSet::from(["a", "b", "c"]), BTreeSet::from(["d", "e"])]
        );
        assert_eq!(
            describe(&found[1], &edges),
            "  d -> e: X, Y\n  e -> d: X, Y\n"
        );
    }

    #[test]
    fn none_in_a_diamond() {
        assert!(circles(&edges(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])).is_empty());
    }
}
