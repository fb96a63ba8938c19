//! In words: what a difference between variants can carry. Page and terminal say it alike.

use crate::figures::{percent, points, signed};
use crate::run::{Difference, Scope, Silence, VariantEvidence};
use crate::statistics::{Interval, Verdict};

/// The word for a difference.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::CannotTell => "cannot tell",
    }
}

/// Why nothing can be said of a difference; the rest of “Nothing can be said: …”.
pub(crate) fn silence(silence: Silence) -> &'static str {
    match silence {
        Silence::NoReference => "there is no variant to compare it with",
        Silence::Diverged => "its training has diverged",
        Silence::NotDone => "it and the reference are not both done with any seed",
        Silence::NotKept => {
            "predictions were not kept, as versions before did not, so that chance cannot be judged without training again"
        }
        Silence::Unreadable => "predictions that were kept cannot be read",
        Silence::OtherImages => "it and the reference were judged on different images",
    }
}

/// `98.60 % to 99.02 %`.
pub(crate) fn percents(interval: Interval) -> String {
    format!("{} to {}", percent(interval.low), percent(interval.high))
}

/// `−0.43 to 0.12`, in points.
pub(crate) fn range(interval: Interval) -> String {
    let end = |value: f64| change(value, 2);
    format!("{} to {}", end(interval.low), end(interval.high))
}

/// A difference in points: `+0.43`, `−0.12`, `0.00`.
pub(crate) fn change(value: f64, digits: usize) -> String {
    let value = value * 100.0;
    let magnitude = format!("{:.digits$}", value.abs());
    let text = signed(value, &magnitude);
    match value > 0.0 && magnitude.chars().any(|c| matches!(c, '1'..='9')) {
        true => format!("+{text}"),
        false => text,
    }
}

/// `0.034`, `below 0.001`.
pub(crate) fn probability(p: f64) -> String {
    match p {
        p if p < 0.001 => "below 0.001".into(),
        p if p < 0.1 => format!("{p:.3}"),
        p => format!("{p:.2}"),
    }
}

/// `p = 0.034`, `p below 0.001`.
fn p_is(p: f64) -> String {
    match p < 0.001 {
        true => format!("p {}", probability(p)),
        false => format!("p = {}", probability(p)),
    }
}

/// What a variant does to validation accuracy: the second half of “Against … it narrows the gap; …”. `observed` is the
/// difference that its history shows. `None` where there are no accuracies at all.
pub(super) fn price(evidence: Option<&VariantEvidence>, observed: Option<f64>) -> Option<String> {
    let difference = evidence.and_then(|evidence| evidence.difference.as_ref());
    let Some(found) = difference else {
        let observed = observed?;
        let relation = if observed < 0.0 { "lower" } else { "higher" };
        let reason = evidence.and_then(|evidence| evidence.silence);
        return Some(format!(
            "its validation accuracy is {} {relation}, and whether that is more than chance cannot be said: {}",
            points(observed.abs()),
            silence(reason.unwrap_or(Silence::NotKept))
        ));
    };
    let size = points(found.value.abs());
    let of = match found.scope {
        Scope::Networks => String::new(),
        Scope::Method => format!(", {} seeds", found.seeds.len()),
    };
    let facts = match found.corrected {
        Some(p) => format!("95 % interval {}, {}{of}", range(found.interval), p_is(p)),
        None => format!("95 % interval {}{of}", range(found.interval)),
    };
    Some(match found.verdict {
        Verdict::Better => format!("it gains {size} of validation accuracy ({facts})"),
        Verdict::Worse => format!("it gives up {size} of validation accuracy ({facts})"),
        Verdict::CannotTell => format!(
            "whether it changes validation accuracy cannot be told: {} ({facts}{})",
            points(found.value),
            too_few(found).map_or_else(String::new, |few| format!("; {few}"))
        ),
    })
}

/// That there are too few seeds for a test to say anything.
pub(crate) fn too_few(difference: &Difference) -> Option<String> {
    let needed = difference.seeds_needed?;
    (difference.seeds.len() < needed)
        .then(|| format!("with fewer than {needed} seeds no p of the test can fall below 0.05"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_signs_and_no_sign_of_nothing() {
        let found = [0.0043, -0.0012, 0.000_01, -0.000_01, 0.0].map(|value| change(value, 2));
        assert_eq!(found, ["+0.43", "−0.12", "0.00", "0.00", "0.00"]);
        let found = [0.000_2, 0.034_4, 0.512].map(p_is);
        assert_eq!(found, ["p below 0.001", "p = 0.034", "p = 0.51"]);
    }

    #[test]
    fn nothing_is_claimed_without_predictions() {
        let said = price(None, Some(-0.02)).expect("accuracies");
        assert!(
            said.contains("2.00 points lower") && said.contains("cannot be said"),
            "{said}"
        );
        assert_eq!(price(None, None), None);
    }
}
