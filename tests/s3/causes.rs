//! Causes that S3 words in more than one way, and those that come in the middle of a run.

use super::errors::{answered, assert_says, reading};
use super::*;
use orgmirror::catalog::S3Error;

#[tokio::test]
async fn keys_of_kms_however_they_are_refused() {
    for (status, code, message) in [
        (400, "KMS.DisabledException", "arn:aws:kms:key is disabled."),
        (400, "KMS.NotFoundException", "Invalid keyId"),
        (
            400,
            "KMS.KMSInvalidStateException",
            "arn is pending deletion.",
        ),
        (
            403,
            "AccessDenied",
            "User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: kms:GenerateDataKey on this resource",
        ),
        (
            403,
            "AccessDenied",
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you \
             are not allowed to access.",
        ),
    ] {
        let (error, text) = reading(&open(&answered(status, None, code, message))).await;
        assert!(matches!(error, S3Error::Key { .. }), "{code}: {error:?}");
        assert_says(&text, &[message, "kms:Decrypt"]);
    }
}

#[tokio::test]
async fn throttling_of_s3_and_of_kms_is_waited_for() {
    for (status, code) in [
        (503, "SlowDown"),
        (400, "ThrottlingException"),
        (400, "KMS.ThrottlingException"),
    ] {
        let bucket = answered(status, None, code, "Please reduce your request rate.");
        let (error, text) = reading(&open(&bucket)).await;
        let S3Error::Throttled { attempts, .. } = error else {
            panic!("{code}: {error:?}");
        };
        assert_eq!(attempts, 1 + place("").max_retries, "{code}");
        assert_says(&text, &["all of 4 attempts", "max_retries"]);
    }
}

/// S3 calls any header malformed that it cannot read.
#[tokio::test]
async fn a_malformed_header_is_another_region_only_where_s3_names_one() {
    let message = "The authorization header is malformed; the Credential is mal-formed";
    for region in [None, Some("us-east-1")] {
        let bucket = answered(400, region, "AuthorizationHeaderMalformed", message);
        let (error, text) = reading(&open(&bucket)).await;
        assert!(matches!(error, S3Error::Service { .. }), "{error:?}");
        assert_says(&text, &["Credential is mal-formed"]);
    }
}

#[tokio::test]
async fn what_is_archived_can_be_restored() {
    let bucket = answered(
        403,
        None,
        "InvalidObjectState",
        "Not valid for its storage class",
    );
    let (_, text) = reading(&open(&bucket)).await;
    assert_says(&text, &["InvalidObjectState", "restore-object"]);
}

#[tokio::test]
async fn a_removal_that_is_denied_names_both_actions() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    add(&catalog, "one").await.unwrap();
    bucket.on(|call| match call.action.as_str() {
        "s3:DeleteObject" => Act::Answer(403, "AccessDenied"),
        _ => Act::Pass,
    });
    let change = |document: &mut Document| {
        document.tenant_mut().remove::<Workspace>("ws_one");
        Ok(())
    };
    let warnings = commit(&catalog, change).await.unwrap().warnings;
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert_says(
        &warning.to_string(),
        &["remove", "s3:DeleteObject", "s3:GetObject"],
    );
}

#[tokio::test]
async fn credentials_that_expire_in_the_middle_of_a_run_fail_what_comes_then() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    add(&catalog, "one").await.unwrap();
    bucket.on(|_| Act::Answer(400, "ExpiredToken"));
    let text = add(&catalog, "two").await.unwrap_err();
    assert_says(&text, &["ExpiredToken", "obtain new ones"]);
    bucket.on(|call| match call.is("s3:PutObject", "catalog.json") {
        true => Act::Answer(400, "ExpiredToken"),
        false => Act::Pass,
    });
    let text = add(&catalog, "two").await.unwrap_err();
    assert_says(&text, &["was not written", "ExpiredToken"]);
    bucket.on(|_| Act::Pass);
    add(&catalog, "three").await.unwrap();
    let document = catalog.read().await.unwrap().unwrap();
    assert_eq!(handles(&document), ["one", "three"].map(Into::into).into());
    assert_contiguous(&catalog).await;
}
