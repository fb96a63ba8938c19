//! Damage: what a broken disk, a cut download or a malicious author does to a file. A function of the seed alone, so that
//! a case that was found once is found again.

/// Texts longer than this are not made longer.
const LONGEST: usize = 1 << 18;

/// Numbers at which arithmetic on sizes goes wrong.
const SIZES: [u64; 14] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff,
    1 << 20,
    (1 << 31) - 1,
    u32::MAX as u64,
    1 << 32,
    1 << 40,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// Numbers and words that stand where a text has a number.
const WORDS: [&str; 28] = [
    "0",
    "-1",
    "-0.0",
    "1",
    "2",
    "3",
    "255",
    "65536",
    "2147483648",
    "4294967296",
    "1099511627776",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "1e308",
    "1e400",
    "-1e308",
    "1e-400",
    "NaN",
    "nan",
    "inf",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
];

/// Damages files, one after the other.
#[derive(Debug)]
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// The same seed, the same damage.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Mutator { state: seed }
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        // SplitMix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// `file` after one to four accidents; parts of `other` may get into it.
    pub fn bytes(&mut self, file: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = file.to_vec();
        for _ in 0..=self.below(4) {
            self.one_accident(&mut bytes, other);
        }
        bytes
    }

    fn one_accident(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len());
        match self.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = self.below(256) as u8,
            2 => bytes.truncate(at),
            3 => {
                let count = self.below(9);
                let new: Vec<u8> = (0..count).map(|_| self.below(256) as u8).collect();
                bytes.splice(at..at, new);
            }
            4 => {
                let end = (at + self.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 if bytes.len() < LONGEST => {
                let end = (at + 1 + self.below(64)).min(bytes.len());
                let part = bytes[at..end].repeat(1 + self.below(40));
                bytes.splice(at..at, part);
            }
            // A length: in four or eight bytes of either order, or as bincode writes it.
            6 => {
                let size = SIZES[self.below(SIZES.len())];
                let number = match self.below(5) {
                    0 => size.to_le_bytes().to_vec(),
                    1 => size.to_be_bytes().to_vec(),
                    2 => (size as u32).to_le_bytes().to_vec(),
                    3 => (size as u32).to_be_bytes().to_vec(),
                    _ => [&[0xfd][..], &size.to_le_bytes()].concat(),
                };
                let end = (at + number.len() * self.below(2)).min(bytes.len());
                bytes.splice(at..end, number);
            }
            7 => {
                let from = self.below(other.len());
                let to = (from + self.below(256)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let (a, b) = (self.below(bytes.len()), self.below(bytes.len()));
                let end = (a.max(b) + 1).min(bytes.len());
                let value = [0, 0xff][self.below(2)];
                bytes[a.min(b)..end].fill(value);
            }
        }
    }

    /// `text` (JSON, TOML) after one to four accidents that keep most of it a text of that kind.
    pub fn text(&mut self, text: &[u8], other: &[u8]) -> Vec<u8> {
        let mut tokens = tokens(text);
        let strange = self::tokens(other);
        for _ in 0..=self.below(4) {
            self.one_slip(&mut tokens, &strange);
        }
        let text = tokens.concat();
        match self.below(8) {
            0 => self.bytes(&text, other),
            _ => text,
        }
    }

    fn one_slip(&mut self, tokens: &mut Vec<Vec<u8>>, strange: &[Vec<u8>]) {
        let at = self.below(tokens.len());
        let numbers = || tokens.iter().enumerate().filter(|(_, t)| is_number(t));
        match self.below(10) {
            0..=3 => {
                let places: Vec<usize> = numbers().map(|(place, _)| place).collect();
                if let Some(&place) = self.pick(&places) {
                    tokens[place] = WORDS[self.below(WORDS.len())].into();
                }
            }
            4 if !tokens.is_empty() => {
                tokens.remove(at);
            }
            5 if !tokens.is_empty() => {
                if let Some(token) = self.pick(strange) {
                    tokens[at] = token.clone();
                }
            }
            // Keys and layers that stand twice, or very often.
            6 if tokens.concat().len() < LONGEST => {
                let end = (at + 1 + self.below(30)).min(tokens.len());
                let times = [1, 2, 40, 400][self.below(4)];
                let part = vec![tokens[at..end].to_vec(); times].concat();
                tokens.splice(at..at, part);
            }
            7 => {
                let depth = [1, 30, 200, 20_000][self.below(4)];
                let (open, close) = [("[", "]"), ("{\"a\":", "}"), ("{a=", "}")][self.below(3)];
                let close = if self.below(2) == 0 { close } else { "" };
                let nest = [open.repeat(depth), "1".into(), close.repeat(depth)].concat();
                tokens.insert(at, nest.into());
            }
            8 if !tokens.is_empty() => {
                let with = self.below(tokens.len());
                tokens.swap(at, with);
            }
            _ => {
                let end = (at + self.below(40)).min(tokens.len());
                tokens.drain(at..end);
            }
        }
    }
}

/// Words, numbers, strings, and everything else byte by byte.
fn tokens(text: &[u8]) -> Vec<Vec<u8>> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let length = match first {
            b'"' => {
                let end = rest[1..].iter().position(|&byte| byte == b'"');
                end.map_or(rest.len(), |end| end + 2)
            }
            _ if is_word(first) => rest
                .iter()
                .position(|&byte| !is_word(byte))
                .unwrap_or(rest.len()),
            _ => 1,
        };
        let (token, later) = rest.split_at(length);
        tokens.push(token.to_vec());
        rest = later;
    }
    tokens
}

fn is_number(token: &[u8]) -> bool {
    token
        .first()
        .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_a_function_of_the_seed_and_differs() {
        let file = br#"{"a": [1, 2.5, "b c"], "d": -3}"#;
        let made = |seed| {
            let mut mutator = Mutator::new(seed);
            let mut make = |_| [mutator.bytes(file, b"other"), mutator.text(file, b"{}")];
            (0..200).flat_map(&mut make).collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        let damaged = made(1).iter().filter(|bytes| *bytes != file).count();
        assert!(damaged > 350, "{damaged} of 400");
    }

    #[test]
    fn tokens_are_words_numbers_and_strings() {
        let text = br#"a = [-1.5e3,"b c"]"#;
        let words = ["a", " ", "=", " ", "[", "-1.5e3", ",", "\"b c\"", "]"];
        assert_eq!(tokens(text), words.map(|word| word.as_bytes().to_vec()));
        assert_eq!(tokens(b"\"open"), [b"\"open".to_vec()]);
    }
}
