//! Durations as Terraform users write them: `30m`, `1h30m`.

use std::time::Duration;

use crate::framework::schema::Violation;

/// Reads a duration.
///
/// # Errors
/// The rule that the text breaks.
pub(super) fn parse(text: &str) -> Result<Duration, Violation> {
    humantime::parse_duration(text).map_err(|_| {
        Violation::new(
            "It must be a duration: whole numbers, each with one of the units s, m, h.",
            "Write it like \"30m\" or \"1h30m\".",
        )
    })
}

/// Reads a duration within bounds.
///
/// # Errors
/// The rule that the text breaks.
pub(super) fn parse_within(
    text: &str,
    least: Duration,
    most: Duration,
) -> Result<Duration, Violation> {
    let duration = parse(text)?;
    if (least..=most).contains(&duration) {
        return Ok(duration);
    }
    let (least, most) = (
        humantime::format_duration(least),
        humantime::format_duration(most),
    );
    Err(Violation::new(
        format!("It must be between {least} and {most}."),
        "Choose a duration in that range.",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_what_terraform_users_write() {
        assert_eq!(parse("30m").unwrap(), Duration::from_secs(1800));
        assert_eq!(parse("1h30m").unwrap(), Duration::from_secs(5400));
        assert!(parse("soon").is_err());
        assert!(parse("30").is_err());
        let hour = Duration::from_secs(3600);
        assert!(parse_within("2h", hour, hour).is_err());
        assert_eq!(parse_within("60m", hour, hour).unwrap(), hour);
    }
}
