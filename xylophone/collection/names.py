"""What people may write for one name: without accents, with ue for an umlaut, without an article."""

from __future__ import annotations

import re
import unicodedata

_LETTERS = {
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "\N{LATIN SMALL LETTER DOTLESS I}": "i",
}
"""Letters that Unicode does not take apart."""

_DOUBLED = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
"""Letters that are also written as two."""

_GERMANIC = ("a", "an", "the", "der", "die", "das", "den", "dem", "de", "het")
_ROMANCE = ("le", "la", "les", "l", "el", "los", "las", "il", "lo", "gli", "i", "o", "os", "as")
_ARTICLES = frozenset(_GERMANIC + _ROMANCE)
"""In front of a name; l is the one with an apostrophe."""


def plain(text: str) -> str:
    """Return a name without capitals, accents, hyphens, underscores and other signs.

    >>> plain("Ah, vous dirai-je, Maman")
    'ah vous dirai je maman'
    """
    lower = "".join(_LETTERS.get(sign, sign) for sign in text.casefold())
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", bare))


def spellings(text: str) -> frozenset[str]:
    """Return a name in plain letters, once for ü as u and once for ü as ue; empty for none at all.

    >>> sorted(spellings("Für Elise"))
    ['fuer elise', 'fur elise']
    """
    composed = unicodedata.normalize("NFC", text.casefold())
    doubled = "".join(_DOUBLED.get(sign, sign) for sign in composed)
    return frozenset({plain(text), plain(doubled)} - {""})


def without_article(name: str) -> str:
    """Return a plain name without the article in front of it; an article alone stays.

    >>> without_article("la marseillaise")
    'marseillaise'
    """
    first, _, rest = name.partition(" ")
    return rest if rest and first in _ARTICLES else name
