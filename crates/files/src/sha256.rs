//! SHA-256: the fingerprint by which files are recognised, by a library without dependencies of its own.

/// A running SHA-256.
///
/// ```
/// use taper_files::sha256::Sha256;
/// let mut hash = Sha256::new();
/// hash.update(b"a");
/// hash.update(b"bc");
/// assert_eq!(hash.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
/// ```
#[derive(Clone, Default)]
pub struct Sha256(hmac_sha256::Hash);

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256")
    }
}

impl Sha256 {
    /// The hash of nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hexadecimal digest of `bytes`.
    pub fn digest(bytes: &[u8]) -> String {
        hex(hmac_sha256::Hash::hash(bytes))
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest, 64 lower-case hexadecimal digits.
    pub fn hex(self) -> String {
        hex(self.0.finalize())
    }
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::Sha256;

    #[test]
    fn known_answers_of_the_standard() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256::digest(b""), empty);
        let mut hash = Sha256::new();
        for _ in 0..1000 {
            hash.update(&[b'a'; 1000]);
        }
        let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        assert_eq!(hash.hex(), million);
    }
}
