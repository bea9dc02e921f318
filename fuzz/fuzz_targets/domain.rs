//! What people write into resources and the mail service reads again: durations, names, quantities, time zones, credentials.
#![no_main]

use std::time::Duration;

use clientele::domain::credential::Credential;
use clientele::domain::names::{
    CustomerName, PartnerName, partner_namespace, tenant_namespace, tenant_of,
};
use clientele::domain::{duration, limits, quantity};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|sent: &[u8]| {
    let Ok(text) = std::str::from_utf8(sent) else {
        return;
    };
    durations(text);
    names(text);
    quantities(text);
    zones(text);
    if let Some(credential) = Credential::parse(text) {
        assert_eq!(Credential::parse(&credential.to_string()), Some(credential));
    }
});

fn durations(text: &str) {
    let Ok(read) = duration::parse(text) else {
        return;
    };
    assert!(read <= duration::LONGEST);
    let expected = Duration::from_secs(read.as_secs().max(1));
    assert_eq!(
        duration::parse(&duration::spelled(read)),
        Ok(expected),
        "{text:?}"
    );
}

/// A partner's and a customer's name make a namespace that stands for these two and nobody else.
fn names(text: &str) {
    let Some((partner, customer)) = text.split_once('/') else {
        return;
    };
    if PartnerName::parse(partner).is_ok() && CustomerName::parse(customer).is_ok() {
        let tenant = tenant_namespace(partner, customer);
        assert!(tenant.len() <= 63);
        assert_eq!(tenant.split_once("--"), Some((partner, customer)));
        assert_eq!(
            tenant_of(&partner_namespace(partner), customer),
            Some(tenant)
        );
    }
}

fn quantities(text: &str) {
    if let Some(value) = quantity::nanos(text)
        && value.checked_mul(1_000_000_000).is_some()
    {
        assert_eq!(
            quantity::nanos(&format!("{value}n")),
            Some(value),
            "{text:?}"
        );
    }
}

/// `Zone/Name seconds`: every moment of a window is in that window, in this century and the next.
fn zones(text: &str) {
    let (name, second) = text.split_once(' ').unwrap_or((text, "0"));
    let (Some(zone), Ok(second)) = (limits::zone(name), second.parse::<u32>()) else {
        return;
    };
    let at = |second: i64| Timestamp::from_second(second).expect("a time");
    let now = 946_684_800 + i64::from(second);
    let windows = limits::windows(&zone, at(now));
    for (unit, window) in windows.into_iter().enumerate() {
        assert!(window.contains(now), "{text:?}");
        for edge in [window.start, window.end - 1] {
            assert_eq!(
                limits::windows(&zone, at(edge))[unit],
                window,
                "{text:?} at {edge}"
            );
        }
        assert!(
            !limits::windows(&zone, at(window.end))[unit].contains(now),
            "{text:?}"
        );
    }
    assert!(limits::spelled(now, &zone).is_ascii());
}
