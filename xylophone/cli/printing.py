"""The one door to the screen: whatever is printed leaves through here, a line at a time.

Names of files, titles, ports and what a configuration says are not ours. On a terminal a control character in
one of them would move the cursor or write the clipboard, a line break would forge a line of this program's,
and a mark of direction would turn what stands beside it round. So every line is made `plain`, and nothing
else in the package writes to stdout or stderr (`tests/cli/test_printing.py`).
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any
from unicodedata import category

import click

from ..errors import FileError, OptionError, XylophoneError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

NAME = "xylophone"
"""What begins each line that is no answer: warnings and errors."""

FULL = "cannot write the output: {}; make room, or write it elsewhere"
"""The words for a stdout that takes nothing more, and why."""

STAND_IN = "xylophone-stand-in"
"""The name, among Python's handlers of letters that cannot be encoded, of ours."""

_ALIKE = dict(zip("━─█·♯←→↑↓…", "=-#.#<>^v.", strict=True))
"""What stands for the letters that the program itself draws with, where they are not to be had."""

_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what is not seen but steers: controls (C1 too), marks of direction and joiners,
halves of surrogates (bytes of a file name that are no text), line and paragraph separators."""


def plain(text: str) -> str:
    """Return a text as one line that steers no terminal: each character that could is a `?`.

    As in a wildcard, where `?` stands for it too.
    """
    if text.isprintable():
        return text
    return "".join("?" if category(sign) in _STEERING else sign for sign in text)


def say(*lines: str, err: bool = False) -> None:
    """Print each text as one plain line, on stdout or stderr.

    FileError or BrokenPipeError where stdout takes nothing more. A stderr that takes nothing ends no playing:
    there is nobody left to tell.
    """
    text = "".join(f"{plain(line)}\n" for line in lines)
    if not err:
        put(text)
        return
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def warn(told: str | XylophoneError, before: str = "") -> None:
    """Print a warning, or an error, on stderr: a line, of an error one for each mistake."""
    warn_all(told.lines if isinstance(told, XylophoneError) else (told,), before)


def warn_all(lines: Iterable[str], before: str = "") -> None:
    """Print warnings on stderr, a line each."""
    say(*(f"{NAME}: {before}{line}" for line in lines), err=True)


def say_json(value: object, *, indent: int | None = None, before: str = "") -> None:
    """Print a value as JSON on stdout, `before` it what joins it to others.

    All but ASCII is escaped: the same bytes whatever the terminal can show.
    """
    import json

    put(f"{before}{json.dumps(value, indent=indent)}\n")


def put(text: str) -> None:
    """Write what is plain already to stdout; FileError or BrokenPipeError where it takes nothing more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us has left
        let_go_of_output()
        raise
    except OSError as error:
        let_go_of_output()
        raise FileError(FULL.format(error.strerror)) from error


def let_go_of_output() -> None:
    """Let what could not be written to stdout go nowhere, so that it is not tried again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def ask(question: str, *, abort: bool = False) -> bool:
    """Ask a question and tell whether it was answered by yes; `abort` raises click.Abort where it was not.

    OptionError where nobody is there to answer.
    """
    try:
        agreed = click.confirm(plain(question))
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise OptionError("nobody is here to answer: give --yes, or run it in a terminal") from None
    if abort and not agreed:
        raise click.Abort
    return agreed


def beep() -> None:
    """Let the terminal beep, where there is one."""
    if sys.stderr.isatty():
        sys.stderr.write("\a")
        sys.stderr.flush()


def terminal(*, err: bool = False, **options: Any) -> Console:
    """Return the terminal for tables and pictures; markup and names of emoji in a text stay text."""
    from rich.console import Console

    return Console(stderr=err, markup=False, emoji=False, highlight=False, **options)


def has_pictures() -> bool:
    """Tell whether stdout is a terminal on which pictures can be drawn anew; a dumb one takes lines."""
    return sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def plain_text(text: str, style: str = "") -> Text:
    """Return a plain text for a table or a picture."""
    from rich.text import Text

    return Text(plain(text), style)


def ready_streams() -> None:
    """Put the three streams in order, for a program that begins.

    One that whoever started us has closed reads nothing and takes everything. Letters that the terminal does
    not have become `?`, those of our own drawings what looks like them.
    """
    codecs.register_error(STAND_IN, _stand_in)
    for name in ("stdin", "stdout", "stderr"):  # in this order: the lowest free number is taken
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        _replace_unknown(stream)


def _replace_unknown(stream: IO[str]) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors=STAND_IN)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """Return what is written for letters that an encoding does not have, and where it goes on."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_ALIKE.get(letter, "?") for letter in lacking), error.end
