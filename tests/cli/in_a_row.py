"""Runs command lines one after the other in one process, as `xylophone` runs each; the streams are real.

Arguments: a file of JSON with the command lines, each a list of words in hexadecimal, and a file for what
came of them. Before each command MARK is written to both streams.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from xylophone.cli import run
from xylophone.cli.printing import ready_streams

MARK = b"\0 next \0\n"


def came_of(words: list[str]) -> int | str:
    """Run a command line and return its exit code, or the traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        stream.buffer.write(MARK)
        stream.flush()
    try:
        return run([os.fsdecode(bytes.fromhex(word)) for word in words])
    except BaseException:  # whatever it is, it would have been a traceback
        return traceback.format_exc()


if __name__ == "__main__":
    ready_streams()
    codes = [came_of(words) for words in json.loads(Path(sys.argv[1]).read_text("ascii"))]
    report = {"encoding": sys.stdout.encoding, "codes": codes}
    Path(sys.argv[2]).write_text(json.dumps(report), "ascii")
