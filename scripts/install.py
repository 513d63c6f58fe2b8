#!/usr/bin/env python3
"""Builds the provider and puts it where Terraform and OpenTofu of this user look for providers.

    scripts/install.py [PROFILE]

PROFILE is cargo's; without one, release. `make install` calls it.
"""

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from build import NAME, BuildError, build, this_platform, version

REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")


def main():
    home = os.environ.get("HOME")
    if not home:
        sys.exit("install.py: HOME is not set, and Terraform looks for providers below it. Set HOME, and run it again.")
    profile = sys.argv[1] if len(sys.argv) > 1 else "release"
    binary, number = build(profile), version()
    for registry in REGISTRIES:
        directory = Path(home) / ".terraform.d/plugins" / registry / "orgmirror/orgmirror" / number / this_platform()
        place = directory / f"{NAME}_v{number}"
        directory.mkdir(parents=True, exist_ok=True)
        # Replaced in one step: a Terraform that runs keeps the one it started.
        new = directory / f".{place.name}.new"
        try:
            shutil.copyfile(binary, new)
            new.chmod(0o755)
            new.replace(place)
        finally:
            new.unlink(missing_ok=True)
        print(f"installed {place}")


if __name__ == "__main__":
    try:
        main()
    except (BuildError, OSError) as error:
        sys.exit(f"install.py: {error}")
