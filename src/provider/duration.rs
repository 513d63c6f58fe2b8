//! Durations as Terraform users write them: `30m`, `1h30m`.

use std::time::Duration;

use terraform_plugin::schema::Violation;

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
    Err(Violation::new(
        format!(
            "It must be between {} and {}.",
            text_of(least),
            text_of(most)
        ),
        "Choose a duration in that range.",
    ))
}

/// In the largest unit that users may write, which is the hour.
fn text_of(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
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
        let refused = parse_within("0s", Duration::from_secs(90), 24 * hour).unwrap_err();
        assert_eq!(refused.rule, "It must be between 90s and 24h.");
    }
}
