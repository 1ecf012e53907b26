"""Titles, names and lyrics: bytes become text, in the encoding that a file names or its texts suggest."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from ..song import TextEncoding

MOST_LETTERS = 200
"""Letters of a title or name that are kept."""

MOST_BYTES = 4 * MOST_LETTERS
"""Bytes of a text that are read: what so many letters may take."""

CANDIDATES = (
    "cp1252", "cp932", "gb18030", "big5hkscs", "euc_jis_2004", "cp949", "koi8-r", "cp1251",
)  # fmt: skip
"""What may be guessed: Western, Japanese, Chinese, Korean and Russian sets, the widest of each."""

_CYRILLIC = ("koi8-r", "cp1251")
_BEYOND = re.compile(rb"([A-Za-z]?)[\x80-\xff]+([A-Za-z]?)")
"""Letters beyond ASCII stand within Latin words in Western texts, in words of their own in Cyrillic ones."""

_ASCII = bytes(range(128))

FEW = 24
"""Bytes beyond ASCII; fewer of them make a guess that is told as one."""

_ENOUGH = 1 << 16
"""Bytes that are judged."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_NAMED = re.compile(rb"\{@([A-Z]+)\}|^@L([A-Z]{4})", re.MULTILINE)
_LANGUAGES = {
    b"JP": "cp932", b"LATIN": "cp1252",
    b"JAPN": "cp932", b"JAPA": "cp932", b"KORE": "cp949", b"CHIN": "gb18030", b"RUSS": "cp1251",
    b"GERM": "cp1252", b"FREN": "cp1252", b"ITAL": "cp1252", b"SPAN": "cp1252", b"PORT": "cp1252",
}  # fmt: skip
"""What a language's name means in XF ({@JP}) and karaoke files (@LJAPN); @LENGL is in all kinds of files."""


def encoding_of(texts: Sequence[bytes], shown: Sequence[bytes]) -> TextEncoding:
    """Return the encoding of texts, which are judged together; a guess is told for those `shown` only.

    What the file names is believed; else they are UTF-8 if all can be, and else what chardet makes of
    them, of CANDIDATES alone, and of those no Cyrillic one where most letters stand within Latin words.
    """
    whole = b"\n".join(texts)
    for xf, karaoke in _NAMED.findall(whole):
        if (xf or karaoke) in _LANGUAGES:
            return TextEncoding(_LANGUAGES[xf or karaoke])
    if whole.isascii():
        return TextEncoding()
    beyond = [text for text in texts if not text.isascii() and not is_marked(text)]
    if not beyond or _are_utf8(beyond):
        return TextEncoding()
    import chardet

    content = b"\n".join(beyond)[:_ENOUGH]
    runs = _BEYOND.findall(content)
    within = sum(bool(before or behind) for before, behind in runs) > len(runs) / 2
    known = [name for name in CANDIDATES if not (within and name in _CYRILLIC)]
    found_name = chardet.detect(content, include_encodings=known, compat_names=False)["encoding"]
    few = len(content.translate(None, _ASCII)) < FEW
    return TextEncoding(found_name or "cp1252", few and not all(text.isascii() for text in shown))


def is_marked(text: bytes) -> bool:
    """Tell whether a text begins with the mark of an encoding."""
    return any(text.startswith(mark) for mark, _ in _MARKS)


def _are_utf8(texts: Sequence[bytes]) -> bool:
    """Tell whether texts are UTF-8; the last letter of one may be cut, if one of them has a whole one."""
    try:
        read = [codecs.getincrementaldecoder("utf-8")().decode(text) for text in texts]
    except UnicodeDecodeError:
        return False
    return not all(text.isascii() for text in read)


def decoded(text: bytes, encoding: str) -> str:
    """Return bytes as text; its own mark says more than `encoding`, and a letter that was cut is left out."""
    if not text.isascii():
        for mark, own in _MARKS:
            if text.startswith(mark):
                text, encoding = text[len(mark) :], own
    try:
        return text.decode(encoding)
    except UnicodeDecodeError:
        return codecs.getincrementaldecoder(encoding)("replace").decode(text)


def one_line(text: str) -> str:
    """Return a title or name: on one line, without control characters, at most MOST_LETTERS letters."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " * letter.isspace() for letter in text)
    return " ".join(text.split())[:MOST_LETTERS].strip()


def sung(text: str) -> str:
    r"""Return a syllable as it is sung; / and \ before it are the line breaks of karaoke files."""
    if text.startswith(("/", "\\")):
        text = ("\n" if text[0] == "/" else "\n\n") + text[1:]
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(letter for letter in line if letter.isprintable()) for line in lines)
