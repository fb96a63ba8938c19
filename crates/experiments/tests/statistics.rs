//! Statistics against what SciPy and statsmodels say, as `fixtures/golden/statistics.py` wrote it down.

use std::collections::BTreeMap;

use serde_json::Value;
use taper_experiments::statistics::{
    DRAWS, Table, beats_on_new_seed, estimate, holm, mcnemar, normal_quantile, sign_flip,
    t_quantile, wilson,
};
use taper_tensor::Seed;

const TOLERANCE: f64 = 1e-9;

fn near(found: f64, wanted: f64, tolerance: f64, case: &Value) {
    let short: String = case.to_string().chars().take(200).collect();
    assert!(
        (found - wanted).abs() <= tolerance,
        "{found}, not {wanted}: {short}"
    );
}

#[test]
fn everything_is_as_scipy_and_statsmodels_say() {
    let file: Value =
        serde_json::from_str(include_str!("../../../fixtures/golden/statistics.json"))
            .expect("JSON");
    let mut asked = BTreeMap::<String, usize>::new();
    for case in file["cases"].as_array().expect("cases") {
        let number = |key: &str| case[key].as_f64().expect(key);
        let count = |key: &str| case[key].as_u64().expect(key);
        let list = |key: &str| -> Vec<f64> {
            let values = case[key].as_array().expect(key).iter();
            values.map(|value| value.as_f64().expect(key)).collect()
        };
        let question = case["question"].as_str().expect("a question");
        match question {
            "wilson" => {
                let found = wilson(count("right"), count("of")).expect("an interval");
                near(found.low, number("low"), TOLERANCE, case);
                near(found.high, number("high"), TOLERANCE, case);
            }
            "mcnemar" => near(
                mcnemar(count("first"), count("second")),
                number("p"),
                TOLERANCE,
                case,
            ),
            "sign_flip" => {
                let differences: Vec<i64> = list("differences").iter().map(|d| *d as i64).collect();
                near(sign_flip(&differences), number("p"), TOLERANCE, case);
            }
            "new_seed" => {
                let found = beats_on_new_seed(&list("differences")).expect("a spread");
                near(found, number("probability"), TOLERANCE, case);
            }
            "holm" => {
                let (found, wanted) = (holm(&list("p")), list("corrected"));
                assert_eq!(found.len(), wanted.len());
                for (found, wanted) in found.iter().zip(wanted) {
                    near(*found, wanted, TOLERANCE, case);
                }
            }
            "normal" => near(normal_quantile(), number("quantile"), TOLERANCE, case),
            "t" => near(
                t_quantile(number("degrees")),
                number("quantile"),
                TOLERANCE,
                case,
            ),
            "one" => {
                let (better, worse) = (count("better") as usize, count("worse") as usize);
                let mut row = vec![0i8; count("images") as usize];
                row[..better].fill(1);
                row[better..better + worse].fill(-1);
                drawn(&[row], case);
            }
            "several" => {
                let rows = case["differences"].as_array().expect("rows").iter();
                let value = |value: &Value| value.as_i64().expect("a whole number") as i8;
                let row = |row: &Value| row.as_array().expect("a row").iter().map(value).collect();
                let rows: Vec<Vec<i8>> = rows.map(row).collect();
                let parts = Table::of(&rows).expect("a table").components();
                near(parts.seeds, number("seeds"), TOLERANCE, case);
                near(parts.images, number("images"), TOLERANCE, case);
                near(parts.rest, number("rest"), TOLERANCE, case);
                let degrees = drawn(&rows, case).expect("several seeds");
                near(degrees, number("degrees"), TOLERANCE * degrees, case);
            }
            other => panic!("nobody answers {other}"),
        }
        *asked.entry(question.to_owned()).or_default() += 1;
    }
    assert_eq!(asked.len(), 9, "{asked:?}");
}

/// Mean and standard error to 1e-9, ends of the interval to their sampling error; degrees of freedom.
fn drawn(rows: &[Vec<i8>], case: &Value) -> Option<f64> {
    let number = |key: &str| case[key].as_f64().expect(key);
    let found = estimate(&Table::of(rows).expect("a table"), DRAWS, Seed(0), 0);
    near(found.mean, number("mean"), TOLERANCE, case);
    near(
        found.standard_error,
        number("standard_error"),
        TOLERANCE,
        case,
    );
    if let Some(p) = case["p"].as_f64() {
        near(found.p(), p, TOLERANCE, case);
    }
    near(found.interval.low, number("low"), number("tolerance"), case);
    near(
        found.interval.high,
        number("high"),
        number("tolerance"),
        case,
    );
    found.degrees
}
