//! What is asked over HTTP, read: who asks, and how much of what.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Longest `id`.
pub const ID: usize = 256;

/// User name and password of HTTP Basic authentication (RFC 7617); a user name has no colon.
pub fn basic(headers: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let username = String::from_utf8(decoded[..colon].to_vec()).ok()?;
    Some((username, decoded[colon + 1..].to_vec()))
}

/// What is asked of `/v1/consume`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consume {
    /// How many recipients the message has.
    pub recipients: u64,
    /// What it is known again by.
    #[serde(default)]
    pub id: Option<String>,
    /// By which route it is to go.
    #[serde(default)]
    pub route: Option<String>,
}

impl Consume {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, for whoever asks.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        // A struct is also read from a list of its fields, which is nobody's intention.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err("a JSON object is asked for".to_owned());
        }
        let asked: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let named = asked.id.as_ref();
        if asked.recipients == 0 || named.is_some_and(|id| id.is_empty() || id.len() > ID) {
            return Err(format!(
                "recipients is at least 1, and id has 1 to {ID} bytes"
            ));
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_with_a_count_asks_for_something() {
        let asked = Consume::read(br#" {"recipients": 3, "id": "m-1"}"#);
        let expected = Consume {
            recipients: 3,
            id: Some("m-1".to_owned()),
            route: None,
        };
        assert_eq!(asked, Ok(expected));
        for wrong in [
            r#"[3, "m-1", "eu"]"#,
            r#"{"recipients": 0}"#,
            r#"{"recipients": 1, "id": ""}"#,
            r#"{"recipients": 1, "to": "a@b"}"#,
            "",
        ] {
            assert!(Consume::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
