//! AWS access portals: what their addresses say.

use super::partition;

/// An access portal, by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portal<'a> {
    /// Without the fragment that a browser adds: `https://acme.awsapps.com/start` of `https://acme.awsapps.com/start/#/`.
    pub address: &'a str,
    /// Its name: `acme`.
    pub name: &'a str,
    /// Its partition; none if the address is not one of AWS's.
    pub partition: Option<&'static str>,
    /// The Region in the address, if it has one.
    pub region: Option<&'a str>,
    form: Form,
}

/// How an address is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `https://acme.awsapps.com/start`
    Start,
    /// `https://start.us-gov-home.awsapps.com/directory/acme`
    Directory,
    /// `https://ssoins-0123456789abcdef.portal.us-east-1.app.aws`
    Instance,
    /// A domain of AWS's portals, in an invalid form.
    Broken,
    /// Another domain.
    Foreign,
}

impl<'a> Portal<'a> {
    /// Reads an address as the IAM Identity Center User Guide, the AWS GovCloud (US) User Guide
    /// (<https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-sso.html>) and Getting Started with Amazon Web
    /// Services in China (<https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam-identity-center.html>) have them.
    pub fn of(url: &'a str) -> Self {
        let address = url
            .split('#')
            .next()
            .unwrap_or_default()
            .trim_end_matches('/');
        let (_, rest) = address.split_once("://").unwrap_or(("", address));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let labels: Vec<&str> = host.split('.').collect();
        let directory = path
            .strip_prefix("directory/")
            .filter(|name| !name.is_empty() && !name.contains('/'));
        let (form, partition, region) = match labels[..] {
            ["start", "us-gov-home", "awsapps", "com"] => {
                (Form::Directory, Some(partition::AWS_US_GOV), None)
            }
            ["start", region, "us-gov-home", "awsapps", "com"] => {
                (Form::Directory, Some(partition::AWS_US_GOV), Some(region))
            }
            ["start", "home", "awsapps", "cn"] => (Form::Directory, Some(partition::AWS_CN), None),
            ["start", region, "home", "awsapps", "cn"] => {
                (Form::Directory, Some(partition::AWS_CN), Some(region))
            }
            [_, "awsapps", "com"] => (Form::Start, Some(partition::AWS), None),
            [.., "awsapps", "com" | "cn"] => (Form::Broken, None, None),
            [_, "portal", region, "app", "aws"]
            | [_, region, "portal", "amazonaws", "com"]
            | [_, region, "portal", "amazonaws", "com", "cn"]
            | [_, "portal", region, "app", "amazonwebservices", "com", "cn"] => {
                let partition = partition::of_region(region);
                (Form::Instance, Some(partition), Some(region))
            }
            _ => (Form::Foreign, None, None),
        };
        let is_whole = match form {
            Form::Start => path == "start",
            Form::Directory => directory.is_some(),
            Form::Instance => path.is_empty(),
            Form::Broken => false,
            Form::Foreign => true,
        };
        let first = host.split(['.', ':']).next().unwrap_or_default();
        Self {
            address,
            name: directory.unwrap_or(first),
            partition,
            region,
            form: if is_whole { form } else { Form::Broken },
        }
    }

    /// Whether the address is one that a portal can have. AWS's own have certain forms.
    pub fn is_whole(&self) -> bool {
        self.form != Form::Broken
    }

    /// The portal's shortcut link to an account; without a role it asks which one to use ("Creating shortcut links to AWS
    /// Management Console destinations", IAM Identity Center User Guide). The portal opens the console of its partition.
    pub fn sign_in_url(&self, account_id: &str, role_name: Option<&str>) -> String {
        // A directory's address with a slash behind is another page.
        let slash = if self.form == Form::Directory {
            ""
        } else {
            "/"
        };
        let mut url = format!("{}{slash}#/console?account_id={account_id}", self.address);
        if let Some(role_name) = role_name {
            url.push_str("&role_name=");
            for byte in role_name.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        url.push(char::from(byte));
                    }
                    _ => url.push_str(&format!("%{byte:02X}")),
                }
            }
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111111111111";

    #[test]
    fn an_address_tells_the_partition_the_region_and_the_name() {
        let (aws, gov, china) = (partition::AWS, partition::AWS_US_GOV, partition::AWS_CN);
        for (url, name, partition, region) in [
            ("https://acme.awsapps.com/start", "acme", Some(aws), None),
            (
                "https://d-9067f00000.awsapps.com/start/#/?tab=accounts",
                "d-9067f00000",
                Some(aws),
                None,
            ),
            (
                "https://ssoins-7223.portal.us-east-1.app.aws/",
                "ssoins-7223",
                Some(aws),
                Some("us-east-1"),
            ),
            (
                "https://ssoins-7223.eu-west-1.portal.amazonaws.com",
                "ssoins-7223",
                Some(aws),
                Some("eu-west-1"),
            ),
            (
                "https://start.us-gov-home.awsapps.com/directory/acme",
                "acme",
                Some(gov),
                None,
            ),
            (
                "https://start.us-gov-east-1.us-gov-home.awsapps.com/directory/d-9067f00000#/",
                "d-9067f00000",
                Some(gov),
                Some("us-gov-east-1"),
            ),
            (
                "https://ssoins-7223.portal.us-gov-west-1.app.aws",
                "ssoins-7223",
                Some(gov),
                Some("us-gov-west-1"),
            ),
            (
                "https://start.home.awsapps.cn/directory/Acme_1#/",
                "Acme_1",
                Some(china),
                None,
            ),
            (
                "https://start.cn-north-1.home.awsapps.cn/directory/acme/",
                "acme",
                Some(china),
                Some("cn-north-1"),
            ),
            (
                "https://ssoins-7223.cn-north-1.portal.amazonaws.com.cn",
                "ssoins-7223",
                Some(china),
                Some("cn-north-1"),
            ),
            (
                "https://ssoins-7223.portal.cn-north-1.app.amazonwebservices.com.cn",
                "ssoins-7223",
                Some(china),
                Some("cn-north-1"),
            ),
            ("http://localhost:8080/start", "localhost", None, None),
            ("https://sso.acme.example", "sso", None, None),
        ] {
            let portal = Portal::of(url);
            assert_eq!(
                (portal.name, portal.partition, portal.region),
                (name, partition, region),
                "{url}"
            );
            assert!(portal.is_whole(), "{url}");
        }
    }

    #[test]
    fn an_address_of_aws_that_no_portal_has_is_told() {
        for url in [
            "https://acme.awsapps.com",
            "https://acme.awsapps.com/#/start",
            "https://acme.awsapps.com/start/accounts",
            "https://awsapps.com/start",
            "https://a.b.awsapps.com/start",
            "https://acme.awsapps.cn/start",
            "https://start.us-gov-home.awsapps.com/start",
            "https://start.us-gov-home.awsapps.com/directory/",
            "https://start.home.awsapps.cn/directory/acme/more",
            "https://ssoins-7223.portal.us-east-1.app.aws/start",
        ] {
            assert!(!Portal::of(url).is_whole(), "{url}");
        }
    }

    #[test]
    fn sign_in_links_are_the_portals_shortcuts() {
        let role = Some("Read+Only@Acme");
        for (url, link) in [
            (
                "https://acme.awsapps.com/start",
                "https://acme.awsapps.com/start/#/console",
            ),
            (
                "https://acme.awsapps.com/start/#/",
                "https://acme.awsapps.com/start/#/console",
            ),
            (
                "https://acme.awsapps.com/start#/?tab=accounts",
                "https://acme.awsapps.com/start/#/console",
            ),
            (
                "https://ssoins-7223.portal.us-east-1.app.aws",
                "https://ssoins-7223.portal.us-east-1.app.aws/#/console",
            ),
            (
                "https://start.us-gov-home.awsapps.com/directory/acme/",
                "https://start.us-gov-home.awsapps.com/directory/acme#/console",
            ),
            (
                "https://start.home.awsapps.cn/directory/acme#/",
                "https://start.home.awsapps.cn/directory/acme#/console",
            ),
            (
                "https://sso.acme.example/",
                "https://sso.acme.example/#/console",
            ),
        ] {
            assert_eq!(
                Portal::of(url).sign_in_url(ACCOUNT, role),
                format!("{link}?account_id={ACCOUNT}&role_name=Read%2BOnly%40Acme")
            );
        }
        assert_eq!(
            Portal::of("https://acme.awsapps.com/start").sign_in_url(ACCOUNT, None),
            "https://acme.awsapps.com/start/#/console?account_id=111111111111"
        );
    }
}
