"""What play asks of an owner: songs in their order, their manner, and a refusal of what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from cli.conftest import Ran
from player.pieces import INSTRUMENT
from xylophone.arranger import Weights
from xylophone.calibration.digest import digest
from xylophone.calibration.file import calibration_for, default_calibration, write_calibration
from xylophone.cli.queue import ENDLESS, Part, Queue
from xylophone.cli.song_options import Manner
from xylophone.cli.wanted import MOST_DRAWN, Options, Wanted, wanted
from xylophone.collection.library import STANDARD_INPUT
from xylophone.collection.prepared import Asked
from xylophone.config import Chosen
from xylophone.errors import OptionError

GREETING = {"backend": "serial:auto", "instrument": "pro-30", "config": "/etc/x.toml"}
PLAIN = Manner(1.0, None, 1.0, True)
PATHS = [Path(f"/songs/{name}.mid") for name in "abc"]


def queue(**more: Any) -> Queue:
    plain = {"part": Part(0.0, None, False), "loop": None, "shuffle": False, "seed": None, "pause": None}
    return Queue(**{**plain, "limit": None, "save_list": None, **more})


def options(mute: bool = False, **told: Any) -> Options:
    names = ("config", "calibration", "roll", "backend", "instrument", "volume")
    return Options({**dict.fromkeys(names), **told}, mute)


def asked(
    paths: list[Path] = PATHS, told: Options | None = None, manner: Manner = PLAIN, **more: Any
) -> Wanted:
    return wanted(paths, queue(**more), Asked(Chosen(), Weights()), False, manner, told or options())


def names(found: Wanted) -> str:
    return "".join(Path(song["path"]).stem for song in found.songs)


def test_songs_are_asked_for_in_their_order_so_often() -> None:
    assert names(asked()) == "abc"
    assert asked().places == ["1/3", "2/3", "3/3"]
    assert asked().manner == {"speed": 1.0}
    assert names(asked(loop=3)) == "abcabcabc"
    assert asked(PATHS[:1]).places == [""]
    assert asked(PATHS[:1], loop=2).manner == {"speed": 1.0, "gap": 0.0}
    assert asked(PATHS[:1], loop=2, pause=3.0).manner == {"speed": 1.0, "gap": 3.0}
    assert asked(loop=2).manner == {"speed": 1.0}


def test_without_an_end_the_owner_repeats() -> None:
    assert (names(asked(loop=ENDLESS)), asked(loop=ENDLESS).manner) == ("abc", {"speed": 1.0, "repeat": True})
    drawn = asked(loop=ENDLESS, shuffle=True, seed=7)
    assert MOST_DRAWN - 3 < len(drawn.songs) <= MOST_DRAWN
    assert {"".join(sorted(names(drawn)[n : n + 3])) for n in range(0, 300, 3)} == {"abc"}
    assert len({names(drawn)[n : n + 3] for n in range(0, 300, 3)}) > 2
    assert names(drawn) == names(asked(loop=ENDLESS, shuffle=True, seed=7))


def test_the_manner_is_what_was_told_and_no_more() -> None:
    slow = Manner(0.5, None, 0.6, True)
    found = asked(PATHS[:1], options(volume=0.6), slow, pause=2.0, part=Part(10.0, 25.0, True), loop=ENDLESS)
    assert found.manner == {"speed": 0.5, "volume": 60.0, "gap": 2.0, "start": 10.0, "repeat": True}
    assert found.part == (10.0, 25.0)
    assert asked(told=options(volume=0.0)).manner == {"speed": 1.0, "volume": 0.0}


def test_a_tempo_is_that_of_the_first_note(midi: Callable[..., Path]) -> None:
    assert asked([midi((72, 0, 1, 80, 0))], manner=Manner(1.0, 60.0, 1.0, True)).manner == {"speed": 0.5}
    with pytest.raises(OptionError, match=r"--bpm 2000 is 16\.7 times the song's 120 bpm"):
        asked([midi((72, 0, 1, 80, 0))], manner=Manner(1.0, 2000.0, 1.0, True))


def test_more_than_the_owner_takes_is_refused() -> None:
    with pytest.raises(OptionError, match="12000 songs are too many: the owner's queue takes 10000"):
        asked(loop=4000)
    with pytest.raises(OptionError, match=r"cannot read standard input: .*--here"):
        asked([*PATHS, STANDARD_INPUT])


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (options(backend="sim:"), "--backend sim:: the owner holds serial:auto"),
        (options(instrument="song-bell"), "--instrument song-bell: the owner has pro-30"),
        (options(config=Path("x.toml")), "--config x.toml: the owner was started with /etc/x.toml"),
        (options(volume=1.5), "--volume 1.5: the owner takes 0..1"),
    ],
)
def test_what_contradicts_the_owner_is_refused_with_what_plays_here(told: Options, words: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        told.check(GREETING, INSTRUMENT)
    assert words in str(refused.value)
    assert str(refused.value).endswith("or play here: --here")


def test_what_agrees_with_the_owner_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    options(True, backend="serial:auto", instrument="pro-30", volume=1.0).check(GREETING, INSTRUMENT)
    options(config=Path("/etc/../etc/x.toml")).check(GREETING, INSTRUMENT)
    with pytest.raises(click.UsageError, match="the loudspeaker is the owner's"):
        options(True).check({**GREETING, "backend": "sim:"}, INSTRUMENT)
    monkeypatch.setenv("XYLOPHONE_BACKEND", "gpio:null")
    with pytest.raises(click.UsageError, match="gpio:null: the owner holds serial:auto"):
        options().check(GREETING, INSTRUMENT)


def test_a_calibration_is_taken_if_it_is_what_the_owner_plays_by(tmp_path: Path) -> None:
    own, other = tmp_path / "own.toml", tmp_path / "other.toml"
    average = default_calibration(INSTRUMENT)
    write_calibration(own, average)
    write_calibration(other, replace(average, rest_time=average.rest_time + 1))
    held = {"file": str(own), "digest": digest(calibration_for(INSTRUMENT, own))}
    told = options(calibration=own)
    told.check({**GREETING, "calibration": held}, INSTRUMENT)
    told.check({**GREETING, "calibration": {**held, "file": "/elsewhere.toml"}}, INSTRUMENT)
    for said, words in (
        ({"file": str(other), "digest": digest(calibration_for(INSTRUMENT, other))}, f"plays by {other}: "),
        ({"file": None, "digest": "0"}, "plays by what nobody has tuned: "),
        ({"file": str(own), "digest": "0"}, "was changed since the owner read it: start that anew"),
        (None, "the owner has not opened its backend: "),
    ):
        with pytest.raises(click.UsageError) as refused:
            told.check({**GREETING, "calibration": said}, INSTRUMENT)
        assert words in str(refused.value)


def test_a_time_is_the_owners_to_keep_and_the_songs_repeat_until_it_is_up() -> None:
    assert asked(limit=60.0).manner == {"speed": 1.0, "limit": 60.0, "repeat": True}
    assert asked(limit=60.0, loop=2).manner == {"speed": 1.0, "limit": 60.0}
    assert asked(told=options(roll=False)).manner == {"speed": 1.0, "roll": False}
    assert len(asked(limit=60.0, shuffle=True, seed=7).songs) > MOST_DRAWN - 3


def test_detach_needs_an_owner(xylophone: Callable[..., Ran]) -> None:
    ran = xylophone("play", "sakura", "--detach")
    assert (ran.code, ran.out) == (3, "")
    assert "no owner runs: start one with: xylophone serve" in ran.err
    assert xylophone("play", "sakura", "--detach", "--here").code == 2
