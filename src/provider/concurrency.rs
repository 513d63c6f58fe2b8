//! `concurrency`: how much is asked of AWS at once.

use terraform_plugin::schema::Attribute;
use terraform_plugin::value::Value;

const DEFAULT: usize = 16;
/// STS allows 600 calls per second by default; more at once would only be throttled.
const MOST: i64 = 256;

/// The attribute `concurrency`; `what` is such as `accounts are asked`.
pub(super) fn concurrency(what: &str) -> Attribute {
    Attribute::number("concurrency")
        .optional()
        .at_least(1)
        .at_most(MOST)
        .description(&format!(
            "How many {what} at once, at most {MOST}. Default {DEFAULT}."
        ))
}

/// How much at once.
pub(super) fn at_once(concurrency: &Value<i64>) -> usize {
    // The schema has checked it.
    let count = concurrency.known().copied();
    count
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(DEFAULT)
}
