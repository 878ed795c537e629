//! The manifest of a package of playbooks: the SHA-256 digest of each of its files, as `sha256sum` prints them.

use std::collections::BTreeMap;

/// The file's name, beside the playbooks.
pub const MANIFEST_FILE: &str = "MANIFEST";
/// The name of its signature, which `minisign -Sm MANIFEST` makes.
pub const SIGNATURE_FILE: &str = "MANIFEST.minisig";
const DIGEST_DIGITS: usize = 64;

/// Digests by path below the manifest's folder, with `/` between the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    digests: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("line {line} is not a digest and a path, as `sha256sum` prints them")]
    NoEntry { line: usize },
    #[error("line {line} names `{path}` again, with another digest")]
    Twice { line: usize, path: String },
}

impl Manifest {
    pub fn read(text: &str) -> Result<Manifest, ManifestError> {
        let mut digests = BTreeMap::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line_number = index + 1;
            let (digest, path) = entry(line).ok_or(ManifestError::NoEntry { line: line_number })?;
            let before = digests.insert(path.clone(), digest.clone());
            if before.is_some_and(|before| before != digest) {
                return Err(ManifestError::Twice { line: line_number, path });
            }
        }
        Ok(Manifest { digests })
    }

    /// The digest that the file at this path must have.
    pub fn digest(&self, path: &str) -> Option<&str> {
        self.digests.get(path).map(String::as_str)
    }
}

/// `sha256sum` puts `*` before the names of files that it reads as binary.
fn entry(line: &str) -> Option<(String, String)> {
    let (digest, path) = line.split_once(' ')?;
    let path = path.strip_prefix([' ', '*'])?;
    let path = path.strip_prefix("./").unwrap_or(path);
    let is_digest = digest.len() == DIGEST_DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_below = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    (is_digest && is_below).then(|| (digest.to_ascii_lowercase(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_sha256sum_prints() {
        let digest = "0123456789abcdef".repeat(4);
        let text = format!("{digest}  a.yaml\n{} *./lib/b c.yaml\n\n", digest.to_uppercase());
        let manifest = Manifest::read(&text).unwrap();
        assert_eq!(manifest.digest("a.yaml"), Some(digest.as_str()));
        assert_eq!(manifest.digest("lib/b c.yaml"), Some(digest.as_str()));
        assert_eq!(manifest.digest("b c.yaml"), None);
    }

    #[test]
    fn anything_else_is_refused() {
        let digest = "0123456789abcdef".repeat(4);
        for line in ["x", &digest, &format!("{digest} a"), &format!("{}  a", &digest[1..]), &format!("{digest}  ../a")]
        {
            assert_eq!(Manifest::read(line), Err(ManifestError::NoEntry { line: 1 }), "{line}");
        }
        let other = "f".repeat(DIGEST_DIGITS);
        let twice = Manifest::read(&format!("{digest}  a\n{other}  a\n"));
        assert_eq!(twice, Err(ManifestError::Twice { line: 2, path: "a".to_owned() }));
    }
}
