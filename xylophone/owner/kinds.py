"""Kinds of values that a line may hold: what each is in words, and whether a value is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import OptionError, did_you_mean
from ..files import key_name
from .lines import shown


@dataclass(frozen=True)
class Kind:
    """What a value must be: the rule in words, and what tells whether one is."""

    rule: str
    holds: Callable[[Any], bool]

    def check(self, name: str, value: object) -> None:
        """Raise OptionError for a value of another kind; `name` says whose it is."""
        if not self.holds(value):
            raise OptionError(f"{name} is {shown(value)}: give {self.rule}")


@dataclass(frozen=True)
class Several(Kind):
    """A list whose members are of one kind."""

    each: Kind

    def check(self, name: str, value: object) -> None:
        """Raise OptionError for what is no such list, or for a member."""
        super().check(name, value)
        assert isinstance(value, list)
        for place, member in enumerate(value):
            self.each.check(f"{name}[{place}]", member)


@dataclass(frozen=True)
class Keys(Kind):
    """An object whose keys are known: those that are needed, and those that may be there."""

    needed: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()

    def check(self, name: str, value: object) -> None:
        """Raise OptionError for another key, one that is missing, or a value of another kind.

        Of the keys `one_of` exactly one must be there.
        """
        super().check(name, value)
        assert isinstance(value, dict)
        known = {**self.needed, **self.optional}
        for key in value:
            if key not in known:
                raise OptionError(f"{name} has no {key_name(key)}: {_remedy(key, known)}")
        for key in self.needed:
            if key not in value:
                raise OptionError(f"{name} lacks {key}: give {self.needed[key].rule}")
        if self.one_of and len(value.keys() & set(self.one_of)) != 1:
            raise OptionError(f"{name} needs one of {' and '.join(self.one_of)}: give exactly one")
        for key, each in value.items():
            known[key].check(f"{name}: {key}", each)


def _remedy(key: str, known: Mapping[str, Kind]) -> str:
    return did_you_mean(key[:40], known, "give") if known else "it takes nothing more"


def number(least: float, most: float) -> Kind:
    """Return the kind of numbers within bounds."""
    return Kind(
        f"a number {least:g}..{most:g}",
        lambda value: type(value) in (int, float) and least <= value <= most,
    )


def whole(least: int, most: int) -> Kind:
    """Return the kind of whole numbers within bounds."""
    return Kind(
        f"a whole number {least}..{most}", lambda value: type(value) is int and least <= value <= most
    )


def text(most: int) -> Kind:
    """Return the kind of texts without a zero byte, of 1..`most` characters."""
    return Kind(
        f"a text of 1..{most} characters",
        lambda value: isinstance(value, str) and 0 < len(value) <= most and "\0" not in value,
    )


def among(choices: Iterable[str]) -> Kind:
    """Return the kind of words of which there are few."""
    known = tuple(choices)
    return Kind(f"one of {', '.join(known)}", lambda value: isinstance(value, str) and value in known)


def several(each: Kind, most: int) -> Several:
    """Return the kind of lists of 1..`most` members."""
    return Several(
        f"a list of 1..{most}, each {each.rule}",
        lambda value: isinstance(value, list) and 0 < len(value) <= most,
        each,
    )


def keys(
    needed: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None, one_of: tuple[str, ...] = ()
) -> Keys:
    """Return the kind of objects with these keys."""
    names = ", ".join({**needed, **(optional or {})})
    return Keys(
        f"an object of {names}", lambda value: isinstance(value, dict), needed, optional or {}, one_of
    )


FLAG = Kind("true or false", lambda value: type(value) is bool)

PATH = Kind(
    "an absolute path",
    lambda value: (
        isinstance(value, str) and value.startswith("/") and len(value) <= 4096 and "\0" not in value
    ),
)
