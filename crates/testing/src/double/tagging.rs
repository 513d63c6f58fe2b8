//! The Resource Groups Tagging API, for accounts.

use serde_json::{Value, json};

use super::answers::{Caller, Page};
use super::faults::{Failure, Faults};
use super::organization::Organization;

/// The API's limit on ResourcesPerPage, which is also its default here.
const PAGE: u64 = 100;

/// The answer to `GetResources`, as far as an AWS organization has resources with tags.
pub(super) fn answer(
    organization: &Organization,
    faults: &mut Faults,
    action: &str,
    input: &Value,
    caller: &Caller,
) -> Result<Value, Failure> {
    let invalid = |message: &str| Err(Failure::new(400, "InvalidParameterException", message));
    if action != "GetResources" {
        return Err(Failure::new(
            400,
            "UnknownOperationException",
            &format!("The double does not know {action}."),
        ));
    }
    let limit = match input.get("ResourcesPerPage") {
        None | Some(Value::Null) => PAGE,
        Some(limit) => match limit.as_u64() {
            Some(limit) if (1..=PAGE).contains(&limit) => limit,
            _ => return invalid("ResourcesPerPage is from 1 to 100."),
        },
    };
    let token = input.get("PaginationToken").and_then(Value::as_str);
    let token = token.filter(|token| !token.is_empty());
    let Some(page) = Page::at(action.to_owned(), token, limit as usize) else {
        return invalid("The pagination token is invalid.");
    };
    let types = input.get("ResourceTypeFilters").and_then(Value::as_array);
    let is_wanted = types.is_none_or(|types| {
        let mut types = types.iter().filter_map(Value::as_str);
        types.any(|wanted| wanted == "organizations" || wanted == "organizations:account")
    });
    // It shows what is in its own account and Region.
    let is_there = caller.account_id == organization.management_account_id
        && caller.region == organization.region();
    let accounts = organization.accounts();
    let shown = organization.all_accounts_page(&page.after).filter(|id| {
        let is_tagged = !accounts[*id].tags.is_empty() || organization.tagged_before.contains(*id);
        is_wanted && is_there && is_tagged && !organization.hidden_from_tagging.contains(*id)
    });
    let (ids, next) = page.cut(faults, shown);
    let listed: Vec<Value> = ids
        .into_iter()
        .map(|id| {
            let tags = accounts[id].tags.iter();
            let tags: Vec<Value> = tags
                .map(|(key, value)| json!({ "Key": key, "Value": value }))
                .collect();
            json!({ "ResourceARN": organization.account_arn(id), "Tags": tags })
        })
        .collect();
    Ok(json!({
        "ResourceTagMappingList": listed,
        "PaginationToken": next.unwrap_or_default(),
    }))
}
