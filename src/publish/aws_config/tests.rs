use super::*;
use crate::publish::sample;

/// The file and the notices for the account mirror `acme` and others.
fn rendered(
    integrations: &[Integration],
    options: &[(&str, &str)],
) -> Result<(String, Vec<String>), OptionError> {
    let workspace = sample::workspace(&[(NAME, sample::options(options))]);
    sample::with_view(integrations, &workspace, |view| {
        let options = options_of(&workspace);
        AwsConfig.check(options)?;
        let rendered = AwsConfig.render(view, options).unwrap();
        assert_eq!(rendered, AwsConfig.render(view, options).unwrap());
        Ok((String::from_utf8(rendered.bytes).unwrap(), rendered.notices))
    })
}

const PROFILES: &str = "\
[profile audit_x]
role_arn = arn:aws:iam::222222222222:role/orgmirror-readonly
SOURCE
external_id = acme:0123456789abcdef
role_session_name = acme.security
region = us-east-1
retry_mode = standard
max_attempts = 9

[profile hub]
role_arn = arn:aws:iam::111111111111:role/orgmirror-readonly
SOURCE
external_id = acme:0123456789abcdef
role_session_name = acme.security
region = us-east-1
retry_mode = standard
max_attempts = 9

[profile shop]
role_arn = arn:aws:iam::333333333333:role/orgmirror-readonly
SOURCE
external_id = acme:0123456789abcdef
role_session_name = acme.security
region = us-east-1
retry_mode = standard
max_attempts = 9
";

#[test]
fn a_profile_assumes_the_role_with_one_source() {
    for (options, source) in [
        (&[][..], "source_profile = default"),
        (&[("source_profile", "base")][..], "source_profile = base"),
        (
            &[("credential_source", "Ec2InstanceMetadata")][..],
            "credential_source = Ec2InstanceMetadata",
        ),
    ] {
        let (file, notices) = rendered(&[sample::acme()], options).unwrap();
        assert_eq!(file, PROFILES.replace("SOURCE", source));
        assert_eq!(notices, [""; 0]);
    }
    assert_eq!(rendered(&[], &[]), Ok((String::new(), Vec::new())));
}

#[test]
fn a_preamble_goes_on_top_as_it_is() {
    let preamble = "# The base.\n[profile base]\nsso_session = x";
    let (file, _) = rendered(
        &[sample::acme()],
        &[("source_profile", "base"), ("preamble", preamble)],
    )
    .unwrap();
    let profiles = PROFILES.replace("SOURCE", "source_profile = base");
    assert_eq!(file, format!("{preamble}\n\n{profiles}"));
    let (file, _) = rendered(&[], &[("preamble", preamble)]).unwrap();
    assert_eq!(file, format!("{preamble}\n"));
}

#[test]
fn a_setting_that_is_not_there_is_left_out_and_others_are_the_effective_ones() {
    let mut integration = sample::integration("acme", &[], &[("111111111111", "One", None)]);
    integration.connection_settings.external_id = None;
    integration.connection_settings.max_error_retry_attempts = 3;
    integration.connection_settings.default_region = "eu-central-1".to_owned();
    let (file, _) = rendered(&[integration], &[]).unwrap();
    assert_eq!(
        file,
        "[profile one]\nrole_arn = arn:aws:iam::111111111111:role/orgmirror-readonly\nsource_profile = default\n\
         role_session_name = acme.security\nregion = eu-central-1\nretry_mode = standard\nmax_attempts = 3\n"
    );
}

#[test]
fn a_region_stays_in_its_partition() {
    let mut gov = sample::integration("gov", &[], &[("444444444444", "Gov", None)]);
    gov.connection_settings.default_region = "us-gov-west-1".to_owned();
    for connection in gov.mirror.connections.values_mut() {
        connection.derived_role_arn = "arn:aws-us-gov:iam::444444444444:role/r".to_owned();
    }
    let regions = |region: &str| -> Vec<String> {
        let (file, _) = rendered(&[sample::acme(), gov.clone()], &[("region", region)]).unwrap();
        file.lines()
            .filter_map(|line| line.strip_prefix("region = "))
            .map(str::to_owned)
            .collect()
    };
    // audit_x, gov, hub, shop
    assert_eq!(
        regions("eu-west-1"),
        ["eu-west-1", "us-gov-west-1", "eu-west-1", "eu-west-1"]
    );
    assert_eq!(
        regions("us-gov-east-1"),
        ["us-east-1", "us-gov-east-1", "us-east-1", "us-east-1"]
    );
}

#[test]
fn sso_has_a_session_for_each_portal() {
    let mut acme = sample::acme();
    acme.sso = Some(sample::sso("acme"));
    let mut same = sample::integration("same", &[], &[("444444444444", "Same", None)]);
    same.sso = Some(sample::sso("acme"));
    let mut other = sample::integration("other", &[], &[("555555555555", "Other", None)]);
    other.sso = Some(Sso {
        portal_url: "https://acme.example.com/start#/".to_owned(),
        ..sample::sso("acme")
    });
    let mut bare = sample::integration("bare", &[], &[("666666666666", "Bare", None)]);
    bare.sso = Some(Sso {
        role_name: None,
        ..sample::sso("acme")
    });
    let none = sample::integration("none", &[], &[("777777777777", "None", None)]);
    let preamble = "[sso-session acme-eu-west-1]\nsso_region = us-east-1\n";
    let (file, notices) = rendered(
        &[acme, same, other, bare, none],
        &[("sso", "true"), ("preamble", preamble)],
    )
    .unwrap();
    let profile = |handle: &str, account: &str, session: &str| {
        format!(
            "\n[profile {handle}]\nsso_session = {session}\nsso_account_id = {account}\nsso_role_name = ReadOnly\n\
             region = us-east-1\nretry_mode = standard\nmax_attempts = 9\n"
        )
    };
    let session = |name: &str, url: &str| {
        format!(
            "\n[sso-session {name}]\nsso_start_url = {url}\nsso_region = eu-west-1\n\
             sso_registration_scopes = sso:account:access\n"
        )
    };
    let expected = [
        preamble.to_owned(),
        session("acme-eu-west-1-2", "https://acme.awsapps.com/start"),
        session("acme-eu-west-1-3", "https://acme.example.com/start"),
        profile("audit_x", "222222222222", "acme-eu-west-1-2"),
        profile("hub", "111111111111", "acme-eu-west-1-2"),
        profile("other", "555555555555", "acme-eu-west-1-3"),
        profile("same", "444444444444", "acme-eu-west-1-2"),
        profile("shop", "333333333333", "acme-eu-west-1-2"),
    ];
    assert_eq!(file, expected.concat());
    let starts: Vec<_> = notices
        .iter()
        .map(|n| n.split(',').next().unwrap())
        .collect();
    assert_eq!(
        starts,
        [
            "The integration \"bare\" has no sso with a role_name",
            "The integration \"none\" has no sso with a role_name"
        ]
    );
}

#[test]
fn a_handle_that_is_the_name_of_another_profile_is_left_out() {
    let names = |options: &[(&str, &str)]| -> (Vec<String>, Vec<(String, bool)>) {
        let (file, notices) = rendered(&[sample::acme()], options).unwrap();
        let workspace = sample::workspace(&[(NAME, sample::options(options))]);
        let conflicts = sample::with_view(&[sample::acme()], &workspace, |view| {
            profile_name_conflicts(view).unwrap()
        });
        assert_eq!(notices.len(), conflicts.len());
        for conflict in &conflicts {
            assert!(notices.iter().any(|n| n.contains(&conflict.account_id)));
        }
        let headers = file
            .lines()
            .filter_map(|line| line.strip_prefix("[profile "));
        let names = headers.map(|line| line.trim_end_matches(']').to_owned());
        let conflicts = conflicts.into_iter().map(|c| (c.handle, c.is_source));
        (names.collect(), conflicts.collect())
    };
    let (all, none) = names(&[("source_profile", "base")]);
    assert_eq!(all, ["audit_x", "hub", "shop"]);
    assert_eq!(none, []);
    let (left, conflicts) = names(&[("source_profile", "hub")]);
    assert_eq!(left, ["audit_x", "shop"]);
    assert_eq!(conflicts, [("hub".to_owned(), true)]);
    let (left, conflicts) = names(&[("preamble", "[profile shop]\nregion = eu-west-1\n")]);
    assert_eq!(
        left,
        ["shop", "audit_x", "hub"],
        "the one in the preamble, once"
    );
    assert_eq!(conflicts, [("shop".to_owned(), false)]);
    // The base stands on `shop`, so `shop` cannot stand on the base; `hub` is nobody's base.
    let chain = "[profile base]\nsource_profile = shop\n[profile x]\nsource_profile = hub\n";
    let (left, conflicts) = names(&[("source_profile", "base"), ("preamble", chain)]);
    assert_eq!(left, ["base", "x", "audit_x", "hub"]);
    assert_eq!(conflicts, [("shop".to_owned(), true)]);
    // A circle of the user's own making ends.
    let circle = "[profile base]\nsource_profile = base\n";
    names(&[("source_profile", "base"), ("preamble", circle)]);

    let workspace = sample::workspace(&[("json", sample::options(&[("source_profile", "hub")]))]);
    sample::with_view(&[sample::acme()], &workspace, |view| {
        assert_eq!(conflicts_of(view), []);
    });
}

fn conflicts_of(view: &View<'_>) -> Vec<ProfileNameConflict> {
    profile_name_conflicts(view).unwrap()
}

#[test]
fn a_clash_says_which_account_and_what_to_do() {
    let (_, notices) = rendered(&[sample::acme()], &[("source_profile", "hub")]).unwrap();
    assert_eq!(
        notices,
        [
            "The account 111111111111 (\"Hub\") of the integration \"acme\" has the handle \"hub\", which is the name of a \
             profile that the roles are assumed with, so no profile is published for it. Give it another handle with an \
             orgmirror_connection_override, or choose another name for that profile."
        ]
    );
}

#[test]
fn the_handle_default_is_told_or_left_out() {
    let default = sample::integration("acme", &[], &[("111111111111", "Default", None)]);
    let (file, notices) =
        rendered(std::slice::from_ref(&default), &[("source_profile", "hub")]).unwrap();
    assert!(file.starts_with("[profile default]\nrole_arn = "), "{file}");
    assert!(
        notices[0].contains("when no profile is named"),
        "{notices:?}"
    );
    for options in [
        &[][..],
        &[("source_profile", "default")],
        &[
            ("sso", "true"),
            ("preamble", "[default]\nregion = eu-west-1\n"),
        ],
        &[
            ("credential_source", "Environment"),
            ("preamble", "[profile default]\n"),
        ],
    ] {
        let mut default = default.clone();
        default.sso = Some(sample::sso("acme"));
        let (file, notices) = rendered(&[default], options).unwrap();
        assert!(
            !file.contains("role_arn") && !file.contains("sso_"),
            "{file}"
        );
        assert!(
            notices[0].contains("has the handle \"default\", which is the name"),
            "{notices:?}"
        );
    }
}

#[test]
fn a_value_that_sdks_read_differently_is_left_out() {
    for arn in [
        "arn:aws:iam::111111111111:role/a b",
        "arn:aws:iam::111111111111:role/\"a\"",
        "arn:aws:iam::111111111111:role/a\n[profile x]",
        "arn:aws:iam::111111111111:role/ä",
    ] {
        let mut integration = sample::integration("acme", &[], &[("111111111111", "One", None)]);
        for connection in integration.mirror.connections.values_mut() {
            connection.derived_role_arn = arn.to_owned();
        }
        let (file, notices) = rendered(&[integration], &[]).unwrap();
        assert_eq!(file, "", "{arn}");
        assert!(
            notices[0].contains("role_arn is empty or has"),
            "{notices:?}"
        );
    }
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let refused = |options: &[(&str, &str)]| rendered(&[], options).unwrap_err();
    for options in [
        &[
            ("source_profile", "a"),
            ("credential_source", "Environment"),
        ][..],
        &[("source_profile", "a"), ("sso", "true")],
        &[("credential_source", "Environment"), ("sso", "true")],
    ] {
        let error = refused(options);
        assert_eq!(error.option, None);
        assert!(error.rule.contains("more than one"), "{error}");
    }
    for (option, value) in [
        ("source_profile", ""),
        ("source_profile", "a b"),
        ("source_profile", "a]\n"),
        ("source_profile", "\"a\""),
        ("credential_source", "environment"),
        ("credential_source", ""),
        ("region", "eu west"),
        ("region", "eu-west-1\n[x]"),
        ("preamble", "[hub]\n"),
        ("preamble", "[profile a]\naws_secret_access_key = s3cr3t\n"),
    ] {
        let error = refused(&[(option, value)]);
        assert_eq!(error.option, Some(option), "{error}");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[test]
fn a_session_is_named_after_its_workspace() {
    let name = |organization: &str, handle: &str| {
        session_name(&Workspace {
            organization: organization.to_owned(),
            handle: handle.to_owned(),
            ..sample::workspace(&[])
        })
    };
    assert_eq!(name("acme", "security"), "acme.security");
    assert_eq!(name("a", "b"), "a.b");
    let long = "a123456789-123456789_123456789-123456789_123456789-123456789_12";
    assert_eq!(name(long, "b"), format!("{}.b", &long[..62]));
    assert_eq!(name("b", long), format!("b.{}", &long[..62]));
    assert_eq!(name(long, long), format!("{}.{}", &long[..31], &long[..32]));
}
