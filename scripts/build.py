"""Builds the provider, wherever the user's cargo puts what it builds, and says where that is."""

import json
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "terraform-provider-orgmirror"


class BuildError(Exception):
    """cargo failed; what it said was printed."""


def begin(profile="dev"):
    """Begins to build the binary of a cargo profile; [`finish`] waits for it."""
    return cargo("build", "--bins", f"--profile={profile}", "--message-format=json-render-diagnostics")


def finish(process):
    """The binary, when the process of [`begin`] has built it."""
    for message in map(json.loads, output(process).splitlines()):
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == NAME and message["executable"]:
            return Path(message["executable"])
    raise BuildError(f"cargo built no {NAME}")


def build(profile="dev"):
    """The binary of a cargo profile, built."""
    return finish(begin(profile))


def target_directory():
    """Where cargo puts what it builds."""
    return Path(metadata()["target_directory"])


def version():
    """The version of the provider."""
    return next(package["version"] for package in metadata()["packages"] if package["name"] == NAME)


def this_platform():
    """Operating system and architecture as Terraform names them, such as linux_amd64."""
    machine = platform.machine().lower()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"{platform.system().lower()}_{architecture}"


def metadata():
    return json.loads(output(cargo("metadata", "--no-deps", "--format-version=1")))


def cargo(command, *arguments):
    try:
        return subprocess.Popen(
            ["cargo", command, "--locked", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
    except OSError as error:
        raise BuildError(f"cargo cannot be started: {error.strerror}") from error


def output(process):
    """What cargo printed, when it has ended well."""
    printed = process.communicate()[0]
    if process.returncode != 0:
        raise BuildError(f"cargo {process.args[1]} failed: what it said is above")
    return printed
