"""What an owner can be told to do: each command's name and arguments. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..config.values import MOST_SEED, SPEEDS
from ..errors import OptionError, did_you_mean
from ..files import key_name
from .kinds import FLAG, PATH, Keys, among, keys, number, several, text, whole
from .lines import shown

TOPICS = ("state", "ahead")
"""What can be subscribed to: how things are, and what will be struck."""

MOST_NUMBER = 2**53 - 1
"""The greatest id, of a request or of an entry: what any JSON reader keeps whole."""

MOST_ENTRIES = 500
"""Songs, or entries, that one command names."""

LONGEST = 360_000.0
"""s that a song can be long; a time of more is a slip."""

_ID, _SECONDS, _SPEED = whole(0, MOST_NUMBER), number(0, LONGEST), number(*SPEEDS)
_TRACKS, _CHANNELS = several(whole(0, 65535), 1000), several(whole(1, 16), 16)
_SEMITONES = whole(-127, 127)

SONG = keys(
    {"path": PATH},
    {
        "tracks": _TRACKS,
        "channels": _CHANNELS,
        "mute_tracks": _TRACKS,
        "mute_channels": _CHANNELS,
        "drums": FLAG,
        "transpose": _SEMITONES,
        "original_key": FLAG,
        "preset": text(40),
        "octaves": several(several(whole(-65535, 65535), 2), 1000),
        "saved": FLAG,
        "encoding": text(40),
        "as_written": FLAG,
    },
)
"""A song: its file, and what is chosen about arranging it, as the command line has it (docs/cli.md).

`octaves` are pairs of a track and by how many octaves it is moved; `saved` false leaves out what is saved
beside the song.
"""

_SONGS = {"songs": several(SONG, MOST_ENTRIES)}


def _one_of(**choices: Any) -> Keys:
    return keys({}, choices, tuple(choices))


COMMANDS = {
    "state": keys({}),
    "subscribe": keys({"what": several(among(TOPICS), len(TOPICS))}),
    "play": keys(
        _SONGS,
        {
            "start": _SECONDS,
            "speed": _SPEED,
            "volume": number(0, 100),
            "gap": number(0, 86_400),
            "repeat": FLAG,
            "shuffle": FLAG,
            "at": number(0, 1e12),
            "attached": FLAG,
            "roll": FLAG,
            "limit": number(1, 86_400),
        },
    ),
    "add": keys(_SONGS),
    "pause": keys({}),
    "resume": keys({}),
    "toggle": keys({}),
    "next": keys({}),
    "previous": keys({}),
    "seek": _one_of(to=_SECONDS, by=number(-LONGEST, LONGEST)),
    "speed": _one_of(to=_SPEED, times=number(0.01, 100)),
    "volume": _one_of(to=number(0, 100), by=number(-100, 100)),
    "transpose": _one_of(to=whole(-48, 48), by=whole(-96, 96)),
    "loop": keys({}, {"begin": _SECONDS, "end": _SECONDS}),
    "end_loop": keys({}),
    "queue": keys({}, {"first": _ID, "count": whole(1, 200)}),
    "insert": keys(_SONGS, {"before": _ID}),
    "move": keys({"entry": _ID, "to": _ID}),
    "remove": keys({"entries": several(_ID, MOST_ENTRIES)}),
    "clear": keys({}),
    "shuffle": keys({}, {"seed": whole(0, MOST_SEED)}),
    "repeat": keys({"on": FLAG}),
    "finish": keys({"on": FLAG}),
    "end": keys({}),
    "stop": keys({}, {"why": text(200)}),
    "release": keys({}),
}
"""Command: what it takes. docs/service.md says what each does."""


@dataclass(frozen=True, slots=True)
class Command:
    """One of COMMANDS, its arguments checked."""

    name: str
    arguments: Mapping[str, Any]


def checked(request: Mapping[str, Any]) -> Command:
    """Return the command that a request asks for; OptionError in one line for what is none.

    >>> checked({"id": 1, "do": "volume", "to": 60})
    Command(name='volume', arguments={'to': 60})
    >>> checked({"id": 1, "do": "volume", "to": True})
    Traceback (most recent call last):
    xylophone.errors.OptionError: volume: to is true: give a number 0..100
    """
    number_of(request)
    name = request.get("do")
    if not isinstance(name, str):
        raise OptionError(f"do is {shown(name)}: give the name of a command, as pause")
    if name not in COMMANDS:
        hint = did_you_mean(name[:40], COMMANDS, "choose from", 0.6)
        raise OptionError(f"unknown command {key_name(name)}: {hint}")
    arguments = {key: value for key, value in request.items() if key not in ("id", "do")}
    COMMANDS[name].check(name, arguments)
    return Command(name, arguments)


def number_of(request: Mapping[str, Any]) -> int:
    """Return a request's id, which its answer repeats; OptionError where it has none."""
    number = request.get("id")
    if type(number) is not int or not 0 <= number <= MOST_NUMBER:
        raise OptionError(f"id is {shown(number)}: give {_ID.rule}, another for each request")
    return number
