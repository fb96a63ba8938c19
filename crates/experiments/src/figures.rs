//! How numbers are written, wherever they are shown: on the page, in the terminal, in tables and charts.

use std::time::Duration;

use crate::run::Stat;

/// `98.83 %`.
pub(crate) fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.2} %", share * 100.0)
    } else {
        "not a number".into()
    }
}

/// `0.95 points`, with a true minus sign.
pub(crate) fn points(share: f64) -> String {
    let value = share * 100.0;
    let unit = if format!("{:.2}", value.abs()) == "1.00" {
        "point"
    } else {
        "points"
    };
    format!("{} {unit}", signed(value, &format!("{:.2}", value.abs())))
}

/// `magnitude` with a minus sign in front if `value` is negative and does not round to nothing.
pub(crate) fn signed(value: f64, magnitude: &str) -> String {
    let rounds_to_zero = magnitude.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !rounds_to_zero {
        format!("−{magnitude}")
    } else {
        magnitude.to_owned()
    }
}

/// `60,000`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// At most three significant digits, no trailing zeros.
pub(crate) fn short(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// `123 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// `mean`, and over several seeds the standard deviation behind it: `98.83 ± 0.11`.
pub(crate) fn with_deviation(mean: String, stat: Stat, factor: f64, digits: usize) -> String {
    if stat.n > 1 {
        format!("{mean} ± {:.digits$}", stat.sd * factor)
    } else {
        mean
    }
}

/// `41.3 s`, `3 min 20 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..100 => format!("{:.1} s", duration.as_secs_f64()),
        100..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_words() {
        let text = |seconds| duration(Duration::from_millis(seconds));
        assert_eq!(
            (text(41_300), text(200_000), text(7_260_000)),
            ("41.3 s".into(), "3 min 20 s".into(), "2 h 1 min".into())
        );
    }

    #[test]
    fn numbers_of_any_size_and_sign() {
        assert_eq!(
            [0, 999, 1_000, 1_216_394].map(thousands),
            ["0", "999", "1,000", "1,216,394"]
        );
        assert_eq!(
            [0.98834, f64::NAN].map(percent),
            ["98.83 %", "not a number"]
        );
        assert_eq!(
            [-0.0095, 0.01, -0.000_01].map(points),
            ["−0.95 points", "1.00 point", "0.00 points"]
        );
        assert_eq!(
            [0.0, 0.03, 2.5, 1234.5].map(short),
            ["0", "0.03", "2.5", "1234"]
        );
        assert_eq!(megabytes(123_400_000), "123 MB");
    }

    #[test]
    fn one_seed_has_no_deviation() {
        let stat = |n| Stat {
            mean: 0.5,
            sd: 0.1,
            n,
        };
        let written = |n| with_deviation("50.0".into(), stat(n), 100.0, 1);
        assert_eq!([1, 3].map(written), ["50.0", "50.0 ± 10.0"]);
    }
}
