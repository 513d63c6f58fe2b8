//! `timeouts = { ... }` of what takes long to read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use terraform_plugin::schema::Attribute;
use terraform_plugin::value::Value;

use super::duration;

/// Shortest and longest reading.
const READ: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(24 * 3600)];

/// `timeouts = { read = "30m" }`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Timeouts {
    read: Value<String>,
}

/// The attribute `timeouts`; the description is of `read`.
pub(super) fn timeouts(read: &str) -> Attribute {
    Attribute::nested(
        "timeouts",
        vec![
            Attribute::string("read")
                .optional()
                .check_string(|text| duration::parse_within(text, READ[0], READ[1]).map(drop))
                .description(read),
        ],
    )
    .optional()
    .description("Time limits.")
}

/// How long a reading may take; none: nothing is said.
pub(super) fn read_timeout(timeouts: &Value<Timeouts>) -> Option<Duration> {
    let text = timeouts.known()?.read.known()?;
    // The schema has checked it.
    duration::parse(text).ok()
}
