//! A source file as words and signs, without comments, strings and what only tests compile.

/// Words and single signs. Strings and numbers become `""` and words nobody looks for.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut tokens, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        let start = i;
        match at(i) {
            c if c.is_whitespace() => i += 1,
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => i = after_comment(&chars, i),
            '"' => {
                i = after_string(&chars, i);
                tokens.push("\"\"".to_owned());
            }
            // A lifetime is a sign and a word; a character is skipped.
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            c if is_word(c) => {
                while is_word(at(i)) {
                    i += 1;
                }
                let word: String = chars[start..i].iter().collect();
                let mut hashes = 0;
                while at(i + hashes) == '#' {
                    hashes += 1;
                }
                if ["r", "br", "cr"].contains(&word.as_str()) && at(i + hashes) == '"' {
                    i = after_raw_string(&chars, i + hashes + 1, hashes);
                    tokens.push("\"\"".to_owned());
                } else {
                    tokens.push(word);
                }
            }
            c => {
                tokens.push(c.to_string());
                i += 1;
            }
        }
    }
    tokens
}

/// Drops what stands under `#[cfg(test)]`, and modules called `tests`.
pub(crate) fn without_tests(tokens: &[String]) -> Vec<String> {
    let (mut kept, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        let is_attribute = starts(&tokens[i..], &["#", "["]);
        if is_attribute && is_for_tests(&tokens[i + 2..]) {
            i = after_item(tokens, after_group(tokens, i + 1));
        } else if starts(&tokens[i..], &["mod", "tests"]) {
            i = after_item(tokens, i);
        } else {
            kept.push(tokens[i].clone());
            i += 1;
        }
    }
    kept
}

/// Behind the bracket that closes the one at `open`, of whatever kinds.
pub(crate) fn after_group(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// Behind a block comment, which may hold others.
fn after_comment(chars: &[char], mut i: usize) -> usize {
    let mut depth = 0;
    while i < chars.len() {
        match chars[i..] {
            ['/', '*', ..] => (depth, i) = (depth + 1, i + 2),
            ['*', '/', ..] => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

/// Behind a string that opens at `i`.
fn after_string(chars: &[char], mut i: usize) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// Behind a raw string whose text begins at `i`.
fn after_raw_string(chars: &[char], mut i: usize, hashes: usize) -> usize {
    let is_end = |i: usize| {
        chars[i] == '"' && (1..=hashes).all(|hash| chars.get(i + hash).is_some_and(|c| *c == '#'))
    };
    while i < chars.len() && !is_end(i) {
        i += 1;
    }
    i + 1 + hashes
}

fn starts(tokens: &[String], with: &[&str]) -> bool {
    tokens.len() >= with.len() && tokens.iter().zip(with).all(|(token, word)| token == word)
}

/// Whether an attribute needs `test`: `cfg(test)`, or `cfg(all(…))` with it among the conditions.
fn is_for_tests(attribute: &[String]) -> bool {
    if starts(attribute, &["cfg", "(", "all", "("]) {
        let end = after_group(attribute, 3);
        let mut depth = 0;
        return attribute[3..end].iter().any(|token| {
            depth += i32::from(token == "(") - i32::from(token == ")");
            depth == 1 && token == "test"
        });
    }
    starts(attribute, &["cfg", "(", "test", ")"])
}

/// Behind an item: its block or its semicolon; at the latest where the block around it ends.
fn after_item(tokens: &[String], mut i: usize) -> usize {
    let mut is_use = false;
    while i < tokens.len() {
        match tokens[i].as_str() {
            ";" => return i + 1,
            "}" => return i,
            "{" if !is_use => return after_group(tokens, i),
            "{" | "(" | "[" => i = after_group(tokens, i),
            word => {
                is_use |= word == "use";
                i += 1;
            }
        }
    }
    i
}
