"""What the owner can be told: each command with its arguments, and each slip refused in one line."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from counts import examples
from xylophone.config.beside import Chosen
from xylophone.errors import OptionError
from xylophone.owner.commands import COMMANDS, SONG, checked
from xylophone.owner.kinds import Kind, Several

SONGS = [{"path": "/songs/a.mid"}]

GOOD: dict[str, list[dict[str, Any]]] = {
    "state": [{}],
    "subscribe": [{"what": ["state"]}, {"what": ["ahead", "state"]}],
    "play": [{"songs": SONGS}, {"songs": SONGS, "start": 7.5, "speed": 1, "volume": 0, "repeat": True}],
    "add": [{"songs": SONGS * 500}],
    "pause": [{}],
    "resume": [{}],
    "toggle": [{}],
    "next": [{}],
    "previous": [{}],
    "seek": [{"to": 0}, {"by": -5.0}],
    "speed": [{"to": 0.1}, {"times": 1.05}],
    "volume": [{"to": 100}, {"by": -5}],
    "transpose": [{"to": -12}, {"by": 1}],
    "loop": [{}, {"begin": 1}, {"begin": 1, "end": 2.5}],
    "end_loop": [{}],
    "queue": [{}, {"first": 3, "count": 200}],
    "insert": [{"songs": SONGS}, {"songs": SONGS, "before": 2**53 - 1}],
    "move": [{"entry": 4, "to": 0}],
    "remove": [{"entries": [1, 2]}],
    "clear": [{}],
    "shuffle": [{}, {"seed": 7}],
    "repeat": [{"on": False}],
    "finish": [{"on": True}],
    "end": [{}],
    "stop": [{}, {"why": "a string has torn"}],
    "release": [{}],
}  # fmt: skip


def request(name: object, /, **arguments: Any) -> dict[str, Any]:
    return {"id": 1, "do": name, **arguments}


def refused(line: dict[str, Any]) -> str:
    with pytest.raises(OptionError) as error:
        checked(line)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_every_command_is_taken_with_what_it_needs_and_what_it_may_have():
    assert GOOD.keys() == COMMANDS.keys()
    for name, several in GOOD.items():
        for arguments in several:
            command = checked(request(name, **arguments))
            assert (command.name, command.arguments) == (name, arguments)


def test_a_song_can_be_told_all_that_is_chosen_about_arranging():
    assert {*SONG.optional} >= set(Chosen.__dataclass_fields__)
    song = {"path": "/a", "tracks": [0, 2], "drums": False, "octaves": [[3, -1]], "preset": "solo"}
    checked(request("add", songs=[song]))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (request("paus"), "unknown command paus: did you mean pause?"),
        (request("unheard-of"), "unknown command unheard-of: choose from state, subscribe"),
        (request("a\nb"), r"unknown command 'a\nb'"),
        (request(None), "do is null: give the name"),
        ({"id": 1}, "do is null"),
        ({"do": "pause"}, "id is null"),
        ({"id": True, "do": "pause"}, "id is true: give a whole number"),
        ({"id": -1, "do": "pause"}, "id is -1"),
        ({"id": 2**53, "do": "pause"}, "id is 9007199254740992"),
        (request("pause", now=True), "pause has no now: it takes nothing more"),
        (request("volume"), "volume needs one of to and by"),
        (request("volume", to=1, by=1), "volume needs one of to and by: give exactly one"),
        (request("volume", to=True), "volume: to is true: give a number 0..100"),
        (request("volume", to=100.5), "volume: to is 100.5: give a number 0..100"),
        (request("volume", to="60"), 'volume: to is "60": give a number'),
        (request("volume", too=60), "volume has no too: did you mean to?"),
        (request("transpose", to=1.0), "transpose: to is 1.0: give a whole number -48..48"),
        (request("move", entry=1), "move lacks to: give a whole number"),
        (request("finish", on=1), "finish: on is 1: give true or false"),
        (request("subscribe", what=[]), "subscribe: what is a list: give a list of 1..2"),
        (request("subscribe", what=["states"]), 'subscribe: what[0] is "states": give one of state, ahead'),
        (request("add", songs={}), "add: songs is an object: give a list of 1..500"),
        (request("add", songs=SONGS * 501), "add: songs is a list: give a list of 1..500"),
        (request("add", songs=[{"path": "a.mid"}]), 'songs[0]: path is "a.mid": give an absolute path'),
        (request("add", songs=[{"path": "/a\0"}]), "give an absolute path"),
        (request("add", songs=[{}]), "add: songs[0] lacks path"),
        (request("add", songs=[{"path": "/a", "track": [1]}]), "songs[0] has no track: did you mean tracks?"),
        (request("add", songs=[{"path": "/a", "tracks": [-1]}]), "tracks[0] is -1: give a whole number"),
        (request("stop", why="x" * 201), "stop: why is"),
    ],
)
def test_a_slip_is_refused_in_one_line_with_value_rule_and_remedy(line, words):
    assert words in refused(line)


NAMES = st.sampled_from(["to", "by", "songs", "on", "what", "x"])
BAD = st.sampled_from([None, True, -1, 1.5, 10**19, math.pi, "", "a\nb", [], [[]], {}, {"a": 1}, "\ud800"])


@examples(300)
@given(st.sampled_from(sorted(COMMANDS)), st.dictionaries(NAMES, BAD))
def test_any_arguments_are_taken_or_refused_in_one_line(name, arguments):
    told = "taken"
    try:
        checked(request(name, **arguments))
    except OptionError as error:
        told = str(error)
    assert re.fullmatch(r"[ -~]+", told)


def kinds_of(kind: Kind):
    yield kind
    for inner in [kind.each] if isinstance(kind, Several) else []:
        yield from kinds_of(inner)


def test_a_true_is_no_number_wherever_one_is_wanted():
    """In Python it is one: `True == 1`."""
    for form in COMMANDS.values():
        for kind in {**form.needed, **form.optional}.values():
            for each in kinds_of(kind):
                assert not each.holds(True) or each.rule == "true or false"
