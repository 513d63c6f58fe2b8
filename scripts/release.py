#!/usr/bin/env python3
"""Puts one platform's release files in dist/, in the shape that Terraform's registry takes.

    scripts/release.py [PROFILE]

Builds the binary first; PROFILE is cargo's, without one release. The same binary gives the same bytes. SHA256SUMS covers every platform of this version that is in dist/.
"""

import hashlib
import json
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from build import NAME, ROOT, BuildError, build, this_platform
from build import version as current_version


def main():
    binary = build(sys.argv[1] if len(sys.argv) > 1 else "release")
    version, platform = current_version(), this_platform()
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    stem = f"{NAME}_{version}"

    archive = dist / f"{stem}_{platform}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for source, name, mode in (
            (binary, f"{NAME}_v{version}", 0o755),
            (dist.parent / "LICENSE", "LICENSE", 0o644),
        ):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the mode counts.
            entry.external_attr = (0o100000 | mode) << 16
            package.writestr(entry, source.read_bytes())

    manifest = dist / f"{stem}_manifest.json"
    manifest.write_text(json.dumps({"version": 1, "metadata": {"protocol_versions": ["6.0"]}}) + "\n")

    files = [*sorted(dist.glob(f"{stem}_*.zip")), manifest]
    sums = dist / f"{stem}_SHA256SUMS"
    sums.write_text("".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))
    for file in [*files, sums]:
        print(file.relative_to(dist.parent))


if __name__ == "__main__":
    try:
        main()
    except (BuildError, OSError) as error:
        sys.exit(f"release.py: {error}")
