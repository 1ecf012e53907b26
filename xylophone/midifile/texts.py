"""Titles, names and lyrics: bytes become text, in the encoding that a file names or that all its texts suggest."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_LETTERS = 200
"""Letters of a title or name that are kept."""

MOST_BYTES = 4 * MOST_LETTERS
"""Bytes of a text that are read: what so many letters may take."""

CANDIDATES = (
    "cp1252", "cp932", "gb18030", "big5hkscs", "euc_jis_2004", "cp949", "koi8-r", "cp1251",
)  # fmt: skip
"""What may be guessed: Western, Japanese, Chinese, Korean and Russian sets, each the widest of its kind."""

FEW = 24
"""Bytes beyond ASCII; fewer of them make a guess that is told as one."""

_ENOUGH = 1 << 16
"""Bytes that are judged."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_XF = re.compile(rb"\{@([A-Z]+)\}")
_KAR = re.compile(rb"@L([A-Z]{4})")
_LANGUAGES = {
    b"JP": "cp932", b"LATIN": "cp1252",
    b"JAPN": "cp932", b"JAPA": "cp932", b"KORE": "cp949", b"CHIN": "gb18030", b"RUSS": "cp1251",
    b"GERM": "cp1252", b"FREN": "cp1252", b"ITAL": "cp1252", b"SPAN": "cp1252", b"PORT": "cp1252",
}  # fmt: skip
"""What a language's name means in XF ({@JP}) and karaoke files (@LJAPN); @LENGL is in all kinds of files."""


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """How a file's texts are read, as Python names it, and whether that was guessed from few letters."""

    name: str = "utf-8"
    guessed: bool = False


def encoding_of(texts: Sequence[bytes]) -> TextEncoding:
    """Return the encoding of a file's texts, which are judged together.

    What the file names is believed; else they are UTF-8 if all can be, and else what chardet makes of
    them, of CANDIDATES alone.
    """
    for text in texts:
        for found in (_XF.search(text), _KAR.match(text)):
            if found and found[1] in _LANGUAGES:
                return TextEncoding(_LANGUAGES[found[1]])
    beyond = [text for text in texts if not text.isascii() and not _marked(text)]
    if all(_can_be(text, "utf-8") for text in beyond):
        return TextEncoding()
    import chardet

    content = b"\n".join(beyond)[:_ENOUGH]
    found_name = chardet.detect(content, include_encodings=CANDIDATES, compat_names=False)["encoding"]
    return TextEncoding(found_name or "cp1252", sum(byte > 127 for byte in content) < FEW)


def _marked(text: bytes) -> bool:
    return any(text.startswith(mark) for mark, _ in _MARKS)


def _can_be(text: bytes, encoding: str) -> bool:
    """Tell whether bytes can be text of an encoding; the last letter may be cut."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(text)
    except UnicodeDecodeError:
        return False
    return True


def decoded(text: bytes, encoding: str) -> str:
    """Return bytes as text; its own mark says more than `encoding`, and a letter that was cut is left out."""
    for mark, own in _MARKS:
        if text.startswith(mark):
            text, encoding = text[len(mark) :], own
    return codecs.getincrementaldecoder(encoding)("replace").decode(text)


def one_line(text: str) -> str:
    """Return a title or name: on one line, without control characters, at most MOST_LETTERS letters."""
    words = " ".join(text.split())
    return "".join(letter for letter in words if letter.isprintable())[:MOST_LETTERS].strip()
