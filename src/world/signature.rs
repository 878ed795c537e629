//! Signatures of the kind that `minisign` makes: Ed25519 over a BLAKE2b digest, with a trusted comment.
//!
//! Source: <https://jedisct1.github.io/minisign/>. Signatures of the older kind, over the file itself, are refused.

use minisign_verify::{PublicKey, Signature};

/// A key that signatures are held against.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    key: PublicKey,
    /// As it can be given on a command line.
    text: String,
}

/// Why something is no key, or not signed by one.
#[derive(Debug, thiserror::Error)]
pub enum SignatureProblem {
    #[error("it is no public key of minisign")]
    NoKey,
    #[error("it is no signature of minisign")]
    NoSignature,
    #[error("the signature is of another key, or of another text")]
    DoesNotFit,
}

impl TrustedKey {
    /// The key itself, or the text of the file that minisign has written it to.
    pub fn read(text: &str) -> Result<TrustedKey, SignatureProblem> {
        let text = text.trim();
        let line = text.lines().last().unwrap_or_default().trim();
        let key = PublicKey::from_base64(line).map_err(|_| SignatureProblem::NoKey)?;
        Ok(TrustedKey { key, text: line.to_owned() })
    }

    /// Was this signed with it? Answers with the comment that the signer has put under the signature, too.
    pub fn verify(&self, signed: &[u8], signature: &str) -> Result<String, SignatureProblem> {
        let signature = Signature::decode(signature).map_err(|_| SignatureProblem::NoSignature)?;
        self.key.verify(signed, &signature, false).map_err(|_| SignatureProblem::DoesNotFit)?;
        Ok(signature.trusted_comment().to_owned())
    }
}

impl std::fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
