from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from xylophone.calibration.file import (
    calibration_for,
    calibration_text,
    default_calibration,
    read_calibration,
    write_calibration,
)
from xylophone.calibration.values import CURVES, Calibration, SupplyTerms, WarmthTerms
from xylophone.errors import CalibrationError, FileError
from xylophone.instrument import KINDS, build_instrument

SONG_BELL = build_instrument()
NAMES = tuple(hammer.name for hammer in SONG_BELL.hammers)
SUPPLY = SupplyTerms(per_ampere=0.0123456789, lag=0.00012345, width_slope=-0.25, latency_slope=0.5)
WARMTH = WarmthTerms(per_second=0.923, time_constant=600.0, loss_per_kelvin=0.00393)


def calibration(names: tuple[str, ...] = NAMES, kind: str = "zye1-0530", knots: int = 6) -> Calibration:
    rng = np.random.default_rng(7)
    shape = (len(names), knots)
    rising = np.linspace(0.0, 1.0, knots) + rng.uniform(0, 0.1, (len(names), 1))
    curves = {key: rng.normal(0, 1e-3, shape) for key in CURVES}
    curves |= {"width": 0.009 + 0.006 * rising, "latency": 0.024 - 0.008 * rising}
    level = -20.123456 + 21.0 * rising
    return Calibration(
        kind=kind,
        hammers=names,
        level=level,
        supply=SUPPLY,
        warmth=WARMTH,
        rest_time=9.5,
        rest_coupling=1.75,
        **curves,
    )


def changed(path: Path, change: Callable[[str], str]) -> Path:
    """Write a good file, then the change of its text."""
    write_calibration(path, calibration(("C6", "F#6")))
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before
    return path


def test_what_is_written_is_read_again_within_the_rounding(tmp_path: Path) -> None:
    written = replace(
        calibration(),
        origin=("measured",) * 29 + ("set",),
        tuned="2026-03-01T20:15:00+01:00",
        backend="gpio:595",
    )
    write_calibration(tmp_path / "c.toml", written)
    read = read_calibration(tmp_path / "c.toml")
    assert np.abs(read.level - written.level).max() <= 0.000_501
    for key in CURVES:
        assert np.abs(getattr(read, key) - getattr(written, key)).max() <= 0.501e-7
    assert (read.kind, read.hammers, read.origin) == (written.kind, written.hammers, written.origin)
    assert (read.tuned, read.backend) == (written.tuned, "gpio:595")
    assert (read.warmth, read.rest_time, read.rest_coupling) == (written.warmth, 9.5, 1.75)
    assert read.supply.per_ampere == pytest.approx(SUPPLY.per_ampere, rel=1e-5)
    assert read.supply.lag == pytest.approx(SUPPLY.lag, abs=0.51e-7)
    assert read.supply.width_slope == SUPPLY.width_slope


def test_writing_what_was_read_gives_the_same_text(tmp_path: Path) -> None:
    write_calibration(tmp_path / "c.toml", calibration())
    assert calibration_text(read_calibration(tmp_path / "c.toml")) == (tmp_path / "c.toml").read_text()


def test_the_file_can_be_read_by_people() -> None:
    text = calibration_text(calibration(("C6", "F#6"), knots=2))
    assert text.startswith("# Calibration of 2 zye1-0530 hammers C6..F#6. Written by the program")
    assert '[hammers."F#6"]' in text
    assert "[hammers.C6]" in text
    assert "per_ampere = 0.0123457 " in text
    assert max(map(len, text.splitlines())) < 100
    assert "e-" not in text.split("[hammers", 1)[1]


@pytest.mark.parametrize(
    ("version", "lacking"), [(1, ("tuned", "backend", "measured", "rest_coupling")), (2, ("rest_coupling",))]
)
def test_a_file_of_an_older_version_is_read(tmp_path: Path, version: int, lacking: tuple[str, ...]) -> None:
    def older(text: str) -> str:
        lines = [line for line in text.splitlines() if not line.startswith(lacking)]
        return "\n".join(lines).replace("version = 3", f"version = {version}")

    read = read_calibration(changed(tmp_path / "c.toml", older))
    assert (read.hammers, read.tuned, read.backend) == (("C6", "F#6"), "", "")
    assert read.rest_coupling == 0.0
    assert "version = 3" in calibration_text(read)


def test_a_file_of_version_2_plays_as_ever(tmp_path: Path) -> None:
    """Rest and loss are added, and nothing more, where their coupling was never measured."""

    def older(text: str) -> str:
        lines = [line for line in text.splitlines() if not line.startswith("rest_coupling")]
        return "\n".join(lines).replace("version = 3", "version = 2")

    c = read_calibration(changed(tmp_path / "c.toml", older))
    loss, rested = 0.04, 0.7
    width = c.width + loss * (c.width_loss + loss * c.width_loss2) + rested * c.width_rest
    latency = c.latency + loss * (c.latency_loss + loss * c.latency_loss2) + rested * c.latency_rest
    assert np.array_equal(c.width_at(np.array(loss), rested), width)
    assert np.array_equal(c.latency_at(np.array(loss), rested), latency)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 3", "version = 4", "version 4 is newer than this program, which reads 1..3: install"),
        ("version = 3", "version = true", "version True is no version"),
        ("version = 3", "", "version None is no version"),
        ('kind = "zye1-0530"', "kind = 3", "kind is 3: it must be a name in quotes"),
        ("rest_time = 9.5", "rest_time = 0", "rest_time is 0: it must be a number 0.01..3600"),
        ("rest_time = 9.5", "rest_tme = 9.5", "unknown key rest_tme: did you mean rest_time?"),
        ("rest_time = 9.5", "", "rest_time is missing: add it, or tune again"),
        ("rest_coupling = 1.75", "rest_coupling = -1", "rest_coupling is -1: it must be a number 0..10"),
        ("rest_coupling = 1.75", "", "rest_coupling is missing: add it, or tune again"),
        ("version = 3", "version = 2", "unknown key rest_coupling: did you mean rest_time"),
        ("per_ampere = 0.0123457", "per_ampere = nan", "supply.per_ampere is nan: it must be a number 0..1"),
        ("lag_ms", "lag", "unknown key supply.lag: did you mean lag_ms?"),
        ("time_constant = 600.0", 'time_constant = "long"', "warmth.time_constant is 'long'"),
        ("latency_ms", "latency", "unknown key hammers.C6.latency: did you mean latency_ms?"),
        ("width_ms = [", "width_ms = [1.0, ", "hammers.C6.width_ms has 7 knots and level_db 6"),
        ("width_ms = [", "width_ms = [false, ", "width_ms is .False, .*: it must be a list of numbers"),
        ("width_ms = [", "width_ms = [nan, ", "width_ms is .nan, .*: it must be a list of numbers"),
        (
            "level_db = [",
            f"level_db = [1{'0' * 400}, ",
            "level_db is .1000.*: it must be a list of numbers",
        ),
        ("[hammers.C6]", "[hammers.H6]", "hammers.H6: 'H6' is no pitch"),
        ("[hammers.C6]", "[hammers.Gb6]", "hammers.F#6 is the bar F#6, which has a table: take one out"),
        (
            'origin = "default"',
            'origin = "guess"',
            "hammers.C6.origin 'guess' must be one of default, measured",
        ),
        ("rest_time = 9.5  # s", "rest_time = ", "this is no TOML, Invalid value.*line 9, column"),
    ],
)
def test_a_mistake_is_named_with_the_file(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = changed(tmp_path / "c.toml", lambda text: text.replace(old, new, 1))
    with pytest.raises(CalibrationError) as caught:
        read_calibration(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    with pytest.raises(CalibrationError, match=message.replace("?", r"\?")):
        read_calibration(path)


def test_curves_that_no_hammer_has_are_refused_with_the_file(tmp_path: Path) -> None:
    path = changed(tmp_path / "c.toml", lambda text: text.replace("width_ms = [", "width_ms = [9.0, 90.0] #"))
    with pytest.raises(CalibrationError, match=r"hammers\.C6\.width_ms has 2 knots"):
        read_calibration(path)
    path = changed(tmp_path / "d.toml", lambda text: text.replace("level_db = [", "level_db = [99.0, ] #"))
    with pytest.raises(CalibrationError, match=r"width_ms has 6 knots and level_db 1"):
        read_calibration(path)


@pytest.mark.parametrize("hammers", ["hammers = 3", "hammers = {}", "hammers = {C6 = 3}"])
def test_a_file_without_hammers_is_refused(tmp_path: Path, hammers: str) -> None:
    path = changed(tmp_path / "c.toml", lambda text: f"{hammers}\n{text.split('[hammers', 1)[0]}")
    with pytest.raises(CalibrationError, match=r"must be (one or more tables|a table)"):
        read_calibration(path)


def test_a_missing_file_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        read_calibration(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "broken",
    [
        replace(calibration(), supply=replace(SUPPLY, per_ampere=math.nan)),
        replace(calibration(), level=np.cumsum(np.full((30, 6), 1e-5), axis=1)),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, broken: Calibration) -> None:
    with pytest.raises(CalibrationError, match="cannot write"):
        write_calibration(tmp_path / "c.toml", broken)
    assert list(tmp_path.iterdir()) == []


def test_names_in_any_letters_are_kept(tmp_path: Path) -> None:
    named = replace(calibration(), tuned="café 😀 春", backend="serial:///dev/ttyÄ")
    write_calibration(tmp_path / "c.toml", named)
    read = read_calibration(tmp_path / "c.toml")
    assert (read.tuned, read.backend) == (named.tuned, named.backend)


def test_a_file_that_covers_more_hammers_serves_the_instrument(tmp_path: Path) -> None:
    more = tuple(hammer.name for hammer in build_instrument("glockenspiel-37").hammers)
    fewer = build_instrument("glockenspiel")
    whole = calibration(more)
    write_calibration(tmp_path / "c.toml", whole)
    chosen = calibration_for(fewer, tmp_path / "c.toml")
    assert chosen.hammers == tuple(hammer.name for hammer in fewer.hammers)
    assert chosen.level[0, 0] == pytest.approx(whole.level[more.index("G5"), 0], abs=0.001)


@pytest.mark.parametrize(
    ("kind", "layout", "message"),
    [
        ("zye1-0530", "glockenspiel", r"not 30 zye1-0530 hammers G5\.\.C8: it lacks C#7; tune this one"),
        (
            "jf-0530b",
            "song-bell",
            r"not 30 jf-0530b hammers G4\.\.C7; tune this one into a file of its own: name it with --cal",
        ),
    ],
)
def test_calibration_of_another_instrument_is_refused(
    tmp_path: Path, kind: str, layout: str, message: str
) -> None:
    write_calibration(tmp_path / "c.toml", calibration())
    with pytest.raises(CalibrationError, match=message) as caught:
        calibration_for(build_instrument(layout, kind), tmp_path / "c.toml")
    assert "c.toml is for another instrument, 30 zye1-0530 hammers G4..C7" in str(caught.value)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_default_calibration(kind: str) -> None:
    instrument = build_instrument("music-box-c", kind)
    found = calibration_for(instrument, None)
    assert found.kind == kind
    assert found.hammers == tuple(hammer.name for hammer in instrument.hammers)
    assert set(found.origin) == {"default"}
    assert (found.level == found.level[0]).all()
    low, high = default_calibration(instrument).common_range()
    assert 3 < high - low < 40


def complaint_about(path: Path) -> str:
    try:
        read_calibration(path)
    except CalibrationError as error:
        return str(error)
    return "none"


JUNK = st.recursive(
    st.integers() | st.floats() | st.booleans() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@examples(60)
@given(
    key=st.sampled_from(["version", "kind", "rest_time", "supply", "warmth", "hammers", "other"]),
    value=JUNK,
)
def test_junk_is_never_anything_but_a_calibration_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    import tomlkit

    path = tmp_path_factory.mktemp("junk") / "c.toml"
    content = tomlkit.loads(calibration_text(calibration(("C6", "F#6")))).unwrap()
    content[key] = value
    path.write_text(tomlkit.dumps(content), encoding="utf-8")
    complaint = complaint_about(path)
    assert complaint.startswith((f"{path}: ", "none"))
    assert "\n" not in complaint
