"""What parliament finds in each of the IAM policies in a file.

    policies.py FILE

One line of JSON: for each policy the names of its findings.
"""

import json
import sys
import warnings

with warnings.catch_warnings():
    # parliament imports pkg_resources, which warns of its own end.
    warnings.simplefilter("ignore")
    import parliament


def main():
    with open(sys.argv[1], encoding="utf-8") as opened:
        policies = json.load(opened)
    found = []
    for policy in policies:
        linted = parliament.analyze_policy_string(json.dumps(policy), include_community_auditors=True)
        found.append([finding.issue for finding in linted.findings])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
