"""Lines of the owner's socket: one JSON object each, in UTF-8. No port and no clock.

All but ASCII is escaped, so that also a file name whose bytes are no text arrives as it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..errors import OptionError
from ..files import key_name

PROTOCOL = 1
"""What both sides name in their first line."""

MOST_BYTES = 65_536
"""Bytes of a line, its end counted."""

MOST_DIGITS = 20
"""Digits of a whole number; reading one takes time by the square of them."""


def written(line: Mapping[str, Any]) -> bytes:
    """Return an object as a line.

    >>> written({"id": 1, "do": "pause"})
    b'{"id":1,"do":"pause"}\\n'
    """
    return json.dumps(line, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def read(line: bytes) -> dict[str, Any]:
    """Return the object that a line holds; OptionError in one line for what is no such thing.

    >>> read(b'{"id":1,"id":2}')
    Traceback (most recent call last):
    xylophone.errors.OptionError: the key id stands twice in one object: send it once
    """
    try:
        found = json.loads(
            line.decode(),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        raise OptionError(f"byte {error.start} of the line is no UTF-8: send JSON in UTF-8") from error
    except RecursionError as error:
        raise OptionError("brackets are nested too deep in this line: take some out") from error
    except json.JSONDecodeError as error:
        raise OptionError(
            f"this line is no JSON, {error.msg} at character {error.pos + 1}: send one object in each line"
        ) from error
    if not isinstance(found, dict):
        raise OptionError(f"this line holds {shown(found)}: send one object, {{...}}, in each line")
    return found


def shown(value: object) -> str:
    """Return a value as JSON has it, shortened, fit for a message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:36]}..."


class Lines:
    """Cuts what comes from a socket into lines, and keeps no more than a line of what is too long."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._rest, self._most = bytearray(), most
        self._seen = 0  # bytes in which there is no end of a line
        self._skips = False

    @property
    def begun(self) -> bool:
        """Whether a line has begun that has not ended; to be asked when `take` has nothing more."""
        return self._skips or bool(self._rest)

    def feed(self, content: bytes) -> None:
        """Add what came."""
        self._rest += content

    def take(self) -> bytes | None:
        """Return the next line without its end, None while there is none.

        OptionError, once, for a line that is too long; what comes of it up to its end is left out.
        """
        end = self._rest.find(b"\n", self._seen)
        if end < 0:
            self._seen = len(self._rest)
            if self._skips or self._seen >= self._most:
                self._rest.clear()
                self._seen = 0
                self._refuse_once()
            return None
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        self._seen = 0
        if self._skips:
            self._skips = False
            return self.take()
        if len(line) >= self._most:
            raise self._too_long()
        return line

    def _refuse_once(self) -> None:
        if not self._skips:
            self._skips = True
            raise self._too_long()

    def _too_long(self) -> OptionError:
        return OptionError(f"this line is longer than {self._most} bytes: send less in one line")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict[str, Any]()
    for key, value in pairs:
        if key in found:
            raise OptionError(f"the key {key_name(key)} stands twice in one object: send it once")
        found[key] = value
    return found


def _no_number(text: str) -> float:
    raise OptionError(f"{text} is no number in JSON: send a finite one")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise OptionError(f"the number {text[:40]} is beyond all bounds: send a smaller one")
    return number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise OptionError(f"the number {text[:8]}... has {len(text)} digits: send at most {MOST_DIGITS}")
    return int(text)
