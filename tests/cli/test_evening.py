"""A queue: it begins with its first song at once, and the others are made ready while it plays."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from pathlib import Path

import pytest

import programs
from cli.conftest import Ran
from midifile import smf
from player.pieces import INSTRUMENT, Stage
from xylophone.arranger import PRESETS
from xylophone.cli.evening import Evening, Programme
from xylophone.cli.queue import Part
from xylophone.collection.order import Order
from xylophone.collection.prepared import Asked, Preparation, start_gone
from xylophone.config import Chosen
from xylophone.errors import FileError, OptionError, SilentSong, SongError
from xylophone.player import Player

ASKED = Asked(Chosen(), PRESETS["faithful"])
NOTHING = smf.song(smf.track(smf.meta(3, b"Rests"), smf.meta(6, b"", 480)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with songs of one note each, one without notes and one that is none."""
    monkeypatch.chdir(tmp_path)
    for name, pitch in (("a", 72), ("b", 74), ("c", 76)):
        (tmp_path / f"{name}.mid").write_bytes(smf.song(smf.track(smf.note(pitch))))
    (tmp_path / "rests.mid").write_bytes(NOTHING)
    (tmp_path / "bad.mid").write_text("no music", "ascii")
    return tmp_path


@contextmanager
def evening_of(
    *names: str, passes: int | None = 1, pause: float | None = None, limit: float | None = None
) -> Iterator[Evening]:
    paths = [Path(f"{name}.mid") for name in names]
    preparation = Preparation(ASKED, INSTRUMENT)
    evening = Evening(Programme(paths, preparation, lambda: Order(len(paths), passes), pause, limit))
    try:
        yield evening
    finally:
        evening.close()


def heard(evening: Evening, each: Callable[[Player], object] = lambda player: None) -> list[int]:
    """Play an evening on a virtual clock that stands while the worker works; return the pitches in order."""
    stage = Stage()

    def watch(_now: float) -> None:
        evening.attend(player)
        each(player)
        if evening._worker.busy:
            wait([evening._worker.future], programs.PATIENCE)

    player = Player(stage.backend, watch=watch)
    player.play(evening.first().piece, more=True).wait()
    hits = stage.backend.outcome().hits
    assert stage.backend.report().late == 0
    return [INSTRUMENT.hammers[channel].pitch for channel in hits["channel"].tolist()]


def test_songs_are_heard_in_their_order_pass_by_pass(folder: Path) -> None:
    with evening_of("a", "b", "c", passes=2) as evening:
        assert heard(evening) == [72, 74, 76, 72, 74, 76]
        assert evening.failed is None
        assert [evening.place(piece) for piece in range(7)] == ["1/3", "2/3", "3/3", "1/3", "2/3", "3/3", ""]


def test_what_cannot_be_played_is_named_and_left_out_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with evening_of("rests", "bad", "a", "rests", "gone", "b", passes=2) as evening:
        assert heard(evening) == [72, 74, 72, 74]
        assert isinstance(evening.failed, FileError)
    assert sorted(capsys.readouterr().err.splitlines()) == [
        "xylophone: left out: bad.mid is no MIDI file but text: give a Standard MIDI File (.mid)",
        "xylophone: left out: cannot read gone.mid: there is no such file: check the name",
        "xylophone: rests.mid is silent, and left out",
        "xylophone: rests.mid is silent, and left out",
    ]


def test_a_song_whose_worker_dies_is_named_and_the_others_are_heard(
    folder: Path,
) -> None:
    killed = []

    def kill(_player: Player) -> None:
        for child in multiprocessing.active_children():
            if not killed:
                killed.append(child.pid)
                child.kill()

    with evening_of("a", "b", "c") as evening:
        assert heard(evening, kill)[0] == 72
    assert killed


def test_next_comes_before_its_time_and_the_one_before_can_be_gone_back_to(folder: Path) -> None:
    pressed = []

    def press(player: Player) -> None:
        shot = player.snapshot()
        if shot.piece == len(pressed) and shot.pieces > shot.piece and len(pressed) < 2:
            pressed.append(shot.piece)
            player.next()

    long = smf.song(smf.track(smf.note(72), smf.note(84, delta=480 * 4000)))
    (folder / "a.mid").write_bytes(long)
    with evening_of("a", "b", "c") as evening:
        assert set(heard(evening, press)) <= {72, 74, 76}
    assert pressed == [0, 1]


def test_an_evening_that_has_begun_begins_anew(folder: Path) -> None:
    with evening_of("rests", "a", "b") as evening:
        assert heard(evening) == [72, 74]
        assert heard(evening) == [72, 74]


def test_a_single_song_that_cannot_be_played_is_an_error(folder: Path) -> None:
    with evening_of("rests") as evening, pytest.raises(SilentSong, match="the song has no notes"):
        evening.first()
    with evening_of("rests", "bad") as evening, pytest.raises(SongError, match="no MIDI file"):
        evening.first()


UNNAMED = [
    (["--tracks", "7"], "track 7 has no notes in this song"),
    (["--octave", "0:11"], "11"),
    (["--mute-channels", "1"], "are muted"),
]
"""Errors that do not speak of the file."""


@pytest.mark.parametrize(("options", "words"), UNNAMED)
def test_every_file_that_is_left_out_is_named(
    folder: Path, xylophone: Callable[..., Ran], options: list[str], words: str
) -> None:
    ran = xylophone("play", "a.mid", "b.mid", "--mute", *options)
    assert ran.code in (1, 2)
    told = [line for line in ran.err.splitlines() if line.startswith("xylophone: left out: ")]
    assert [line.split(": ")[2] for line in told] == ["a.mid", "b.mid"]
    assert all(words in line for line in told)


def test_a_silent_file_is_no_error_and_each_song_is_told(folder: Path, xylophone: Callable[..., Ran]) -> None:
    ran = xylophone("play", "rests.mid", "a.mid", "b.mid", "--mute", "--speed", "10")
    assert (ran.code, ran.err) == (0, "xylophone: rests.mid is silent, and left out\n")
    assert ran.out.splitlines()[:2] == ["playing a.mid (1/2)", "playing b.mid (2/2)"]


def test_long_silence_is_cut_and_told_unless_as_written(folder: Path, xylophone: Callable[..., Ran]) -> None:
    late = smf.track(smf.note(72, delta=480 * 60), smf.meta(6, b"", 96_000))
    (folder / "late.mid").write_bytes(smf.song(late))
    told = "silence is cut: 30.0 s before the first strike to 1 s; 98.5 s at the end"
    info = xylophone("info", "late.mid", "--json").json
    assert (info["duration"], info["silence"]) == (3.0, told)
    assert f"{told.removeprefix('silence is ')}; --as-written keeps it" in xylophone("info", "late.mid").out
    cut = xylophone("simulate", "late.mid")
    assert (cut.code, cut.err) == (0, f"xylophone: late.mid: {told}; --as-written keeps it\n")
    first, whole = (
        xylophone("simulate", "late.mid", "--json", *options) for options in ([], ["--as-written"])
    )
    assert (first.err, whole.err) == ("", "")
    assert [ran.json["strikes"][0]["planned"] for ran in (first, whole)] == [1.0, 30.0]


def test_loop_points_of_a_file_are_what_is_repeated(folder: Path) -> None:
    marks = smf.meta(6, b"loopStart", 480 * 2), smf.meta(6, b"loopEnd", 480 * 2)
    (folder / "loop.mid").write_bytes(smf.song(smf.track(smf.note(72), *marks, smf.note(76, delta=480))))
    piece = Preparation(ASKED, INSTRUMENT)(folder / "loop.mid").piece
    assert Part(0.0, None, True).repeated(piece) == pytest.approx((1.5, 2.5))
    assert Part(0.0, None, False).repeated(piece) is None
    assert Part(0.0, 1.0, True).repeated(piece) == (0.0, 1.0)
    assert Part(2.6, None, True).repeated(piece) is None


@pytest.mark.parametrize(
    ("minutes", "songs"), [(None, 3), (0.2, 1), (1.9, 1), (2.1, 2), (3.8, 2), (4.2, 3), (30.0, 3)]
)
def test_an_evening_ends_with_the_song_that_plays_when_its_time_is_up(
    folder: Path, minutes: float | None, songs: int
) -> None:
    long = smf.track(*(smf.note(72, delta=480 * 9) for _ in range(24)))  # two minutes
    (folder / "a.mid").write_bytes(smf.song(long))
    limit = None if minutes is None else 60.0 * minutes
    with evening_of("a", passes=3, limit=limit, pause=0.0) as evening:
        assert len(heard(evening)) == 24 * songs


def test_a_part_that_is_repeated_goes_on_to_its_end_when_the_time_is_up(folder: Path) -> None:
    (folder / "a.mid").write_bytes(smf.song(smf.track(*(smf.note(72, delta=480) for _ in range(12)))))

    def repeat(player: Player) -> None:
        if not looped:
            looped.append(player.set_loop(0.0, 1.0))

    looped: list[Player] = []
    with evening_of("a", limit=6.0) as evening:
        assert 12 < len(heard(evening, repeat)) < 40


def test_no_song_is_begun_that_would_last_far_beyond_the_time(folder: Path) -> None:
    long = smf.track(*(smf.note(72, delta=480 * 9) for _ in range(80)))  # almost seven minutes
    (folder / "b.mid").write_bytes(smf.song(long))
    with evening_of("a", "b", limit=60.0) as evening:
        assert heard(evening) == [72]
    with (
        evening_of("b", limit=60.0) as evening,
        pytest.raises(OptionError, match="too short: b"),
    ):
        evening.check_length(evening.first().piece, 1.0)


WRONG = [
    (["--end", "5"], "--end goes with --loop"),
    (["--loop", "2", "--end", "5"], "--end goes with --loop"),
    (["--seed", "5"], "--seed goes with --shuffle or --mood"),
    (["--loop=0"], "no number of passes"),
    (["--for", "0"], "--for 0 is out of range"),
    (["--pause", "soon"], "is no time: write 90, 1:30"),
    (["--start", "1:99x"], "is no time"),
    (["--save-list", "x.txt"], "must end in .m3u or .m3u8"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_what_does_not_fit_is_a_usage_error(
    folder: Path, xylophone: Callable[..., Ran], options: list[str], words: str
) -> None:
    ran = xylophone("play", "a.mid", *options)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_anthems_and_chimes_are_not_shuffled_in(folder: Path, xylophone: Callable[..., Ran]) -> None:
    ran = xylophone("play", "--mute", "--shuffle", "a.mid", "westminster_1", "god_save_the_king")
    assert ran.code == 0
    assert "left out of the shuffle: god_save_the_king, westminster_1" in ran.err
    ran = xylophone("play", "--mute", "--shuffle", "westminster_1")
    assert (ran.code, ran.err.count("\n")) == (2, 2)
    assert "without --shuffle" in ran.err


def test_loop_takes_a_number_or_none_and_leaves_songs_alone(
    folder: Path, xylophone: Callable[..., Ran]
) -> None:
    ran = xylophone("play", "--mute", "--pause", "0", "--loop", "2", "a.mid", "b.mid")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1].startswith("played 4 strikes")
    assert "no file and no song of the project is called '9'" in xylophone("play", "--loop", "2", "9").err
    (folder / "evening.m3u").write_text("a.mid\ngone.mid\n", "utf-8")
    ran = xylophone("play", "evening.m3u", "b.mid", "--save-list", "new.m3u", "--loop")
    assert (ran.code, ran.out) == (1, "wrote new.m3u: 2 songs\n")
    assert "left out: evening.m3u, line 2: there is no file gone.mid" in ran.err
    assert (folder / "new.m3u").read_text("utf-8") == "#EXTM3U\na.mid\nb.mid\n"


@pytest.mark.parametrize("first", ["bad.mid", "nowhere.mid"])
def test_a_place_in_a_song_that_is_left_out_is_no_place_in_the_next(
    folder: Path, xylophone: Callable[..., Ran], first: str
) -> None:
    """Without that law `a.mid`, which lasts half a second, would be refused."""
    ran = xylophone("play", first, "a.mid", "--start", "1:15", "--backend", "gpio:null")
    assert ran.out.splitlines()[0] == "playing a.mid"
    assert re.search(r"played 1 strikes?|not played: 1 late", ran.out)
    assert ran.err.splitlines()[1] == f"xylophone: {start_gone(75.0)}"
    assert ran.code == 1
