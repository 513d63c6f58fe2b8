"""What programs get of the environment where the settings of whoever starts them must not matter."""

import os

# What a program needs to start.
INHERITED = ("PATH", "TMPDIR", "LD_LIBRARY_PATH")


def without_settings(**variables):
    """An environment without a home and without settings, with these variables."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # The home is as in without-settings. On macOS, Python asks the system for proxies if the environment names none.
    return inherited | {"HOME": "/proc/no-home", "NO_PROXY": "127.0.0.1"} | variables
