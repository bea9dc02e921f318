//! What an SMTP password is checked against: `sha256$<salt>$<digest>`, salt and digest in base64.
//!
//! The digest is SHA-256 of the salt's bytes followed by the password's. Passwords are generated, with at least 160 random bits, so
//! nobody guesses one however fast the function is; a slow one would only be a lever to wear the service out with wrong passwords.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The only form there is.
const FORM: &str = "sha256";

/// Longest salt, in bytes.
const SALT: usize = 64;

/// What a password is checked against.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    salt: Vec<u8>,
    digest: [u8; 32],
}

impl Credential {
    /// Of a password, with a salt that is random.
    pub fn of(password: &str, salt: &[u8]) -> Self {
        Self {
            salt: salt.to_vec(),
            digest: digest(salt, password.as_bytes()),
        }
    }

    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_end().split('$');
        let (form, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
        let salt = STANDARD.decode(salt).ok()?;
        let fits = form == FORM && parts.next().is_none() && salt.len() <= SALT;
        fits.then_some(())?;
        Some(Self {
            salt,
            digest: STANDARD.decode(digest).ok()?.try_into().ok()?,
        })
    }

    /// One that no password fits, and that takes as long to find out.
    pub fn impossible() -> Self {
        Self {
            salt: vec![0; 16],
            digest: [0; 32],
        }
    }

    /// Whether it is this password's. Takes the same time whatever differs.
    pub fn fits(&self, password: &[u8]) -> bool {
        digest(&self.salt, password).ct_eq(&self.digest).into()
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, digest) = (STANDARD.encode(&self.salt), STANDARD.encode(self.digest));
        write!(f, "{FORM}${salt}${digest}")
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

fn digest(salt: &[u8], password: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(salt);
    digest.update(password);
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_and_fits_its_password_only() {
        let printed = Credential::of("secret", b"0123456789abcdef").to_string();
        // printf 0123456789abcdefsecret | openssl dgst -sha256 -binary | base64
        assert_eq!(
            printed,
            "sha256$MDEyMzQ1Njc4OWFiY2RlZg==$xTEOPR5YI+93zjpYBJiKcvxgwwegyJWfNGHiAuSo2BQ="
        );
        let read = Credential::parse(&format!("{printed}\n")).expect("read");
        assert!(read.fits(b"secret"));
        for wrong in ["", "Secret", "secret ", "secre"] {
            assert!(!read.fits(wrong.as_bytes()), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_credential_is_none() {
        let digest = STANDARD.encode([1; 32]);
        let long = STANDARD.encode([1; SALT + 1]);
        for wrong in [
            String::new(),
            "secret".to_owned(),
            format!("sha1$AAAA${digest}"),
            format!("sha256$AAAA${digest}$"),
            format!("sha256$AAAA${}", STANDARD.encode([1; 31])),
            format!("sha256${long}${digest}"),
            format!("sha256$?${digest}"),
        ] {
            assert_eq!(Credential::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nothing_fits_the_impossible() {
        assert!(!Credential::impossible().fits(b""));
    }
}
