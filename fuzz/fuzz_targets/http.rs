//! The HTTP API: bodies of `/v1/consume`, and who says they are whom.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientele::mail::asked::{Consume, ID, basic};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|sent: &[u8]| {
    body(sent);
    caller(sent);
});

fn body(sent: &[u8]) {
    let value: Option<Value> = serde_json::from_slice(sent).ok();
    match Consume::read(sent) {
        Ok(asked) => {
            assert!(asked.recipients > 0);
            assert!(
                asked
                    .id
                    .as_ref()
                    .is_none_or(|id| (1..=ID).contains(&id.len()))
            );
            let value = value.expect("JSON");
            assert_eq!(Some(&asked), meant(&value).as_ref(), "{value}");
            let again =
                json!({"recipients": asked.recipients, "id": asked.id, "route": asked.route});
            assert_eq!(Consume::read(again.to_string().as_bytes()), Ok(asked));
        }
        Err(why) => {
            assert!(why.len() < 8192, "an answer without bound");
            // What a person would call right is taken, once no name stands in it twice.
            if let Some(right) = value.as_ref().and_then(meant) {
                let plain = value.expect("JSON").to_string();
                assert_eq!(Consume::read(plain.as_bytes()), Ok(right), "{plain}");
            }
        }
    }
}

/// What JSON asks for: an object with these fields and no others.
fn meant(value: &Value) -> Option<Consume> {
    let fields = value.as_object()?;
    let known = ["recipients", "id", "route"];
    fields
        .keys()
        .all(|name| known.contains(&name.as_str()))
        .then_some(())?;
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    let id = text("id")?;
    id.as_ref()
        .is_none_or(|id| (1..=ID).contains(&id.len()))
        .then_some(())?;
    Some(Consume {
        recipients: fields
            .get("recipients")?
            .as_u64()
            .filter(|count| *count > 0)?,
        id,
        route: text("route")?,
    })
}

fn caller(sent: &[u8]) {
    let header = |bytes: &[u8]| {
        let value = HeaderValue::from_bytes(bytes).ok()?;
        Some(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    };
    let written = |username: &str, password: &[u8]| {
        let both = [username.as_bytes(), b":", password].concat();
        let text = format!("Basic {}", STANDARD.encode(both));
        header(text.as_bytes()).expect("a header")
    };
    if let Some((username, password)) = header(sent).as_ref().and_then(basic) {
        assert!(!username.contains(':'));
        assert_eq!(
            basic(&written(&username, &password)),
            Some((username, password))
        );
    }
    // Any name and password come through, up to the first colon and from there.
    if let Ok(text) = std::str::from_utf8(sent)
        && let Some((username, password)) = text.split_once(':')
    {
        let expected = (username.to_owned(), password.as_bytes().to_vec());
        assert_eq!(
            basic(&written(username, password.as_bytes())),
            Some(expected)
        );
    }
}
