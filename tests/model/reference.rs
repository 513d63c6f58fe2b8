//! The slow, obvious model.

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::model::handle;
use orgmirror::model::mirror::{Connection, Folder, Mirror};
use orgmirror::model::owners::Owner;

use crate::generate::ROOT;
use crate::world::{Past, World};

pub(crate) fn words(text: &str) -> String {
    any_ascii::any_ascii(text)
        .to_lowercase()
        .chars()
        .map(|c| {
            if "abcdefghijklmnopqrstuvwxyz0123456789".contains(c) {
                c
            } else {
                ' '
            }
        })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("_")
}

pub(crate) fn last_eight(id: &str) -> String {
    let kept: Vec<char> = id
        .chars()
        .filter(|c| c.is_ascii_digit() || c.is_ascii_lowercase())
        .collect();
    if kept.is_empty() {
        // The rules leave this case open; only that there is something, always the same, is wanted.
        return handle::id_suffix(id);
    }
    kept[kept.len().max(8) - 8..].iter().collect()
}

pub(crate) fn reserved(handle: &str) -> bool {
    ["aws", "public"].contains(&handle)
        || ["pg_", "steampipe_"]
            .iter()
            .any(|start| handle.starts_with(start))
}

pub(crate) fn chars(text: &str, count: usize) -> String {
    let mut text: String = text.chars().take(count).collect();
    while text.ends_with('_') {
        text.pop();
    }
    text
}

pub(crate) fn obvious_handle(name: &str, prefix: &str, id: &str) -> String {
    let mut handle = words(name);
    if handle.is_empty() {
        handle = last_eight(id);
    }
    handle = format!("{prefix}{handle}");
    if handle.starts_with(|c: char| c.is_ascii_digit()) || reserved(&handle) {
        handle = format!("a_{handle}");
    }
    if handle.len() > 39 {
        handle = format!("{}_{}", chars(&handle, 30), last_eight(id));
    }
    handle
}

pub(crate) fn obvious_suffixed(handle: &str, suffix: &str) -> String {
    let fitted = |handle: &str| format!("{}_{suffix}", chars(handle, 39 - suffix.len() - 1));
    let whole = fitted(handle);
    if reserved(&whole) {
        fitted(&format!("a_{handle}"))
    } else {
        whole
    }
}

/// Everything an object may be called, best first; long enough for these worlds.
pub(crate) fn obvious_choices(is_folder: bool, name: &str, prefix: &str, id: &str) -> Vec<String> {
    obvious_variants(is_folder, &obvious_handle(name, prefix, id), id)
}

pub(crate) fn obvious_variants(is_folder: bool, handle: &str, id: &str) -> Vec<String> {
    let suffix = if is_folder {
        last_eight(id)
    } else {
        id.to_owned()
    };
    let mut variants = vec![handle.to_owned(), obvious_suffixed(handle, &suffix)];
    variants.extend((2..40).map(|n| obvious_suffixed(handle, &format!("{suffix}_{n}"))));
    variants
}

#[derive(Debug, PartialEq)]
pub(crate) struct Taken;

pub(crate) fn obvious_mirror(
    world: &World,
    past: Option<&Past>,
) -> Result<(Mirror, BTreeMap<String, String>), Taken> {
    // Who is there, in the order of placement: is it a folder, when did it join, ID, name.
    let mut all: Vec<(bool, String, String, String)> = vec![];
    for (id, member) in &world.accounts {
        let was_there = past.is_some_and(|past| past.mirror.connections.contains_key(id));
        if member.state == "ACTIVE" || was_there {
            let joined = member.joined.clone().unwrap_or("9999".to_owned());
            all.push((false, joined, id.clone(), member.name.clone()));
        }
    }
    for (id, (name, _)) in &world.units {
        all.push((true, String::new(), id.clone(), name.clone()));
    }
    all.push((true, String::new(), ROOT.to_owned(), world.handle.clone()));
    all.sort();

    let mut handles: Vec<(String, String)> = vec![];
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    let has = |handles: &Vec<(String, String)>, id: &str| handles.iter().any(|(i, _)| i == id);
    let used =
        |handles: &Vec<(String, String)>, handle: &str| handles.iter().any(|(_, h)| h == handle);

    for (is_folder, _, id, name) in &all {
        let Some(past) = past else { continue };
        let (old_name, old_handle) = if *is_folder {
            let Some(folder) = past.mirror.folders.get(id) else {
                continue;
            };
            let old_name = if id == ROOT {
                &past.handle
            } else {
                &folder.name
            };
            (old_name, &folder.derived_handle)
        } else {
            let Some(connection) = past.mirror.connections.get(id) else {
                continue;
            };
            (&connection.name, &connection.derived_handle)
        };
        if old_name != name || past.prefix != world.prefix {
            continue;
        }
        let choices = obvious_choices(*is_folder, name, &world.prefix, id);
        let once_given = past.given.get(id);
        let keeps = if choices.contains(old_handle) {
            Some(old_handle)
        } else {
            once_given
        };
        if let Some(keeps) = keeps
            && !used(&handles, keeps)
        {
            handles.push((id.clone(), keeps.clone()));
            if once_given == Some(keeps) {
                given.insert(id.clone(), keeps.clone());
            }
        }
    }
    let values: BTreeSet<&String> = world.initial.values().collect();
    if values.len() < world.initial.len() {
        return Err(Taken);
    }
    for (is_folder, _, id, _) in &all {
        let was_there = past.is_some_and(|past| past.mirror.connections.contains_key(id));
        if let (false, false, Some(handle)) = (*is_folder, was_there, world.initial.get(id)) {
            if used(&handles, handle) {
                return Err(Taken);
            }
            handles.push((id.clone(), handle.clone()));
            given.insert(id.clone(), handle.clone());
        }
    }
    for (is_folder, _, id, name) in &all {
        if has(&handles, id) {
            continue;
        }
        let choices = obvious_choices(*is_folder, name, &world.prefix, id);
        let free = choices
            .iter()
            .find(|choice| !used(&handles, choice))
            .unwrap();
        handles.push((id.clone(), free.clone()));
    }
    let handle_of = |id: &str| {
        let (_, handle) = handles.iter().find(|(i, _)| i == id).unwrap();
        handle.clone()
    };

    fn path(world: &World, id: &str) -> String {
        let Some((name, parent)) = world.units.get(id) else {
            return "/".to_owned();
        };
        let name = name.replace('%', "%25").replace('/', "%2F");
        let above = path(world, parent.as_deref().unwrap_or(ROOT));
        format!("{}/{name}", above.trim_end_matches('/'))
    }

    let partition = match (&world.partition, &world.region) {
        (Some(partition), _) => partition.as_str(),
        (None, Some(region)) if region.starts_with("cn-") => "aws-cn",
        (None, Some(region)) if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let mut mirror = Mirror {
        aws_organization_id: Some("o-a".to_owned()),
        ..Mirror::default()
    };
    for (is_folder, _, id, name) in &all {
        if *is_folder {
            let is_root = id == ROOT;
            let folder = Folder {
                name: if is_root {
                    "Root".to_owned()
                } else {
                    name.clone()
                },
                derived_handle: handle_of(id),
                parent_id: (!is_root).then(|| world.units[id].1.clone().unwrap_or(ROOT.to_owned())),
                path: path(world, id),
            };
            mirror.folders.insert(id.clone(), folder);
            continue;
        }
        let member = &world.accounts[id];
        let folder_id = member.parent.clone().unwrap_or(ROOT.to_owned());
        let mut owners = world
            .owners
            .as_ref()
            .map(|owners| owners.iter().cloned().collect::<BTreeSet<_>>());
        for named in world.resource_owners.iter().flatten() {
            if let Some(value) = member.tags.as_ref().unwrap().get(&named.tag_key) {
                owners = Some(BTreeSet::from([Owner {
                    attribute: named.attribute.clone(),
                    values: BTreeSet::from([value.clone()]),
                }]));
            }
        }
        let connection = Connection {
            name: name.clone(),
            email: None,
            state: member.state.clone(),
            tags: member.tags.clone(),
            derived_handle: handle_of(id),
            path: path(world, &folder_id),
            folder_id,
            derived_role_arn: format!("arn:{partition}:iam::{id}:role/{}", world.role),
            owners,
            sign_in_url: world.sso.as_ref().map(|sso| {
                let role = sso
                    .role_name
                    .as_ref()
                    .map(|role| format!("&role_name={role}"));
                format!(
                    "{}/#/console?account_id={id}{}",
                    sso.portal_url,
                    role.unwrap_or_default()
                )
            }),
        };
        mirror.connections.insert(id.clone(), connection);
    }
    Ok((mirror, given))
}

/// `^[a-z](_?[a-z0-9])*$`, at most 39 characters, not reserved.
pub(crate) fn is_valid(handle: &str) -> bool {
    let mut after_underscore = true;
    for (at, c) in handle.chars().enumerate() {
        match c {
            'a'..='z' => after_underscore = false,
            '0'..='9' if at > 0 => after_underscore = false,
            '_' if !after_underscore => after_underscore = true,
            _ => return false,
        }
    }
    !after_underscore && handle.len() <= 39 && !reserved(handle)
}
