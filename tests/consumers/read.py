"""Reads a published file with somebody else's parser, and writes what is in it as JSON.

    read.py botocore FILE    profiles and SSO sessions, as boto3 sees them
    read.py awscli FILE      the same, as the AWS CLI does, which brings a botocore of its own
    read.py many DIRECTORY   of each file in it, what botocore reads, or null where it fails
    read.py hcl FILE         blocks, as python-hcl2 does
    read.py yaml FILE        as PyYAML does
"""

import json
import os
import sys


def config(package, file):
    os.environ["AWS_CONFIG_FILE"] = file
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    if package == "awscli":
        from awscli.botocore.session import Session
    else:
        from botocore.session import Session
    session = Session()
    full = session.full_config
    return {
        "profiles": full["profiles"],
        "sso_sessions": full["sso_sessions"],
        "others": sorted(full.keys() - {"profiles", "sso_sessions", "services"}),
        # The other way that boto3 offers, with credentials merged in.
        "available": sorted(session.available_profiles),
    }


def many(directory):
    from botocore.configloader import load_config
    from botocore.exceptions import ConfigParseError

    found = {}
    for name in os.listdir(directory):
        try:
            loaded = load_config(os.path.join(directory, name))
        except ConfigParseError:
            found[name] = None
        else:
            found[name] = {key: loaded[key] for key in ("profiles", "sso_sessions")}
    return found


def hcl(file):
    import hcl2

    options = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False, with_comments=False)
    with open(file, encoding="utf-8") as opened:
        return values(hcl2.load(opened, serialization_options=options))


def yaml(file):
    from yaml import safe_load

    with open(file, encoding="utf-8") as opened:
        return safe_load(opened)


def values(found):
    """python-hcl2 leaves the escapes of templates as they are."""
    if isinstance(found, dict):
        return {key: values(value) for key, value in found.items()}
    if isinstance(found, list):
        return [values(value) for value in found]
    if isinstance(found, str):
        return found.replace("$${", "${").replace("%%{", "%{")
    return found


def main():
    reader, file = sys.argv[1:]
    if reader == "hcl":
        found = hcl(file)
    elif reader == "yaml":
        found = yaml(file)
    elif reader == "many":
        found = many(file)
    else:
        found = config(reader, file)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
