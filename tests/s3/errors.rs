//! Every cause says what it is and what to do.

use super::*;
use orgmirror::catalog::S3Error;
use orgmirror_testing::s3::error_body;
use std::error::Error as StdError;

/// The cause, and the whole text.
fn cause(error: &(dyn StdError + 'static)) -> (S3Error, String) {
    let mut at = Some(error);
    while let Some(cause) = at {
        if let Some(found) = cause.downcast_ref::<S3Error>() {
            return (found.clone(), error.to_string());
        }
        at = cause.source();
    }
    panic!("no S3Error below {error:?}");
}

pub(super) async fn reading(catalog: &Catalog) -> (S3Error, String) {
    cause(&catalog.read().await.unwrap_err())
}

pub(super) fn answered(
    status: u16,
    region: Option<&'static str>,
    code: &str,
    message: &str,
) -> Bucket {
    let bucket = Bucket::nowhere("orgmirror-test-errors");
    let body = error_body(code, message);
    bucket.on(move |_| Act::Say {
        status,
        region,
        body: body.clone(),
    });
    bucket
}

pub(super) fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there() {
    let bucket = Bucket::nowhere("orgmirror-test-not-there");
    let (error, text) = reading(&open(&bucket)).await;
    let name = bucket.name.clone();
    assert_eq!(error, S3Error::NoBucket { bucket: name });
    assert_says(
        &text,
        &[
            "orgmirror-test-not-there",
            "Create it",
            "s3://orgmirror-test-not-there/prod/eu",
        ],
    );
}

#[tokio::test]
async fn denials_name_the_call_and_what_to_allow() {
    let bucket = answered(
        403,
        None,
        "AccessDenied",
        "User: arn:aws:iam::1:user/x is not authorized",
    );
    let (error, text) = reading(&open(&bucket)).await;
    assert!(
        matches!(
            error,
            S3Error::Denied {
                action: "s3:GetObject",
                ..
            }
        ),
        "{error:?}"
    );
    assert_says(&text, &["user/x", "s3:ListBucket", "without a condition"]);
    let bucket = Bucket::make();
    bucket.on(|call| match call.action.as_str() {
        "s3:PutObject" => Act::Answer(403, "AccessDenied"),
        _ => Act::Pass,
    });
    let text = add(&open(&bucket), "one").await.unwrap_err();
    assert_says(
        &text,
        &["s3:PutObject", "IAM policy", "made up by the test"],
    );
    bucket.on(|call| match call.action.as_str() {
        "s3:ListBucket" => Act::Answer(403, "AccessDenied"),
        _ => Act::Pass,
    });
    let catalog = open(&bucket);
    let error = catalog.history(10).await.unwrap_err();
    let (error, _) = cause(&error);
    assert!(
        matches!(
            error,
            S3Error::Denied {
                action: "s3:ListBucket",
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn another_region_is_named() {
    let malformed = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'";
    for (status, region, code, message) in [
        (
            301,
            Some("eu-west-1"),
            "PermanentRedirect",
            "The bucket must be addressed elsewhere",
        ),
        (
            400,
            Some("eu-west-1"),
            "AuthorizationHeaderMalformed",
            malformed,
        ),
        (400, None, "AuthorizationHeaderMalformed", malformed),
    ] {
        let (error, text) = reading(&open(&answered(status, region, code, message))).await;
        assert_says(
            &text,
            &["us-east-1 but in eu-west-1", "region = \"eu-west-1\""],
        );
        assert!(matches!(error, S3Error::OtherRegion { .. }), "{error:?}");
    }
    let (_, text) = reading(&open(&answered(301, None, "PermanentRedirect", ""))).await;
    assert_says(&text, &["get-bucket-location"]);
}

#[tokio::test]
async fn keys_clocks_and_credentials() {
    let denied = "User: arn:aws:iam::1:user/x is not authorized to perform: kms:GenerateDataKey on resource: k";
    for (status, code, message, parts) in [
        (
            403,
            "AccessDenied",
            denied,
            ["kms:GenerateDataKey on", "kms_key_id"],
        ),
        (
            400,
            "KMS.DisabledException",
            "The key is disabled",
            ["is disabled", "kms:Decrypt"],
        ),
        (
            403,
            "RequestTimeTooSkewed",
            "The difference is too large",
            ["clock", "time service"],
        ),
        (
            403,
            "InvalidAccessKeyId",
            "No such key",
            ["No such key", "access key exists"],
        ),
        (
            400,
            "ExpiredToken",
            "The token has expired",
            ["has expired", "aws sso login"],
        ),
        (
            400,
            "SomethingNew",
            "Nobody knows",
            ["SomethingNew", "request TESTREQUEST"],
        ),
    ] {
        let (_, text) = reading(&open(&answered(status, None, code, message))).await;
        assert_says(&text, &parts);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_no_s3() {
    // Kept, so that nobody else listens there meanwhile.
    let deaf = tokio::net::TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", deaf.local_addr().unwrap());
    let catalog = open_with("somewhere", s3::client(&url));
    let (error, text) = reading(&catalog).await;
    assert!(matches!(error, S3Error::Unreachable { .. }), "{error:?}");
    assert_says(&text, &[&url, "firewall"]);
    for status in [200, 404] {
        let bucket = Bucket::nowhere("orgmirror-test-page");
        bucket.on(move |_| Act::Say {
            status,
            region: None,
            body: "<html><title>Sign in</title></html>".into(),
        });
        let (error, _) = reading(&open(&bucket)).await;
        assert!(
            matches!(error, S3Error::Service { .. }),
            "{status}: {error:?}"
        );
    }
}

#[tokio::test]
async fn what_forgets_conditions_is_refused_and_left_as_it_was() {
    let bucket = Bucket::make();
    bucket.on(|call| match call.header("if-match") {
        Some(_) => Act::ForgetMatch,
        None => Act::Pass,
    });
    let text = add(&open(&bucket), "one").await.unwrap_err();
    assert_says(
        &text,
        &[
            "does not check If-Match",
            "lose each other's changes",
            "Use Amazon S3",
        ],
    );
    assert_eq!(bucket.contents().await, BTreeMap::new());
    bucket.on(|call| match call.header("if-none-match") {
        Some("*") => Act::ForgetAbsence,
        _ => Act::Pass,
    });
    let text = add(&open(&bucket), "one").await.unwrap_err();
    assert_says(&text, &["does not check If-None-Match"]);
    assert_eq!(bucket.contents().await, BTreeMap::new());
    bucket.on(|call| match call.header("if-match") {
        Some(_) => Act::Answer(501, "NotImplemented"),
        None => Act::Pass,
    });
    let text = add(&open(&bucket), "one").await.unwrap_err();
    assert_says(&text, &["does not check"]);
    assert_eq!(bucket.contents().await, BTreeMap::new());
}

#[tokio::test]
async fn a_test_of_conditions_leaves_nothing_and_is_made_once() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    for name in ["one", "two"] {
        add(&catalog, name).await.unwrap();
    }
    let calls = bucket.calls();
    let tests = calls
        .iter()
        .filter(|call| call.key.contains("test-of-conditions"));
    assert_eq!(
        tests.count(),
        4,
        "one of If-Match, two of If-None-Match, and the removal"
    );
    let left = bucket.contents().await;
    assert!(left.keys().all(|key| !key.contains("test-of-conditions")));
    bucket.forget_calls();
    add(&open(&bucket), "three").await.unwrap();
    let calls = bucket.calls();
    let tests = calls
        .iter()
        .filter(|call| call.key.contains("test-of-conditions"));
    assert_eq!(tests.count(), 1, "the document is there");
}
