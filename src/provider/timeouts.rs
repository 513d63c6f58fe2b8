//! `timeouts = { ... }` of what takes long to read.

use std::time::Duration;

use describe::Describe;

use terraform_plugin::value::Value;

use super::duration;

/// Shortest and longest reading.
const READ: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(24 * 3600)];

/// `timeouts = { read = "30m" }`
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(super) struct Timeouts {
    /// How long the reading may take. Default `30m`.
    #[field(
        optional,
        check_string(|text| duration::parse_within(text, READ[0], READ[1]).map(drop))
    )]
    read: Value<String>,
}

/// How long a reading may take; none: nothing is said.
pub(super) fn read_timeout(timeouts: &Value<Timeouts>) -> Option<Duration> {
    let text = timeouts.known()?.read.known()?;
    // The schema has checked it.
    duration::parse(text).ok()
}
