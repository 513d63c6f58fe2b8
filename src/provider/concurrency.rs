//! `concurrency`: how much is asked of AWS at once.

use describe::Describe;

use terraform_plugin::value::Value;

const DEFAULT: usize = 16;
/// STS allows 600 calls per second by default; more at once would only be throttled.
const MOST: i64 = 256;

/// The argument `concurrency`.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(super) struct Concurrency {
    #[field(
        optional,
        at_least(1),
        at_most(MOST),
        description(&format!(
            "How many accounts are asked at once, at most {MOST}. Default {DEFAULT}."
        ))
    )]
    concurrency: Value<i64>,
}

impl Concurrency {
    /// How much at once.
    pub(super) fn at_once(&self) -> usize {
        // The schema has checked it.
        let count = self.concurrency.known().copied();
        count
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(DEFAULT)
    }
}
