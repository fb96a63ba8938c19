//! What is asked of a part, and what it finds.

use std::collections::BTreeMap;

/// How much of a part is done.
pub(crate) struct Plan<'a> {
    /// Rounds of what is random.
    pub(crate) rounds: usize,
    /// Repeats the same moments, as far as the machine does.
    pub(crate) seed: u64,
    /// Of what is tried in turn, every so many-th; 1: all.
    pub(crate) every: usize,
    /// Who watches.
    pub(crate) watch: &'a dyn Watch,
}

/// Whoever started it all.
pub(crate) trait Watch {
    /// Whether to end after the round in hand.
    fn stopped(&self) -> bool;
    /// So many rounds of so many are done.
    fn progress(&self, done: usize, of: usize, found: &Found);
}

/// What came of a part.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Rounds that are done.
    pub(crate) rounds: usize,
    /// What happened how often, by name.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// What was not as it should be: the round, what was done, what differed. Nothing, if all is well.
    pub(crate) differences: Vec<String>,
}

impl Found {
    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Notes how a round ended.
    pub(super) fn round(
        &mut self,
        of: usize,
        what: &str,
        differed: Vec<String>,
        watch: &dyn Watch,
    ) {
        let round = self.rounds;
        self.differences.extend(
            differed
                .into_iter()
                .map(|text| format!("round {round}, {what}: {text}")),
        );
        self.rounds += 1;
        watch.progress(self.rounds, of, self);
    }
}
