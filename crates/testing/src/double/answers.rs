//! The protocols: JSON 1.1 for AWS Organizations and the tagging API, query and XML for STS and IAM, REST with JSON for
//! Resource Explorer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Served};
use axum::http::{HeaderMap, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::faults::{Failure, Faults, StateForm};
use super::organization::{KeyFault, Organization};
use super::{Call, Progress, State, explorer, iam, lock, policies, tagging};

/// The API's limit on MaxResults.
const PAGE: usize = 20;

/// A service that the double stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Organizations,
    Tagging,
    Sts,
    Iam,
    ResourceExplorer,
}

impl Service {
    /// What the header X-Amz-Target starts with.
    const TARGETS: [(&str, Self); 2] = [
        ("AWSOrganizationsV20161128.", Self::Organizations),
        ("ResourceGroupsTaggingAPI_20170126.", Self::Tagging),
    ];

    /// The one with this version of its API, of those of the query protocol.
    fn of_version(version: Option<&str>) -> Self {
        match version {
            Some("2010-05-08") => Self::Iam,
            _ => Self::Sts,
        }
    }

    /// As in IAM policies.
    fn prefix(self) -> &'static str {
        match self {
            Self::Organizations => "organizations",
            Self::Tagging => "tag",
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::ResourceExplorer => "resource-explorer-2",
        }
    }

    fn is_json(self) -> bool {
        !matches!(self, Self::Sts | Self::Iam)
    }

    fn xml_namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            _ => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

/// Who signed a call.
pub(super) struct Caller {
    pub(super) access_key: String,
    pub(super) region: String,
    pub(super) account_id: String,
    pub(super) arn: String,
    /// Whether it holds a role's credentials.
    pub(super) is_role: bool,
}

/// Answers one request.
pub(super) async fn answer(Served(state): Served<Arc<State>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 1 << 20).await else {
        return Response::new(Body::from("the request's body broke off"));
    };
    let target = header(&head.headers, "x-amz-target");
    let (service, action, input) = match target {
        Some(target) => {
            let mut known = Service::TARGETS.iter();
            let (service, action) = known
                .find_map(|(start, service)| Some((*service, target.strip_prefix(start)?)))
                .unwrap_or((Service::Organizations, target));
            let input = serde_json::from_slice(&body).unwrap_or(Value::Null);
            (service, action.to_owned(), input)
        }
        // Its calls have a path of their own each.
        None if head.uri.path() != "/" => {
            let action = head.uri.path().trim_start_matches('/');
            let input = serde_json::from_slice(&body).unwrap_or(Value::Null);
            (Service::ResourceExplorer, action.to_owned(), input)
        }
        None => {
            let form = form(&body);
            let text = |key: &str| form.get(key).and_then(Value::as_str);
            let service = Service::of_version(text("Version"));
            let action = text("Action").unwrap_or_default().to_owned();
            (service, action, Value::Object(form))
        }
    };
    let (access_key, region) = signer(&head.headers);
    let under_way = UnderWay::begin(
        &state,
        Call {
            service: service.prefix(),
            action: action.clone(),
            input: input.clone(),
            access_key: access_key.clone(),
            region: region.clone(),
            progress: Progress::UnderWay,
            error: None,
            at_once: 0,
        },
    );
    let number = under_way.number;
    wait(&state, &action, &input).await;
    let outcome = decide(&state, service, &action, &input, access_key, region);
    under_way.end(outcome.as_ref().err().map(|failure| failure.code.clone()));
    let request_id = format!("00000000-0000-4000-8000-{number:012x}");
    let response = Response::builder().header("x-amzn-RequestId", &request_id);
    let namespace = service.xml_namespace();
    let response = match (outcome, service.is_json()) {
        (Ok(Answer::Json(value)), _) => response
            .header("content-type", "application/x-amz-json-1.1")
            .body(Body::from(value.to_string())),
        (Ok(Answer::Xml(result)), _) => response.header("content-type", "text/xml").body(Body::from(
            format!(
                "<{action}Response xmlns=\"{namespace}\"><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
            ),
        )),
        (Err(failure), true) => response
            .status(failure.status)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amzn-ErrorType", &failure.code)
            .body(Body::from(
                json!({ "__type": failure.code, "Message": failure.message }).to_string(),
            )),
        (Err(failure), false) => response
            .status(failure.status)
            .header("content-type", "text/xml")
            .body(Body::from(format!(
                "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                escape(&failure.code),
                escape(&failure.message),
            ))),
    };
    response.expect("an answer with plain headers")
}

/// A call in the log. It counts as given up when it is dropped before its end, as it is when the caller hangs up.
struct UnderWay<'a> {
    state: &'a State,
    number: usize,
    is_over: bool,
}

impl<'a> UnderWay<'a> {
    fn begin(state: &'a State, call: Call) -> Self {
        let number = lock(&state.log).begin(call);
        state.logged.send_replace(());
        Self {
            state,
            number,
            is_over: false,
        }
    }

    fn end(mut self, error: Option<String>) {
        self.note(Progress::Answered, error);
    }

    fn note(&mut self, progress: Progress, error: Option<String>) {
        self.is_over = true;
        lock(&self.state.log).end(self.number, progress, error);
        self.state.logged.send_replace(());
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.note(Progress::GivenUp, None);
        }
    }
}

/// Waits until the answer may be made.
async fn wait(state: &State, action: &str, input: &Value) {
    let (latency, gates) = {
        let mut faults = lock(&state.faults);
        (faults.latency, faults.held(action))
    };
    if is_never_assumed(state, input) {
        std::future::pending::<()>().await;
    }
    for mut gate in gates {
        if gate.wait_for(|is_open| *is_open).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
    if latency > Duration::ZERO {
        tokio::time::sleep(latency).await;
    }
}

/// Whether AssumeRole of the role is never answered.
fn is_never_assumed(state: &State, input: &Value) -> bool {
    let role_arn = input.get("RoleArn").and_then(Value::as_str);
    let organization = lock(&state.organization);
    role_arn
        .and_then(|role_arn| organization.roles.get(role_arn))
        .is_some_and(|role| role.never_answers)
}

enum Answer {
    Json(Value),
    /// What goes inside `<ActionResult>`.
    Xml(String),
}

fn decide(
    state: &State,
    service: Service,
    action: &str,
    input: &Value,
    access_key: String,
    region: String,
) -> Result<Answer, Failure> {
    let mut organization = lock(&state.organization);
    let mut faults = lock(&state.faults);
    if let Some(failure) = faults.failure(action, input, service == Service::Organizations) {
        return Err(failure);
    }
    let caller = caller(state, &organization, service, access_key, region)?;
    let outcome = match service {
        Service::Organizations => permit(&organization, &faults, action, &caller)
            .and_then(|()| organizations(&organization, &mut faults, action, input))
            .map(Answer::Json),
        Service::Tagging => identity_policy(service, &faults, action, &caller)
            .and_then(|()| tagging::answer(&organization, &mut faults, action, input, &caller))
            .map(Answer::Json),
        Service::ResourceExplorer => identity_policy(service, &faults, action, &caller)
            .and_then(|()| explorer::answer(&organization, &mut faults, action, input, &caller))
            .map(Answer::Json),
        Service::Sts => sts(state, &organization, &faults, action, input, &caller).map(Answer::Xml),
        Service::Iam => identity_policy(service, &faults, action, &caller)
            .and_then(|()| iam::answer(&organization, action, &caller))
            .map(Answer::Xml),
    };
    let answered = {
        let mut log = lock(&state.log);
        let answered = log.answered.entry(action.to_owned()).or_default();
        *answered += 1;
        *answered
    };
    for change in faults.changes_after(action, answered) {
        change(&mut organization);
    }
    outcome
}

/// Who signed, or why the signature is refused.
fn caller(
    state: &State,
    organization: &Organization,
    service: Service,
    access_key: String,
    region: String,
) -> Result<Caller, Failure> {
    let refuse = |json: &str, xml: &str, message: &str| {
        Err(if service.is_json() {
            Failure::new(400, json, message)
        } else {
            Failure::new(403, xml, message)
        })
    };
    if access_key.is_empty() {
        return refuse(
            "MissingAuthenticationTokenException",
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        );
    }
    match organization.key_faults.get(&access_key) {
        Some(KeyFault::Unknown) => {
            return refuse(
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            );
        }
        Some(KeyFault::Expired) => {
            return refuse(
                "ExpiredTokenException",
                "ExpiredToken",
                "The security token included in the request is expired",
            );
        }
        None => {}
    }
    if let Some((account_id, arn)) = lock(&state.sessions).get(&access_key).cloned() {
        return Ok(Caller {
            access_key,
            region,
            account_id,
            arn,
            is_role: true,
        });
    }
    let account_id = organization
        .key_accounts
        .get(&access_key)
        .unwrap_or(&organization.management_account_id)
        .clone();
    let arn = format!(
        "arn:{}:iam::{account_id}:user/terraform",
        organization.partition
    );
    Ok(Caller {
        access_key,
        region,
        account_id,
        arn,
        is_role: false,
    })
}

/// What IAM says before an action is looked at.
fn identity_policy(
    service: Service,
    faults: &Faults,
    action: &str,
    caller: &Caller,
) -> Result<(), Failure> {
    if !faults.is_denied(action) {
        return Ok(());
    }
    let (status, code) = match service.is_json() {
        true => (400, "AccessDeniedException"),
        false => (403, "AccessDenied"),
    };
    let action = format!("{}:{action}", service.prefix());
    Err(Failure::new(
        status,
        code,
        &format!(
            "User: {} is not authorized to perform: {action} on resource: * because no identity-based policy allows the {action} action",
            caller.arn
        ),
    ))
}

/// What IAM and AWS Organizations say before an action is looked at.
fn permit(
    organization: &Organization,
    faults: &Faults,
    action: &str,
    caller: &Caller,
) -> Result<(), Failure> {
    identity_policy(Service::Organizations, faults, action, caller)?;
    if faults.not_in_use {
        return Err(Failure::new(
            400,
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        ));
    }
    let administers = caller.account_id == organization.management_account_id
        || organization
            .delegated_administrators
            .contains(&caller.account_id);
    // Every member account may describe the organization it is in; the rest is for administrators.
    if administers || action == "DescribeOrganization" {
        Ok(())
    } else {
        Err(Failure::new(
            400,
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        ))
    }
}

fn organizations(
    organization: &Organization,
    faults: &mut Faults,
    action: &str,
    input: &Value,
) -> Result<Value, Failure> {
    match action {
        "DescribeOrganization" => {
            let management = organization
                .accounts()
                .get(&organization.management_account_id)
                .map_or("", |account| account.email.as_str());
            Ok(json!({ "Organization": {
                "Id": organization.id,
                "Arn": organization.arn(),
                "FeatureSet": organization.feature_set,
                "MasterAccountArn": organization.account_arn(&organization.management_account_id),
                "MasterAccountId": organization.management_account_id,
                "MasterAccountEmail": management,
                "AvailablePolicyTypes": [],
            }}))
        }
        "ListRoots" => {
            let after = Page::read(action, "", input)?;
            let ids = (after.after.is_empty()).then_some(&organization.root_id);
            let (ids, next) = after.cut(faults, ids.into_iter());
            let roots: Vec<Value> = ids
                .iter()
                .map(|id| {
                    json!({ "Id": id, "Arn": organization.root_arn(), "Name": "Root", "PolicyTypes": policies::types(organization) })
                })
                .collect();
            Ok(listed("Roots", roots, next))
        }
        "ListAccounts" => {
            let page = Page::read(action, "", input)?;
            let ids = organization.all_accounts_page(&page.after);
            let (ids, next) = page.cut(faults, ids);
            let accounts = ids
                .iter()
                .map(|id| account(organization, faults, id))
                .collect();
            Ok(listed("Accounts", accounts, next))
        }
        "ListAccountsForParent" => {
            let parent = parent(organization, input)?;
            let page = Page::read(action, parent, input)?;
            let ids = organization.accounts_page(parent, &page.after);
            let (ids, next) = page.cut(faults, ids);
            let accounts = ids
                .iter()
                .map(|id| account(organization, faults, id))
                .collect();
            Ok(listed("Accounts", accounts, next))
        }
        "ListOrganizationalUnitsForParent" => {
            let parent = parent(organization, input)?;
            let page = Page::read(action, parent, input)?;
            let ids = organization.units_page(parent, &page.after);
            let (ids, next) = page.cut(faults, ids);
            let units = ids
                .iter()
                .map(|id| unit(organization, faults, id))
                .collect();
            Ok(listed("OrganizationalUnits", units, next))
        }
        "ListParents" => {
            let child = text(input, "ChildId")?;
            let page = Page::read(action, child, input)?;
            let parent = match (
                organization.accounts().get(child),
                organization.units().get(child),
            ) {
                (Some(account), _) => &account.parent_id,
                (None, Some(unit)) => &unit.parent_id,
                (None, None) => {
                    return Err(Failure::new(
                        400,
                        "ChildNotFoundException",
                        "You provided a child that doesn't exist.",
                    ));
                }
            };
            let (ids, next) = page.cut(
                faults,
                Some(parent).into_iter().filter(|_| page.after.is_empty()),
            );
            let parents = ids
                .iter()
                .map(|id| {
                    let kind = if **id == organization.root_id {
                        "ROOT"
                    } else {
                        "ORGANIZATIONAL_UNIT"
                    };
                    json!({ "Id": id, "Type": kind })
                })
                .collect();
            Ok(listed("Parents", parents, next))
        }
        "DescribeAccount" => {
            let id = text(input, "AccountId")?;
            if !organization.accounts().contains_key(id) {
                return Err(Failure::new(
                    400,
                    "AccountNotFoundException",
                    "You specified an account that doesn't exist.",
                ));
            }
            Ok(json!({ "Account": account(organization, faults, id) }))
        }
        "DescribeOrganizationalUnit" => {
            let id = text(input, "OrganizationalUnitId")?;
            if !organization.units().contains_key(id) {
                return Err(Failure::new(
                    400,
                    "OrganizationalUnitNotFoundException",
                    "You specified an organizational unit that doesn't exist.",
                ));
            }
            Ok(json!({ "OrganizationalUnit": unit(organization, faults, id) }))
        }
        "ListTagsForResource" => {
            let id = text(input, "ResourceId")?;
            let Some(account) = organization.accounts().get(id) else {
                return if organization.holds(id) {
                    Ok(json!({ "Tags": [] }))
                } else {
                    Err(Failure::new(
                        400,
                        "TargetNotFoundException",
                        "You specified a target that doesn't exist.",
                    ))
                };
            };
            // The operation takes no MaxResults; its pages are as long as the service likes.
            let page = Page::read(action, id, input)?;
            let keys = account.tags.keys().filter(|key| **key > page.after);
            let (keys, next) = page.cut(faults, keys);
            let tags = keys
                .iter()
                .map(|key| json!({ "Key": key, "Value": account.tags[*key] }))
                .collect();
            Ok(listed("Tags", tags, next))
        }
        _ => policies::answer(organization, faults, action, input).unwrap_or_else(|| {
            Err(Failure::new(
                400,
                "UnknownOperationException",
                &format!("The double does not know {action}."),
            ))
        }),
    }
}

/// A position in a list, and how long the page may be.
pub(super) struct Page {
    /// Action and parent, so that a token of one list is refused by another.
    list: String,
    pub(super) after: String,
    skipped: usize,
    limit: usize,
}

impl Page {
    pub(super) fn read(action: &str, parent: &str, input: &Value) -> Result<Self, Failure> {
        let list = format!("{action}|{parent}");
        let limit = match input.get("MaxResults") {
            None | Some(Value::Null) => PAGE,
            Some(limit) => limit
                .as_u64()
                .filter(|limit| (1..=PAGE as u64).contains(limit))
                .ok_or_else(|| {
                    Failure::new(
                        400,
                        "InvalidInputException",
                        "You provided a value that does not match the required pattern or length: MaxResults is from 1 to 20.",
                    )
                })? as usize,
        };
        let token = input.get("NextToken").and_then(Value::as_str);
        Self::at(list, token, limit).ok_or_else(|| {
            Failure::new(
                400,
                "InvalidInputException",
                "You provided an invalid pagination token.",
            )
        })
    }

    /// Where the token of a list says; none: it is no token of this list.
    pub(super) fn at(list: String, token: Option<&str>, limit: usize) -> Option<Self> {
        let mut page = Self {
            list,
            after: String::new(),
            skipped: 0,
            limit,
        };
        if let Some(token) = token {
            let read = STANDARD
                .decode(token)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            let parts = read.as_deref().and_then(|read| {
                let mut parts = read.split('\n');
                let list = parts.next()?;
                let skipped = parts.next()?.parse().ok()?;
                (list == page.list).then_some((skipped, parts.next()?.to_owned()))
            });
            (page.skipped, page.after) = parts?;
        }
        Some(page)
    }

    /// Takes one page of what follows, and the token for the next one.
    pub(super) fn cut<'a>(
        &self,
        faults: &mut Faults,
        items: impl Iterator<Item = &'a String>,
    ) -> (Vec<&'a String>, Option<String>) {
        let mut items = items.peekable();
        // A list that is empty from the start is one page, however pages are cut.
        if items.peek().is_none() {
            return (Vec::new(), None);
        }
        let size = faults.page_size(self.limit, self.skipped);
        let page: Vec<&String> = items.by_ref().take(size).collect();
        let after = page.last().map_or(self.after.as_str(), |id| id.as_str());
        let skipped = if page.is_empty() { self.skipped + 1 } else { 0 };
        let trailing = matches!(faults.paging, super::Paging::EmptyBeforeEach(_));
        let next = (trailing || items.peek().is_some())
            .then(|| STANDARD.encode(format!("{}\n{skipped}\n{after}", self.list)));
        (page, next)
    }
}

pub(super) fn listed(key: &str, items: Vec<Value>, next: Option<String>) -> Value {
    let mut answer = Map::new();
    answer.insert(key.to_owned(), Value::Array(items));
    if let Some(next) = next {
        answer.insert("NextToken".to_owned(), Value::String(next));
    }
    Value::Object(answer)
}

fn account(organization: &Organization, faults: &Faults, id: &str) -> Value {
    let account = &organization.accounts()[id];
    let mut answer = json!({
        "Id": id,
        "Arn": organization.account_arn(id),
        "Email": account.email,
        "Name": account.name,
        "JoinedMethod": account.joined_method,
        "JoinedTimestamp": account.joined_at as f64 / 1000.0,
    });
    if faults.state_form != StateForm::StatusOnly {
        answer["State"] = json!(account.state);
    }
    if faults.state_form != StateForm::StateOnly {
        // Status knows fewer states: what is neither active nor on its way to closure is suspended.
        answer["Status"] = json!(match account.state.as_str() {
            known @ ("ACTIVE" | "PENDING_CLOSURE") => known,
            _ => "SUSPENDED",
        });
    }
    if !faults.without_paths && !faults.without_paths_of.contains(id) {
        answer["Paths"] = json!([format!("{}{id}/", organization.id_path(&account.parent_id))]);
    }
    answer
}

fn unit(organization: &Organization, faults: &Faults, id: &str) -> Value {
    let mut answer = json!({
        "Id": id,
        "Arn": organization.unit_arn(id),
        "Name": organization.units()[id].name,
    });
    if !faults.without_paths {
        answer["Path"] = json!(organization.id_path(id));
    }
    answer
}

fn parent<'a>(organization: &Organization, input: &'a Value) -> Result<&'a str, Failure> {
    let parent = text(input, "ParentId")?;
    if organization.holds(parent) {
        Ok(parent)
    } else {
        Err(Failure::new(
            400,
            "ParentNotFoundException",
            "You specified parent that doesn't exist.",
        ))
    }
}

pub(super) fn text<'a>(input: &'a Value, key: &str) -> Result<&'a str, Failure> {
    input.get(key).and_then(Value::as_str).ok_or_else(|| {
        Failure::new(
            400,
            "InvalidInputException",
            &format!("You specified an invalid value: {key} is required."),
        )
    })
}

fn sts(
    state: &State,
    organization: &Organization,
    faults: &Faults,
    action: &str,
    input: &Value,
    caller: &Caller,
) -> Result<String, Failure> {
    match action {
        // Nobody can be denied this one: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        "GetCallerIdentity" => Ok(format!(
            "<Arn>{}</Arn><UserId>AIDAEXAMPLE</UserId><Account>{}</Account>",
            caller.arn, caller.account_id
        )),
        "AssumeRole" => {
            let required = |key: &str| {
                input.get(key).and_then(Value::as_str).ok_or_else(|| {
                    Failure::new(400, "ValidationError", &format!("{key} is required"))
                })
            };
            let role_arn = required("RoleArn")?;
            let session_name = required("RoleSessionName")?;
            let external_id = input.get("ExternalId").and_then(Value::as_str);
            let seconds: u64 = input
                .get("DurationSeconds")
                .and_then(Value::as_str)
                .map_or(Ok(3600), str::parse)
                .ok()
                .filter(|seconds| (900..=43_200).contains(seconds))
                .ok_or_else(|| {
                    Failure::new(
                        400,
                        "ValidationError",
                        "DurationSeconds is from 900 to 43200",
                    )
                })?;
            let role = organization.roles.get(role_arn);
            if let Some(refusal) = role.and_then(|role| role.refusal.clone()) {
                return Err(refusal);
            }
            let trusted = role.is_some_and(|role| {
                role.external_id
                    .as_deref()
                    .is_none_or(|expected| external_id == Some(expected))
                    && role
                        .trusted_accounts
                        .as_ref()
                        .is_none_or(|trusted| trusted.contains(&caller.account_id))
            });
            // AWS says the same whether the role is missing, does not trust the caller, or wants another external ID.
            if !trusted || faults.is_denied(action) {
                return Err(Failure::new(
                    403,
                    "AccessDenied",
                    &format!(
                        "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                        caller.arn
                    ),
                ));
            }
            let account_id = role
                .and_then(|role| role.session_account.as_deref())
                .unwrap_or_else(|| role_arn.split(':').nth(4).unwrap_or_default())
                .to_owned();
            let role_name = role_arn.rsplit('/').next().unwrap_or_default();
            let arn = format!(
                "arn:{}:sts::{account_id}:assumed-role/{role_name}/{session_name}",
                organization.partition
            );
            let mut sessions = lock(&state.sessions);
            let access_key = format!("ASIADOUBLE{:010}", sessions.len() + 1);
            sessions.insert(access_key.clone(), (account_id, arn.clone()));
            let expiration = time::OffsetDateTime::now_utc() + Duration::from_secs(seconds);
            let expiration = expiration
                .format(&time::format_description::well_known::Rfc3339)
                .expect("a time in this century");
            Ok(format!(
                "<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{0}</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser><Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>double-secret</SecretAccessKey><SessionToken>double-token</SessionToken><Expiration>{expiration}</Expiration></Credentials>",
                escape(session_name)
            ))
        }
        _ => Err(Failure::new(
            400,
            "InvalidAction",
            &format!("The double does not know {action}."),
        )),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Access key ID and region of a signature of version 4; empty where there is none.
fn signer(headers: &HeaderMap) -> (String, String) {
    let scope = header(headers, "authorization")
        .and_then(|authorization| authorization.split("Credential=").nth(1))
        .and_then(|rest| rest.split(',').next())
        .unwrap_or_default();
    let mut parts = scope.split('/');
    let access_key = parts.next().unwrap_or_default().to_owned();
    (access_key, parts.nth(1).unwrap_or_default().to_owned())
}

fn form(body: &[u8]) -> Map<String, Value> {
    String::from_utf8_lossy(body)
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), Value::String(decode(value))))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&hex, 16).unwrap_or(b'?'));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
