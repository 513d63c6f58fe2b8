//! The call `iam:ListAccessKeys`, made of the parts that the crates of AWS's services are made of
//! (`docs/decisions/one-call-of-iam.md` says why).

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::request_id::apply_request_id;

use super::iam_endpoint::Endpoint;

/// Without a user's name, IAM lists the keys of the caller, at most two. The version is that of IAM's API.
const REQUEST: &str = "Action=ListAccessKeys&Version=2010-05-08";

/// An access key in IAM's response, with the fields that are read here.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Listed {
    pub(super) id: Option<String>,
    pub(super) made: Option<DateTime>,
}

/// An error of IAM, or an invalid response.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", .0.code().unwrap_or("error"), .0.message().unwrap_or("IAM gave no reason"))]
pub(super) struct IamError(ErrorMetadata);

impl ProvideErrorMetadata for IamError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl From<XmlDecodeError> for IamError {
    fn from(error: XmlDecodeError) -> Self {
        Self(ErrorMetadata::builder().message(error.to_string()).build())
    }
}

/// The call, ready to be made any number of times.
#[derive(Debug)]
pub(super) struct ListAccessKeys(Operation<(), Vec<Listed>, IamError>);

impl ListAccessKeys {
    /// The call with the credentials and the settings of `config`. It does not retry: the caller does.
    pub(super) fn new(config: &SdkConfig, endpoint: Endpoint) -> Self {
        let mut operation = Operation::builder()
            .service_name("IAM")
            .operation_name("ListAccessKeys")
            .endpoint_url(&endpoint.url)
            .no_retry()
            .with_connection_poisoning()
            .interceptor(InvocationIdInterceptor::new())
            .interceptor(RequestInfoInterceptor::new())
            .interceptor(UserAgentInterceptor::new())
            .runtime_plugin(signing_plugin(config, endpoint));
        if let Some(version) = config.behavior_version() {
            operation = operation.behavior_version(version);
        }
        if let Some(client) = config.http_client() {
            operation = operation.http_client(client);
        }
        if let Some(sleep) = config.sleep_impl() {
            operation = operation.sleep_impl(sleep);
        }
        if let Some(time) = config.time_source() {
            operation = operation.time_source(time);
        }
        if let Some(timeouts) = config.timeout_config() {
            operation = operation.timeout_config(timeouts.clone());
        }
        Self(
            operation
                .serializer(|()| request())
                .deserializer(answer)
                .build(),
        )
    }

    /// Makes the call.
    pub(super) async fn send(&self) -> Result<Vec<Listed>, SdkError<IamError, HttpResponse>> {
        self.0.invoke(()).await
    }
}

/// Makes the plugin that signs the request, with the name of the service and of the application.
fn signing_plugin(config: &SdkConfig, endpoint: Endpoint) -> StaticRuntimePlugin {
    let mut settings = Layer::new("iam");
    settings
        .store_put(AuthSchemeOptionResolverParams::new(()))
        .store_put(SigV4OperationSigningConfig::default())
        .store_put(SigningName::from_static("iam"))
        .store_put(SigningRegion::from(endpoint.signed_for))
        .store_put(ApiMetadata::new("iam", env!("CARGO_PKG_VERSION")));
    if let Some(name) = config.app_name() {
        settings.store_put(name.clone());
    }
    let mut components = RuntimeComponentsBuilder::new("iam")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            SCHEME_ID,
        ])))
        .with_identity_cache(config.identity_cache());
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new()
        .with_config(settings.freeze())
        .with_runtime_components(components)
}

fn request() -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(REQUEST));
    request.set_method("POST")?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-www-form-urlencoded");
    headers.insert("content-length", REQUEST.len().to_string());
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<Vec<Listed>, OrchestratorError<IamError>> {
    let body = response.body().bytes().unwrap_or_default();
    let read = if response.status().is_success() {
        parse_keys(body).map_err(IamError::from)
    } else {
        Err(reason(body).map_or_else(IamError::from, |reason| {
            IamError(apply_request_id(reason, response.headers()).build())
        }))
    };
    read.map_err(OrchestratorError::operation)
}

fn parse_keys(body: &[u8]) -> Result<Vec<Listed>, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut response = expect_element(document.root_element()?, "ListAccessKeysResponse")?;
    let result = response
        .next_tag()
        .ok_or_else(|| XmlDecodeError::custom("the response is empty"))?;
    let mut result = expect_element(result, "ListAccessKeysResult")?;
    let mut listed = Vec::new();
    while let Some(mut list) = result.next_tag() {
        if !list.start_el().matches("AccessKeyMetadata") {
            continue;
        }
        while let Some(key) = list.next_tag() {
            listed.push(access_key(expect_element(key, "member")?)?);
        }
    }
    Ok(listed)
}

fn access_key(mut element: ScopedDecoder<'_, '_>) -> Result<Listed, XmlDecodeError> {
    let mut key = Listed::default();
    while let Some(mut field) = element.next_tag() {
        match field.start_el().local() {
            "AccessKeyId" => key.id = Some(try_data(&mut field)?.into_owned()),
            "CreateDate" => {
                let made = DateTime::from_str(&try_data(&mut field)?, Format::DateTimeWithOffset);
                key.made = Some(made.map_err(XmlDecodeError::unhandled)?);
            }
            _ => {}
        }
    }
    Ok(key)
}

/// Code and message of what IAM sends with any status but success.
fn reason(body: &[u8]) -> Result<aws_smithy_types::error::metadata::Builder, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut response = document.root_element()?;
    let mut reason = ErrorMetadata::builder();
    while let Some(mut error) = response.next_tag() {
        if !error.start_el().matches("Error") {
            continue;
        }
        while let Some(mut field) = error.next_tag() {
            match field.start_el().local() {
                "Code" => reason = reason.code(try_data(&mut field)?),
                "Message" => reason = reason.message(try_data(&mut field)?),
                _ => {}
            }
        }
    }
    Ok(reason)
}

fn expect_element<'document, 'parent>(
    element: ScopedDecoder<'document, 'parent>,
    name: &str,
) -> Result<ScopedDecoder<'document, 'parent>, XmlDecodeError> {
    if element.start_el().matches(name) {
        return Ok(element);
    }
    let found = element.start_el().local();
    Err(XmlDecodeError::custom(format!(
        "expected {name}, found {found}"
    )))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;

    use super::*;

    /// The example of <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html>, with what may come.
    const ANSWER: &str = r#"<?xml version="1.0"?>
        <ListAccessKeysResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
          <ListAccessKeysResult>
            <UserName>Susan</UserName>
            <AccessKeyMetadata>
              <member>
                <UserName>Susan</UserName>
                <AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId>
                <Status>Active</Status>
                <CreateDate>2016-12-03T18:53:41Z</CreateDate>
              </member>
              <member>
                <AccessKeyId>AKIAI44QH8DHBEXAMPLE</AccessKeyId>
                <New><AccessKeyId>another</AccessKeyId></New>
              </member>
            </AccessKeyMetadata>
            <IsTruncated>false</IsTruncated>
          </ListAccessKeysResult>
          <ResponseMetadata><RequestId>7a62c49f</RequestId></ResponseMetadata>
        </ListAccessKeysResponse>"#;

    fn read(status: u16, body: &str) -> Result<Vec<Listed>, OrchestratorError<IamError>> {
        let status = StatusCode::try_from(status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        response
            .headers_mut()
            .insert("x-amzn-requestid", "7a62c49f");
        answer(&response)
    }

    fn refusal(status: u16, body: &str) -> ErrorMetadata {
        let error = read(status, body).unwrap_err();
        error.as_operation_error().unwrap().meta().clone()
    }

    #[test]
    fn keys_are_read_with_the_time_they_were_made_at() {
        let made = DateTime::from_secs(1_480_791_221);
        let keys = [
            ("AKIAIOSFODNN7EXAMPLE", Some(made)),
            ("AKIAI44QH8DHBEXAMPLE", None),
        ];
        let keys = keys.map(|(id, made)| Listed {
            id: Some(id.to_owned()),
            made,
        });
        assert_eq!(read(200, ANSWER).unwrap(), keys);
        let none = "<ListAccessKeysResponse><ListAccessKeysResult/></ListAccessKeysResponse>";
        assert_eq!(read(200, none).unwrap(), []);
    }

    #[test]
    fn an_answer_that_is_none_is_an_error_without_a_code() {
        for body in [
            "",
            "no keys",
            "<html/>",
            "<ListAccessKeysResponse/>",
            "<ListAccessKeysResponse><Result/></ListAccessKeysResponse>",
            &ANSWER.replace("2016-12-03", "yesterday"),
            &ANSWER.replace("member", "key"),
        ] {
            let error = refusal(200, body);
            assert_eq!(error.code(), None, "{body}");
            assert!(error.message().is_some(), "{body}");
        }
        assert_eq!(refusal(503, "<html>busy").code(), None);
        assert_eq!(refusal(502, "").code(), None);
    }

    #[test]
    fn a_refusal_has_code_message_and_request() {
        let body = r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
            <Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no &amp; never</Message></Error>
            <RequestId>7a62c49f</RequestId></ErrorResponse>"#;
        let error = refusal(403, body);
        assert_eq!(error.code(), Some("AccessDenied"));
        assert_eq!(error.message(), Some("no & never"));
        assert_eq!(error.extra("aws_request_id"), Some("7a62c49f"));
        let shown = IamError(error).to_string();
        assert_eq!(shown, "AccessDenied: no & never");
    }
}
