//! The `[sso-session]` sections: how a user signs in once for all profiles of a portal.

use std::collections::{BTreeMap, BTreeSet};

use super::preamble::Preamble;
use crate::model::portal::Portal;
use crate::model::sso::Sso;
use crate::model::visibility::EffectiveConnection;

/// The SSO sessions of a file: one for each portal and region.
#[derive(Debug)]
pub(super) struct Sessions<'t> {
    /// By the portal's address and region.
    pub(super) names: BTreeMap<(&'t str, &'t str), String>,
}

impl<'t> Sessions<'t> {
    /// Names each after its portal and region, so that it stays the same whatever else is published: the SDKs keep
    /// sign-ins by the name.
    pub(super) fn of(connections: &[&EffectiveConnection<'t>], preamble: &Preamble<'_>) -> Self {
        let mut names = BTreeMap::new();
        let mut taken: BTreeSet<String> = preamble.sessions.iter().map(|&s| s.to_owned()).collect();
        let portals: BTreeSet<(&str, &str)> = connections
            .iter()
            .filter_map(|connection| connection.integration.sso.as_ref())
            .map(|sso| (sso.portal().address, sso.region.as_str()))
            .collect();
        for (address, region) in portals {
            let stem = format!("{}-{region}", portal_name(&Portal::of(address)));
            let numbered = (2_u32..).map(|number| format!("{stem}-{number}"));
            let mut candidates = std::iter::once(stem.clone()).chain(numbered);
            if let Some(name) = candidates.find(|name| !taken.contains(name)) {
                taken.insert(name.clone());
                names.insert((address, region), name);
            }
        }
        Self { names }
    }

    /// Of a portal that was among those named.
    pub(super) fn name<'a>(&'a self, sso: &'a Sso) -> &'a str {
        let portal = (sso.portal().address, sso.region.as_str());
        self.names.get(&portal).map_or("", String::as_str)
    }
}

/// What tells a portal from others, of characters that every SDK takes in a name.
fn portal_name(portal: &Portal<'_>) -> String {
    let name: String = portal
        .name
        .chars()
        .filter(|&c| c.is_ascii_alphanumeric() || c == '-')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if name.is_empty() {
        "portal".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portals_are_named_by_what_tells_them_apart() {
        for (url, name) in [
            ("https://acme.awsapps.com/start#/", "acme"),
            (
                "https://start.us-gov-home.awsapps.com/directory/acme",
                "acme",
            ),
            ("https://start.home.awsapps.cn/directory/Acme_1#/", "acme1"),
            ("http://localhost:8080/start", "localhost"),
            ("acme", "acme"),
            ("https://é.example/start", "portal"),
        ] {
            assert_eq!(portal_name(&Portal::of(url)), name, "{url}");
        }
    }
}
