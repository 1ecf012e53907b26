"""Titles, names and lyrics: bytes become text, in the encoding that a file names or its texts suggest."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from unicodedata import normalize

from ..song import TextEncoding

MOST_LETTERS = 200
"""Letters of a title or name that are kept."""

MOST_BYTES = 4 * MOST_LETTERS
"""Bytes of a text that are read: what so many letters may take."""

CANDIDATES = (
    "cp1252", "cp932", "gb18030", "big5hkscs", "euc_jis_2004", "cp949", "koi8-r", "cp1251", "cp1258",
)  # fmt: skip
"""What may be guessed: Western, Japanese, Chinese, Korean, Russian, Vietnamese sets, the widest of each."""

_CYRILLIC, _VIETNAMESE = ("koi8-r", "cp1251"), "cp1258"
_LETTERS = rb"\xa3\xa8\xb3\xb8\xc0-\xff"
_WORD = re.compile(rb"(?<![A-Za-z" + _LETTERS + rb"])[" + _LETTERS + rb"]{2,}(?![A-Za-z" + _LETTERS + rb"])")
"""Letters beyond ASCII stand in words of their own in Cyrillic texts; in Western ones they stand within Latin
words or alone, as in "non è", and signs as the one for copyright and lines of one sign are no words."""

_TONE = re.compile(rb"[\xcc\xd2\xde\xec\xf2]")
_TONE_ON_VOWEL = re.compile(
    rb"(?i:[aeiouy\xc2\xc3\xca\xd4\xd5\xdd\xe2\xe3\xea\xf4\xf5\xfd])[\xcc\xd2\xde\xec\xf2]"
)
"""Windows-1258 writes the tones of Vietnamese behind the vowels that have them."""

_ASCII, _SIGNS = bytes(range(128)), "©®°«»".encode("cp1252")
"""Most files that have anything beyond ASCII have the sign for copyright and nothing else."""

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
    them, of CANDIDATES alone.
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
    content = b"\n".join(beyond)[:_ENOUGH]
    if content.translate(None, _SIGNS).isascii():
        return TextEncoding("cp1252")
    import chardet

    few = len(content.translate(None, _ASCII)) < FEW
    known = _candidates(content, few=few)
    found_name = chardet.detect(content, include_encodings=known, compat_names=False)["encoding"]
    return TextEncoding(found_name or "cp1252", few and not all(text.isascii() for text in shown))


def _candidates(content: bytes, *, few: bool) -> list[str]:
    """Return what a text may be written in, by how its letters beyond ASCII stand."""
    letters = len(content.translate(None, _ASCII))
    in_words = sum(len(word) for word in _WORD.findall(content) if len(set(word)) > 1)
    left_out = {*_CYRILLIC} if 2 * in_words < letters else set()
    tones, on_vowels = (len(kind.findall(content)) for kind in (_TONE, _TONE_ON_VOWEL))
    if few or not tones or 10 * on_vowels < 9 * tones:
        left_out.add(_VIETNAMESE)
    return [name for name in CANDIDATES if name not in left_out]


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
    """Return bytes as text; its own mark says more than `encoding`, and a letter that was cut is left out.

    Letters and their accents are one where they can be.
    """
    for mark, own in () if text.isascii() else _MARKS:
        if text.startswith(mark):
            text, encoding = text[len(mark) :], own
    try:
        return normalize("NFC", text.decode(encoding))
    except UnicodeDecodeError:
        return normalize("NFC", codecs.getincrementaldecoder(encoding)("replace").decode(text))


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
