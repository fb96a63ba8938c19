//! The little JSON that a launcher without dependencies needs: fields of lines it knows, and strings.

/// The positive number under `key` in a JSON text that holds the key once.
pub(crate) fn number_field(text: &str, key: &str) -> Option<f64> {
    let rest = after_key(text, key)?;
    let end = rest.find([',', '}', '\n']).unwrap_or(rest.len());
    rest[..end]
        .trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
}

/// The string (without escapes) under `key`.
pub(crate) fn text_field(text: &str, key: &str) -> Option<String> {
    let rest = after_key(text, key)?.strip_prefix('"')?;
    Some(rest[..rest.find('"')?].to_owned())
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out + "\""
}

/// A JSON list of numbers; what is no number becomes null.
pub(crate) fn numbers(values: &[f64]) -> String {
    let texts: Vec<String> = values
        .iter()
        .map(|v| {
            if v.is_finite() {
                format!("{v:.4}")
            } else {
                "null".to_owned()
            }
        })
        .collect();
    format!("[{}]", texts.join(","))
}

fn after_key<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let quoted = format!("\"{key}\"");
    let rest = text[text.find(&quoted)? + quoted.len()..].trim_start();
    Some(rest.strip_prefix(':')?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::{number_field, numbers, quoted, text_field};

    #[test]
    fn reads_fields_of_json() {
        let line = r#"{"version": "2.15.0", "images_per_second": 1234.5, "steps":3}"#;
        assert_eq!(number_field(line, "images_per_second"), Some(1234.5));
        assert_eq!(number_field(line, "steps"), Some(3.0));
        assert_eq!(number_field(line, "version"), None);
        assert_eq!(number_field(r#"{"steps":NaN}"#, "steps"), None);
        assert_eq!(text_field(line, "version").as_deref(), Some("2.15.0"));
        assert_eq!(text_field(line, "absent"), None);
    }

    #[test]
    fn writes_strings_and_numbers() {
        assert_eq!(quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
        assert_eq!(numbers(&[1.0, f64::NAN]), "[1.0000,null]");
    }
}
