//! What is known of partitions is what botocore, whose version `tests/requirements.txt` pins, and the AWS SDK know.

use std::collections::BTreeMap;

use aws_sdk_organizations::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use orgmirror::model::partition::{self, AWS, AWS_CN, AWS_US_GOV};
use orgmirror_testing::python;
use serde::Deserialize;

const KNOWN: [&str; 3] = [AWS, AWS_US_GOV, AWS_CN];

/// A partition, as botocore has it.
#[derive(Deserialize)]
struct Facts {
    regions: Vec<String>,
    /// The Region that calls of AWS Organizations are signed for; none where botocore does not say.
    organizations: Option<String>,
}

fn facts() -> BTreeMap<String, Facts> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = python::command(directory.path());
    command.arg("-c").arg(
        "import json, os, botocore
data = os.path.join(os.path.dirname(botocore.__file__), 'data')
def load(name):
    with open(os.path.join(data, name)) as opened:
        return json.load(opened)['partitions']
def organizations(partition):
    service = partition['services'].get('organizations')
    return service and service['endpoints'][service['partitionEndpoint']]['credentialScope']['region']
called = {p['partition']: organizations(p) for p in load('endpoints.json')}
print(json.dumps({
    p['id']: {
        'regions': sorted(r for r in p['regions'] if not r.endswith('-global')),
        'organizations': called[p['id']],
    }
    for p in load('partitions.json')
}))",
    );
    let output = python::run(&mut command);
    assert!(output.status.success(), "{}", python::complaint(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_known_regions_are_botocores() {
    let facts = facts();
    for known in KNOWN {
        assert_eq!(facts[known].regions, partition::regions(known));
    }
    for region in facts.values().flat_map(|partition| &partition.regions) {
        assert!(partition::is_region(region), "{region}");
    }
}

#[test]
fn aws_organizations_is_called_where_botocore_calls_it() {
    let facts = facts();
    for known in KNOWN {
        assert_eq!(
            facts[known].organizations.as_deref(),
            Some(partition::organizations_region(known))
        );
    }
}

/// Whatever Region of a partition is configured, the reading goes to the one endpoint of AWS Organizations there.
#[tokio::test]
async fn every_region_leads_to_the_partitions_organizations() {
    let resolver = DefaultResolver::new();
    for known in KNOWN {
        let own = partition::organizations_region(known);
        let suffix = if known == AWS_CN { ".cn" } else { "" };
        for region in partition::regions(known) {
            let params = Params::builder().region(*region).build().unwrap();
            let endpoint = resolver.resolve_endpoint(&params).await.unwrap();
            assert_eq!(
                endpoint.url(),
                format!("https://organizations.{own}.amazonaws.com{suffix}"),
                "{region}"
            );
        }
    }
}
