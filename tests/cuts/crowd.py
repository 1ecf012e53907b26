"""A hundred programs that change one file at the same moment; `python crowd.py COUNT COMMAND...` runs them.

They are forked from one that has loaded everything, so that they really meet. Their exit codes are printed
as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import chdir
from tempfile import TemporaryDirectory

from xylophone.cli import run


def main(count: int, command: list[str]) -> None:
    """Run a command line so many times at once; `%` stands for the number of each."""
    with TemporaryDirectory() as aside:
        shutil.copytree(".", aside, dirs_exist_ok=True)
        with chdir(aside):
            run([word.replace("%", "0") for word in command])  # loads what they need
    started, start = os.pipe()
    children = []
    for number in range(count):
        child = os.fork()
        if not child:
            os.close(start)
            os.read(started, 1)  # all begin when the other end is closed
            code = run([word.replace("%", str(number)) for word in command])
            sys.stdout.flush()
            os._exit(code)
        children.append(child)
    os.close(start)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps(codes), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
