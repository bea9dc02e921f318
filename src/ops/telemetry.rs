//! Logs: one line an event on stderr, as text or JSON.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{error::Error, settings::LogFormat};

/// The client library prints whole bodies that it cannot decode, a Secret's too, and every failed call at ERROR,
/// however expected. Our own messages say what matters; calls are in the metrics.
const NEVER: &str = "kube_client::client=off";

/// Says again, as a data structure, what our watches say; may be asked for.
const UNLESS_ASKED: &str = "kube_runtime::watcher=error";

/// Starts logging. `filter` is a level or directives (`info,clientele::apply=debug`).
pub fn init(format: LogFormat, filter: &str) -> Result<(), Error> {
    let filter = parse(filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => registry
            .with(lines.with_ansi(std::io::stderr().is_terminal()))
            .try_init(),
        LogFormat::Json => registry
            .with(
                lines
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false),
            )
            .try_init(),
    };
    started.map_err(|error| Error::Setting {
        setting: "--log-format",
        reason: error.to_string(),
    })
}

fn parse(filter: &str) -> Result<EnvFilter, Error> {
    let wrong = |reason: String| Error::Setting {
        setting: "--log-filter",
        reason,
    };
    let never = NEVER
        .parse()
        .map_err(|error| wrong(format!("{NEVER}: {error}")))?;
    let parsed = EnvFilter::try_new(format!("{UNLESS_ASKED},{filter}")).map_err(|error| {
        wrong(format!(
            "{filter:?} is no level or list of directives such as info,clientele=debug ({error})"
        ))
    })?;
    Ok(parsed.add_directive(never))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_names_its_flag() {
        let error = parse("clientele=loud").expect_err("no such level");
        assert!(
            error
                .to_string()
                .starts_with("--log-filter: \"clientele=loud\" is no level"),
            "{error}"
        );
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn the_watcher_library_speaks_when_asked() {
        let filter = |asked| parse(asked).expect("valid").to_string();
        assert!(filter("info").contains(UNLESS_ASKED));
        assert!(!filter("info,kube_runtime::watcher=debug").contains(UNLESS_ASKED));
    }

    #[test]
    fn bodies_are_never_logged_whatever_is_asked() {
        for asked in ["trace", "kube_client=trace", "kube_client::client=debug"] {
            let filter = parse(asked).expect("valid").to_string();
            assert!(filter.contains(NEVER), "{asked} → {filter}");
        }
    }
}
