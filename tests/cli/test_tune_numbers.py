"""`xylophone tune` without a terminal or a microphone: show, set, reset, export, import; of real hammers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from xylophone.calibration.file import default_calibration, read_calibration, write_calibration
from xylophone.calibration.values import CURVES, Calibration
from xylophone.instrument import build_instrument
from xylophone.tuning.edits import louder, middle

Run = Callable[..., Any]

DEFAULT = default_calibration(build_instrument())
C6 = DEFAULT.hammers.index("C6")
KEYS = [
    "bar", "channel", "origin", "latency_ms", "latency_softest_ms", "latency_loudest_ms",
    "pulse_softest_ms", "pulse_loudest_ms", "level_softest_db", "level_loudest_db",
    "reaches_softest", "reaches_loudest",
]  # fmt: skip


@pytest.fixture
def xylophone(xylophone: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line for an instrument that is not simulated."""
    monkeypatch.setenv("XYLOPHONE_BACKEND", "gpio:null")
    return xylophone


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where tuning writes when there is no configuration."""
    return tmp_path / "home" / "xylophone" / "calibration.toml"


def one_line(ran: Any, code: int, *words: str) -> None:
    """Assert that a run failed with this code and one line on stderr that holds these words."""
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.count("\n") == 1, ran.err
    for word in words:
        assert word in ran.err


def changed(new: Calibration, old: Calibration = DEFAULT) -> dict[str, set[str]]:
    """Return the curves of each hammer that differ."""
    found: dict[str, set[str]] = {}
    for key in ("level", *CURVES):
        differ = np.abs(getattr(new, key) - getattr(old, key)).max(axis=1) > 1e-9
        for row in np.flatnonzero(differ):
            found.setdefault(new.hammers[row], set()).add(key)
    return found


# show


def test_show_without_a_calibration_shows_default_curves(xylophone: Run) -> None:
    ran = xylophone("tune", "show")
    lines = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert lines[0].startswith("default curves of zye1-0530: nobody has tuned these hammers")
    assert [line.split()[0] for line in lines[4:]] == list(DEFAULT.hammers)
    assert lines[4].split() == ["G4", "0", "default", "18.23", "21.77..15.91", "9.69..14.43", "-17.8..-4.3"]


def test_show_says_which_file_when_and_on_what(xylophone: Run, tmp_path: Path) -> None:
    write_calibration(tmp_path / "c.toml", louder(DEFAULT, C6, 2.0))
    ran = xylophone("tune", "show", "C6", "90", "c6", "--calibration", "c.toml")
    assert ran.out.startswith("c.toml: tuned nobody knows when\n")
    assert [line.split()[0] for line in ran.out.splitlines()[4:]] == ["C6", "F#6"]
    assert "set" in ran.out.splitlines()[4]
    assert ran.out.splitlines()[4].rstrip().endswith("the loudest")
    assert not ran.out.splitlines()[5].rstrip().endswith("est")


def test_show_json_is_as_documented(xylophone: Run, tmp_path: Path) -> None:
    write_calibration(tmp_path / "c.toml", louder(DEFAULT, C6, -2.0))
    report = xylophone("tune", "show", "C6", "G4", "--json", "--calibration", "c.toml").json
    assert list(report) == ["file", "kind", "tuned", "backend", "common_range_db", "hammers"]
    assert (report["file"], report["kind"], report["tuned"]) == ("c.toml", "zye1-0530", None)
    assert all(list(row) == KEYS for row in report["hammers"])
    row = report["hammers"][0]
    assert (row["bar"], row["channel"], row["origin"]) == ("C6", C6, "set")
    assert row["latency_ms"] == pytest.approx(1000 * middle(DEFAULT, C6)[2], abs=1e-4)
    assert (row["reaches_softest"], row["reaches_loudest"]) == (False, True)
    assert report["common_range_db"] == pytest.approx(DEFAULT.common_range())


def test_show_without_a_common_loudness_still_shows(xylophone: Run, tmp_path: Path) -> None:
    apart = DEFAULT
    for row in range(15):
        apart = louder(apart, row, 30.0)
    write_calibration(tmp_path / "c.toml", apart)
    ran = xylophone("tune", "show", "--calibration", "c.toml", "--plot", "c.svg")
    assert (ran.code, len(ran.out.splitlines())) == (0, 34)
    assert "no loudness that nine hammers in ten share" in ran.out
    report = xylophone("tune", "show", "--calibration", "c.toml", "--json").json
    assert report["common_range_db"] is None


def test_show_draws_every_hammer(xylophone: Run, tmp_path: Path) -> None:
    write_calibration(tmp_path / "c.toml", louder(DEFAULT, C6, 2.0))
    for name in ("c.svg", "c.PNG"):
        assert xylophone("tune", "show", "--calibration", "c.toml", "--plot", name).code == 0
    page = ElementTree.parse(tmp_path / "c.svg").getroot()
    svg = "{http://www.w3.org/2000/svg}"
    words = ["".join(text.itertext()) for text in page.iter(f"{svg}text")]
    assert all(words.count(name) == 2 for name in DEFAULT.hammers)
    assert "c.toml: tuned nobody knows when" in words
    dots = {
        path.attrib["stroke"]: path.attrib["d"].count("M")
        for path in page.iter(f"{svg}path")
        if path.get("stroke-linecap") == "round" and path.get("d")
    }
    assert dots == {"#3e5c8a": 30, "#d92d20": 1}  # middles; and C6, which is not loud enough
    spans = [path.attrib["d"].count("M") for path in page.iter(f"{svg}path") if path.get("stroke-opacity")]
    assert spans == [1, 30, 30]  # the legend's, latencies, levels
    assert (tmp_path / "c.PNG").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    one_line(xylophone("tune", "show", "--plot", "c.pdf"), 2, "c.pdf", ".svg or .png")


# set


def test_set_writes_the_file_at_home_and_says_what_changed(xylophone: Run, home: Path) -> None:
    ran = xylophone("tune", "set", "C6", "d6", "--later-ms", "-0.5")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "C6: latency 18.23 -> 17.73 ms, origin default -> set\n"
        "D6: latency 18.23 -> 17.73 ms, origin default -> set\n"
        f"wrote {home}; xylophone tune undo takes it back\n"
    )
    new = read_calibration(home)
    assert changed(new) == {"C6": {"latency"}, "D6": {"latency"}}
    assert datetime.fromisoformat(new.tuned).tzinfo is not None
    assert [name for name, origin in zip(new.hammers, new.origin, strict=True) if origin == "set"] == [
        "C6",
        "D6",
    ]


def test_set_does_several_things_at_once(xylophone: Run, home: Path) -> None:
    options = ["--latency-ms", "18.4", "--min-pulse-ms", "9", "--max-pulse-ms", "15", "--louder-db", "1.5"]
    assert xylophone("tune", "set", "C6", *options).code == 0
    new = read_calibration(home)
    assert changed(new) == {"C6": {"latency", "width", "level"}}
    assert middle(new, C6)[2] == pytest.approx(0.0184, abs=1e-7)
    assert new.width[C6, [0, -1]] == pytest.approx([0.009, 0.015])
    assert new.level[C6] == pytest.approx(DEFAULT.level[C6] - 1.5)


@pytest.mark.parametrize(
    ("option", "ends"), [("--min-pulse-ms", [9.0, 14.4325]), ("--max-pulse-ms", [9.6901, 9.9])]
)
def test_one_pulse_keeps_the_other(xylophone: Run, home: Path, option: str, ends: list[float]) -> None:
    value = ends[0] if option == "--min-pulse-ms" else ends[1]
    assert xylophone("tune", "set", "C6", option, value).code == 0
    assert 1000 * read_calibration(home).width[C6, [0, -1]] == pytest.approx(ends)


def test_set_builds_on_what_is_in_force_and_keeps_it(xylophone: Run, home: Path) -> None:
    xylophone("tune", "set", "C6", "--latency-ms", 18)
    before = home.read_bytes()
    ran = xylophone("tune", "set", "E6", "--latency-ms", 18)
    assert ran.out.endswith(f"wrote {home}; xylophone tune undo takes it back\n")
    assert changed(read_calibration(home)) == {"C6": {"latency"}, "E6": {"latency"}}
    assert xylophone("tune", "undo").code == 0
    assert home.read_bytes() == before


def test_set_writes_where_it_is_told(xylophone: Run, home: Path, tmp_path: Path) -> None:
    xylophone("tune", "set", "C6", "--latency-ms", 18, "--calibration", "mine.toml")
    xylophone("tune", "set", "D6", "--latency-ms", 18, "--calibration", "mine.toml")
    assert changed(read_calibration(tmp_path / "mine.toml")) == {"C6": {"latency"}, "D6": {"latency"}}
    assert not home.exists()
    (tmp_path / "xylophone.toml").write_text('[instrument]\nlayout = "diatonic-15"\n')
    xylophone("tune", "set", "C6", "--latency-ms", 18)
    assert len(read_calibration(tmp_path / "calibration.toml").hammers) == 15


def test_hammers_that_the_instrument_has_not_stay_in_the_file(xylophone: Run, tmp_path: Path) -> None:
    wide = default_calibration(build_instrument("glockenspiel-37"))
    write_calibration(tmp_path / "wide.toml", wide)
    options = ("--calibration", "wide.toml", "--instrument", "glockenspiel")
    assert xylophone("tune", "set", "C6", "--latency-ms", 18, *options).code == 0
    assert changed(read_calibration(tmp_path / "wide.toml"), wide) == {"C6": {"latency"}}


def test_what_is_set_to_what_it_is_writes_nothing(xylophone: Run, home: Path) -> None:
    xylophone("tune", "set", "C6", "--later-ms", 1)
    before = home.stat().st_mtime_ns
    ran = xylophone("tune", "set", "C6", "--later-ms", 0)
    assert ran.out == f"nothing to change: {home} says so already\n"
    assert home.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["C6"], 2, ["nothing to set: give --latency-ms"]),
        (["--latency-ms", "18"], 2, ["BAR"]),
        (["C6", "--latency-ms", "18", "--later-ms", "1"], 2, ["both set the latency: give one"]),
        (["C1", "--latency-ms", "18"], 1, ["no bar C1", "nearest is G4"]),
        (["H6", "--latency-ms", "18"], 2, ["'H6' is no pitch"]),
        (["C6", "--latency-ms", "soon"], 2, ["--latency-ms", "soon"]),
        (["C6", "--latency-ms", "900"], 1, ["latency of C6", "0..500 ms"]),
        (["C6", "--latency-ms", "nan"], 1, ["latency of C6", "0..500 ms"]),
        (["C6", "--later-ms", "-30"], 1, ["latency of C6", "0..500 ms"]),
        (
            ["C6", "--max-pulse-ms", "30"],
            2,
            ["--max-pulse-ms 30", "6..22 ms", "set longest_pulse_ms of"],
        ),
        (
            ["C6", "--min-pulse-ms", "2"],
            2,
            ["--min-pulse-ms 2", "6..22 ms", "set shortest_pulse_ms of"],
        ),
        (["C6", "--min-pulse-ms", "nan"], 2, ["--min-pulse-ms nan", "give one within"]),
        (["C6", "--min-pulse-ms", "15"], 1, ["pulses of C6 from 15 to", "below the loudest"]),
        (["C6", "--louder-db", "50"], 1, ["louder by 50 dB", "give -40..40"]),
        (["C6", "--latency-ms", "300"], 1, ["C6 would be 300.0 ms", "9.1..36.5 ms", "insist with --force"]),
        (["C6", "--later-ms", "19"], 1, ["C6 would be 37.2 ms", "kind zye1-0530"]),
        (["C6", "--louder-db", "40"], 1, ["softest blow of C6 would have -57.8 dB", "--force"]),
        (["C6", "--louder-db", "-13"], 1, ["softest blow of C6", "-29.8..-5.8 dB"]),
        (["C6", "--latency-ms", "18", "--instrument", "diatonic-15"], 2, ["--instrument", "--calibration"]),
    ],
)
def test_what_cannot_be_set_is_told_in_one_line_and_nothing_is_written(
    xylophone: Run, home: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    one_line(xylophone("tune", "set", *arguments), code, *words)
    assert not home.exists()


def test_limits_are_those_of_the_configuration(xylophone: Run, tmp_path: Path) -> None:
    (tmp_path / "xylophone.toml").write_text("[hammers.C6]\nlongest_pulse_ms = 14\n")
    ran = xylophone("tune", "set", "D6", "C6", "--max-pulse-ms", 15)
    one_line(ran, 2, "hammer C6, 6..14 ms", "longest_pulse_ms of [hammers.C6] in xylophone.toml")
    assert xylophone("tune", "set", "D6", "--max-pulse-ms", 15).code == 0


def test_an_edit_that_leaves_no_common_loudness_is_refused(xylophone: Run, home: Path) -> None:
    bars = DEFAULT.hammers[:15]
    one_line(xylophone("tune", "set", *bars, "--louder-db", 30, "--force"), 1, "no common loudness")
    assert not home.exists()


def test_a_broken_file_is_named_and_stays(xylophone: Run, home: Path) -> None:
    home.parent.mkdir(parents=True)
    home.write_text("no = calibration")
    one_line(xylophone("tune", "set", "C6", "--latency-ms", 18), 1, str(home))
    assert home.read_text() == "no = calibration"


def test_a_calibration_of_other_hammers_is_refused(xylophone: Run, tmp_path: Path) -> None:
    other = default_calibration(build_instrument(kind="jf-0530b"))
    write_calibration(tmp_path / "c.toml", other)
    ran = xylophone("tune", "set", "C6", "--latency-ms", 18, "--calibration", "c.toml")
    one_line(ran, 1, "c.toml is for another instrument", "jf-0530b")


@pytest.mark.parametrize("wanted", [["--latency-ms", 300], ["--louder-db", 40], ["--later-ms", 200]])
def test_whoever_insists_may_set_what_no_hammer_is_like(
    xylophone: Run, home: Path, wanted: list[Any]
) -> None:
    assert xylophone("tune", "set", "C6", *wanted, "--force").code == 0
    assert changed(read_calibration(home)).keys() == {"C6"}
    back = [wanted[0], -50 if wanted[0] == "--later-ms" else 18 if wanted[0] == "--latency-ms" else -20]
    assert xylophone("tune", "set", "C6", *back).code == 0, "a step towards the usual needs no force"


# reset


def test_reset_gives_the_default_curves_to_these_hammers(xylophone: Run, home: Path) -> None:
    xylophone("tune", "set", "C6", "D6", "--later-ms", 1)
    ran = xylophone("tune", "reset", "C6")
    assert ran.out.startswith("C6: latency 19.23 -> 18.23 ms, origin set -> default\nwrote ")
    assert changed(read_calibration(home)) == {"D6": {"latency"}}
    assert xylophone("tune", "reset", "--all").out.startswith("D6: latency 19.23 -> 18.23 ms")
    assert changed(read_calibration(home)) == {}


def test_reset_without_a_file_has_nothing_to_do(xylophone: Run, home: Path) -> None:
    ran = xylophone("tune", "reset", "--all")
    assert (ran.code, ran.out) == (
        0,
        f"nothing to change: there is no {home}, all hammers are untuned\n",
    )
    assert not home.exists()


def test_reset_wants_bars_or_all(xylophone: Run) -> None:
    for arguments in ([], ["C6", "--all"]):
        one_line(xylophone("tune", "reset", *arguments), 2, "name the bars to reset, or give --all")


def test_reset_of_some_needs_as_many_knots(xylophone: Run, tmp_path: Path) -> None:
    few = replace(DEFAULT, **{key: getattr(DEFAULT, key)[:, ::9] for key in ("level", *CURVES)})
    write_calibration(tmp_path / "few.toml", few)
    one_line(
        xylophone("tune", "reset", "C6", "--calibration", "few.toml"),
        1,
        "28 knots, and few.toml has 4",
        "tune reset --all",
    )
    assert xylophone("tune", "reset", "--all", "--calibration", "few.toml").code == 0
    assert changed(read_calibration(tmp_path / "few.toml")) == {}


# export and import


@pytest.mark.parametrize("name", ["c.json", "C.JSON"])
def test_what_is_exported_is_imported_exactly(xylophone: Run, home: Path, tmp_path: Path, name: str) -> None:
    xylophone("tune", "set", "C6", "--later-ms", 1, "--louder-db", 0.5)
    set_by_hand = read_calibration(home)
    assert xylophone("tune", "export", name).out == f"wrote {name}: 30 hammers of kind zye1-0530\n"
    xylophone("tune", "reset", "--all")
    ran = xylophone("tune", "import", name)
    assert ran.out.startswith("C6: latency 18.23 -> 19.23 ms, level of its pulses ")
    back = read_calibration(home)
    for key in ("level", *CURVES):
        assert np.array_equal(getattr(back, key), getattr(set_by_hand, key))
    assert back.origin == set_by_hand.origin
    assert xylophone("tune", "import", name).out == f"nothing to change: {home} says so already\n"
    assert xylophone("tune", "undo").code == 0
    assert changed(read_calibration(home)) == {}


def test_export_to_stdout(xylophone: Run) -> None:
    assert xylophone("tune", "export").json["format"] == "xylophone-calibration"
    assert xylophone("tune", "export", "-", "--format", "csv").out.startswith("hammer,origin,level_db,")


def test_a_format_is_chosen_by_the_option_where_the_name_says_none(xylophone: Run, tmp_path: Path) -> None:
    one_line(xylophone("tune", "export", "c.txt"), 2, "'.txt'", "none of .json and .csv", "--format")
    for form in ("csv", "json"):
        assert xylophone("tune", "export", "c.txt", "--format", form).code == 0
    assert json.loads((tmp_path / "c.txt").read_text())["format"] == "xylophone-calibration"


def test_import_of_terms_is_told(xylophone: Run, home: Path, tmp_path: Path) -> None:
    document = xylophone("tune", "export").json
    document["supply"]["per_ampere"] = 0.02
    (tmp_path / "c.json").write_text(json.dumps(document))
    ran = xylophone("tune", "import", "c.json")
    assert ran.out == f"all hammers: other supply\nwrote {home}; xylophone tune undo takes it back\n"
    assert read_calibration(home).supply.per_ampere == 0.02


def test_a_file_that_does_not_fit_is_named_and_nothing_is_written(
    xylophone: Run, home: Path, tmp_path: Path
) -> None:
    document = xylophone("tune", "export").json
    document["hammers"]["G4"]["width_ms"][0] = "long"
    (tmp_path / "c.json").write_text(json.dumps(document))
    one_line(xylophone("tune", "import", "c.json"), 1, "c.json: hammers.G4.width_ms is ['long', ", "mend it")
    assert xylophone("tune", "export", "c.csv").code == 0
    one_line(xylophone("tune", "import", "c.csv"), 1, "c.csv: line 1, column 1: this is no JSON")
    (tmp_path / "c.json").write_text("{}")
    one_line(xylophone("tune", "import", "c.json"), 1, "c.json: this is no calibration", "tune export")
    one_line(xylophone("tune", "import", "gone.json"), 1, "gone.json", "no such file")
    one_line(xylophone("tune", "export", "no/where.csv"), 1, "no/where.csv", "folder does not exist")
    assert not home.exists()
