//! The epochs of a run.

use crate::EpochRecord;
use serde::{Deserialize, Serialize};

/// The epochs of a run that are complete, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One record an epoch.
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// The latest epoch.
    #[must_use]
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }

    /// A figure of every epoch in which it was measured.
    #[must_use]
    pub fn get(&self, name: &str) -> Vec<f64> {
        self.epochs
            .iter()
            .filter_map(|record| record.get(name))
            .collect()
    }

    pub(crate) fn to_json(&self) -> String {
        // Strings, numbers and maps with string keys: there is nothing here that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        if json.is_empty() {
            Ok(History::default())
        } else {
            serde_json::from_str(json)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn record() -> EpochRecord {
        let metrics = BTreeMap::from([("val_top_5_accuracy".to_owned(), 1.0 / 3.0)]);
        EpochRecord {
            epoch: 2,
            metrics,
            ..EpochRecord::default()
        }
    }

    #[test]
    fn json_keeps_every_bit() {
        let mut history = History::default();
        for i in 1..2000_u64 {
            let odd = f64::from_bits(
                0x3f50_0000_0000_0000 + i * 0x0000_7301_9a3c_e5b1 % 0x00f0_0000_0000_0000,
            );
            history.epochs.push(EpochRecord {
                loss: odd,
                val_loss: Some(odd / 3.0),
                ..record()
            });
        }
        assert_eq!(History::from_json(&history.to_json()).unwrap(), history);
        assert_eq!(History::from_json("").unwrap(), History::default());
    }
}
