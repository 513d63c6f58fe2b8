//! Which kind of policy denied a call, as far as AWS says it.

/// A kind of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyKind {
    /// Attached to the caller, or to a group that it is in.
    Identity,
    /// The permissions boundary of the caller.
    PermissionsBoundary,
    /// Of the caller's session.
    Session,
    /// A service control policy on the account of the caller, or on an OU or the root above it.
    ServiceControl,
    /// A resource control policy on the account of the resource, or on an OU or the root above it.
    ResourceControl,
    /// Of the endpoint that the call came through.
    VpcEndpoint,
    /// The trust policy of a role.
    RoleTrust,
    /// Attached to any other resource.
    Resource,
}

/// How AWS calls them in its messages.
const NAMES: [(&str, PolicyKind); 8] = [
    ("identity-based policy", PolicyKind::Identity),
    ("permissions boundary", PolicyKind::PermissionsBoundary),
    ("session policy", PolicyKind::Session),
    ("service control policy", PolicyKind::ServiceControl),
    ("resource control policy", PolicyKind::ResourceControl),
    ("VPC endpoint policy", PolicyKind::VpcEndpoint),
    ("role trust policy", PolicyKind::RoleTrust),
    ("resource-based policy", PolicyKind::Resource),
];

/// What a message of AccessDenied says about the policy behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denial<'m> {
    /// Its kind.
    pub(super) kind: PolicyKind,
    /// Whether it has a statement that denies; else none of this kind allows.
    pub(super) is_explicit: bool,
    /// Its ARN, where AWS tells it.
    pub(super) policy_arn: Option<&'m str>,
    /// The kind as AWS calls it.
    name: &'static str,
}

impl<'m> Denial<'m> {
    /// What the message says; none: nothing, as between accounts, where AWS tells least.
    ///
    /// The forms are those of
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
    pub(super) fn of(message: &'m str) -> Option<Self> {
        const EXPLICIT: &str = "with an explicit deny in ";
        const IMPLICIT: &str = "because no ";
        let (is_explicit, rest) = match message.split_once(EXPLICIT) {
            Some((_, rest)) => (true, rest),
            None => (false, message.split_once(IMPLICIT)?.1),
        };
        let articles = ["an ", "a ", "the "].into_iter();
        let rest = articles
            .filter(|_| is_explicit)
            .find_map(|article| rest.strip_prefix(article))
            .unwrap_or(rest);
        let (name, kind) = NAMES.iter().find(|(name, _)| rest.starts_with(name))?;
        let mut words = rest.split_whitespace();
        Some(Self {
            kind: *kind,
            is_explicit,
            policy_arn: words.find(|word| word.starts_with("arn:")),
            name,
        })
    }

    /// What to do so that `caller` may do `action`.
    pub(super) fn fix(&self, action: &str, caller: &str) -> String {
        let name = self.name;
        let which = self
            .policy_arn
            .map_or_else(String::new, |arn| format!(" ({arn})"));
        if self.is_explicit {
            return format!(
                "A statement of the {name}{which} denies it, and no other policy can allow what one denies. Change that \
                 statement, or exempt {caller} in it."
            );
        }
        match self.kind {
            PolicyKind::Identity => format!("Allow {action} in a policy of {caller}."),
            _ => format!(
                "The {name}{which} has to allow {action} as well as the policies of {caller}. Allow it there."
            ),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn denial(ending: &str) -> Option<(PolicyKind, bool)> {
        let message = format!(
            "User: arn:aws:iam::111122223333:user/tools is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::444455556666:role/reader {ending}"
        );
        Denial::of(&message).map(|denial| (denial.kind, denial.is_explicit))
    }

    #[test]
    fn every_form_of_the_user_guide_is_understood() {
        for (name, policy) in NAMES {
            for article in ["a", "an", "the"] {
                let explicit = format!("with an explicit deny in {article} {name}");
                assert_eq!(denial(&explicit), Some((policy, true)), "{explicit}");
            }
            let implicit = format!("because no {name} allows the sts:AssumeRole action");
            assert_eq!(denial(&implicit), Some((policy, false)), "{implicit}");
        }
    }

    #[test]
    fn the_arn_of_the_policy_may_follow() {
        let arn = "arn:aws:organizations::111122223333:policy/o-a1b2c3d4e5/service_control_policy/p-12345678";
        let message = format!("no with an explicit deny in a service control policy: {arn}");
        let denial = Denial::of(&message).unwrap();
        assert_eq!(denial.kind, PolicyKind::ServiceControl);
        assert_eq!(denial.policy_arn, Some(arn));
        assert_eq!(
            Denial::of("because no session policy allows it")
                .unwrap()
                .policy_arn,
            None
        );
    }

    #[test]
    fn the_fix_is_where_the_policy_is() {
        let fix = |ending: &str| {
            let message = format!("no {ending}");
            let denial = Denial::of(&message).unwrap();
            denial.fix("organizations:ListAccounts", "ada")
        };
        assert_eq!(
            fix("because no identity-based policy allows it"),
            "Allow organizations:ListAccounts in a policy of ada."
        );
        assert!(fix("because no service control policy allows it").starts_with(
            "The service control policy has to allow organizations:ListAccounts as well as the policies of ada."
        ));
        let denied = fix(
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/x",
        );
        assert!(
            denied.starts_with("A statement of the service control policy (arn:aws:organizations::1:policy/x) denies it"),
            "{denied}"
        );
    }

    #[test]
    fn a_message_that_names_no_policy_says_nothing() {
        for ending in [
            "",
            "with an explicit deny",
            "because no",
            "because no policy",
        ] {
            assert_eq!(denial(ending), None, "{ending}");
        }
        assert_eq!(Denial::of("Access denied"), None);
    }
}
