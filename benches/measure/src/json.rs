//! Fields of what other programs print as JSON.

use serde_json::Value;

/// The positive number under `key` of an object; anything else is no measurement.
pub(crate) fn number(text: &str, key: &str) -> Option<f64> {
    let object: Value = serde_json::from_str(text.trim()).ok()?;
    object[key]
        .as_f64()
        .filter(|number| number.is_finite() && *number > 0.0)
}

/// The string under `key` of an object.
pub(crate) fn string(text: &str, key: &str) -> Option<String> {
    let object: Value = serde_json::from_str(text.trim()).ok()?;
    object[key].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{number, string};

    #[test]
    fn reads_fields_of_json() {
        let line = "{\"version\": \"2.15.0\", \"images_per_second\": 1234.5, \"steps\":3}\n";
        assert_eq!(number(line, "images_per_second"), Some(1234.5));
        assert_eq!(number(line, "steps"), Some(3.0));
        assert_eq!(string(line, "version").as_deref(), Some("2.15.0"));
        assert_eq!(string(line, "absent"), None);
    }

    #[test]
    fn what_is_no_measurement_is_none() {
        let line = r#"{"version": "2.15.0", "none": 0, "less": -1, "list": [1]}"#;
        for key in ["version", "none", "less", "list", "absent"] {
            assert_eq!(number(line, key), None, "{key}");
        }
        assert_eq!(number(r#"{"steps":NaN}"#, "steps"), None);
        assert_eq!(number("[1]", "steps"), None);
    }
}
