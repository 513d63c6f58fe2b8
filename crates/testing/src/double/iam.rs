//! IAM: the access keys of the caller.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::answers::{Caller, escape};
use super::faults::Failure;
use super::organization::Organization;

/// What goes inside `<ActionResult>`.
pub(super) fn answer(
    organization: &Organization,
    action: &str,
    caller: &Caller,
) -> Result<String, Failure> {
    if action != "ListAccessKeys" {
        return Err(Failure::new(
            400,
            "InvalidAction",
            &format!("The double does not know {action}."),
        ));
    }
    if caller.is_role {
        return Err(Failure::new(
            400,
            "ValidationError",
            "Must specify userName when calling with non-User credentials",
        ));
    }
    let user = caller.arn.rsplit('/').next().unwrap_or_default();
    // Users have two keys at most; the other one is older than any.
    let keys = [
        ("AKIAOTHEROFTHEUSER", 10_000),
        (
            caller.access_key.as_str(),
            *organization.key_ages.get(&caller.access_key).unwrap_or(&0),
        ),
    ];
    let members: String = keys
        .iter()
        .map(|(id, days)| {
            let made = OffsetDateTime::now_utc() - time::Duration::days(*days);
            let made = made.replace_nanosecond(0).expect("a whole second");
            let made = made.format(&Rfc3339).expect("a time in this century");
            format!(
                "<member><UserName>{}</UserName><AccessKeyId>{}</AccessKeyId><Status>Active</Status><CreateDate>{made}</CreateDate></member>",
                escape(user),
                escape(id)
            )
        })
        .collect();
    Ok(format!(
        "<IsTruncated>false</IsTruncated><AccessKeyMetadata>{members}</AccessKeyMetadata>"
    ))
}
