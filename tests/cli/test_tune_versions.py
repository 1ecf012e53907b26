"""`xylophone tune undo`, `log` and `diff`; what is tuned of simulated hammers and of several instruments."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.hearing import CONFIG, refused
from xylophone.calibration.file import default_calibration, read_calibration, write_calibration
from xylophone.calibration.values import CURVES
from xylophone.cli.tune.versions import at_one_moment
from xylophone.config import load_settings
from xylophone.files import read_bytes
from xylophone.instrument import build_instrument
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.tuning.edits import middle
from xylophone.tuning.keeping import Versions

Run = Callable[..., Any]

DEFAULT = default_calibration(build_instrument())
C6 = DEFAULT.hammers.index("C6")


@pytest.fixture
def real(xylophone: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line for an instrument that is not simulated."""
    monkeypatch.setenv("XYLOPHONE_BACKEND", "gpio:null")
    return xylophone


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where tuning writes when there is no configuration."""
    return tmp_path / "home" / "xylophone" / "calibration.toml"


def later(path: Path) -> float:
    """Return by how many ms C6 is later than the default; 0 where nothing is tuned."""
    if not path.exists():
        return 0.0
    return round(1e3 * (middle(read_calibration(path), C6)[2] - middle(DEFAULT, C6)[2]), 3)


def test_undo_goes_back_step_by_step_to_never_tuned(real: Run, home: Path) -> None:
    for _ in range(11):
        real("tune", "set", "C6", "--later-ms", 0.1)
    said = [real("tune", "undo").out for _ in range(11)]
    assert said[0] == f"{home} is version 10 again; xylophone tune undo --to 11 returns to what it was\n"
    assert said[-1] == (
        f"there is no {home} any more: all hammers are untuned; "
        "xylophone tune undo --to 1 returns to what it was\n"
    )
    refused(real("tune", "undo"), 1, f"there is no {home}", "nothing can be taken back", "tune log lists")
    assert real("tune", "undo", "--to", 7).code == 0
    assert later(home) == 0.7
    assert real("tune", "undo", "--to", 7).out == f"nothing to change: version 7 of {home} is in force\n"


def test_undo_of_nothing_makes_nothing(real: Run, tmp_path: Path) -> None:
    refused(real("tune", "undo"), 1, "calibration.toml: nothing is tuned, so nothing can be taken back")
    refused(real("tune", "undo", "--to", 3), 1, "version 3 of ", "is not kept: xylophone tune log lists")
    assert real("tune", "undo", "--to", 0).out.startswith("nothing to change: there is no ")
    refused(real("tune", "undo", "--to", -1), 2, "-1")
    assert not (tmp_path / "home").exists()


def test_the_command_that_takes_back_is_said_as_it_must_be_given(real: Run, tmp_path: Path) -> None:
    ran = real(
        "tune", "set", "C6", "--later-ms", 1, "--calibration", "my file.toml", "--backend", "sim:?seed=3"
    )
    undo = re.search(r"wrote my file\.toml; xylophone (.*) takes it back", ran.out)
    assert undo
    assert undo[1] == "tune undo --calibration 'my file.toml' --backend 'sim:?seed=3'"
    assert real("tune", "undo", "--calibration", "my file.toml", "--backend", "sim:?seed=3").code == 0
    assert not (tmp_path / "my file.toml").exists()


def test_log_lists_what_is_kept(real: Run, home: Path) -> None:
    assert real("tune", "log").out == f"there is no {home}, all hammers are untuned\n"
    real("tune", "set", "C6", "D6", "--later-ms", 0.1)
    real("tune", "set", "C6", "--later-ms", 0.1)
    real("tune", "undo")
    real("tune", "set", "C6", "D6", "E6", "F6", "G6", "--later-ms", 0.3)
    home.write_text(home.read_text() + "# a remark\n")
    (home.with_name("calibration.versions") / "2-after-1.toml").write_text("broken")
    lines = real("tune", "log").out.splitlines()
    assert lines[:2] == [f"version 4 of {home} is in force", ""]
    cells = [re.split(r" {2,}", line.strip()) for line in lines[2:]]
    assert cells[0] == ["version", "from", "tuned", "on", "changed"]
    assert [line[0] for line in lines[3:]] == ["*", " ", " ", " ", " "]
    assert cells[1][:3] == ["*", "4", "3"]
    assert cells[2][:2] == ["3", "1"]
    assert cells[2][-1] == "5 hammers"
    assert cells[3] == ["2", "1", "broken"]
    assert (cells[4][:2], cells[4][-1]) == (["1", "0"], "30 hammers")
    assert cells[5] == ["0", "never"]


def test_a_version_that_is_no_text_is_broken_and_the_others_are_listed(real: Run, home: Path) -> None:
    for _ in range(3):
        real("tune", "set", "C6", "--later-ms", 0.1)
    (home.with_name("calibration.versions") / "2-after-1.toml").write_bytes(b"\xff\xfe")
    lines = real("tune", "log").out.splitlines()
    assert [line.split()[:3] for line in lines[4:6]] == [
        ["2", "1", "broken"],
        ["1", "0", lines[5].split()[2]],
    ]
    refused(real("tune", "undo"), 1, "2-after-1.toml: byte 0 is no UTF-8 text")


def test_what_is_listed_is_of_one_moment_whoever_writes_meanwhile(real: Run, home: Path) -> None:
    """A version that is just put in force gets another name; it is not broken, and not missing, by that."""
    real("tune", "set", "C6", "--later-ms", 0.1)
    settled = home.with_name("calibration.versions") / "1-after-0.toml"
    settled.rename(f"{settled}.new")  # as `tune set` leaves it for an instant
    seen = []

    def look(versions: Versions) -> list[bytes]:
        seen.append([one.file.name for one in versions.known])
        if len(seen) == 1:
            Path(f"{settled}.new").rename(settled)
        return [read_bytes(one.file) for one in versions.known]

    versions, (content,) = at_one_moment(home, look)
    assert seen == [["1-after-0.toml.new"], ["1-after-0.toml"]]
    assert (versions.present, content) == (1, home.read_bytes())


def test_diff_says_what_undo_would_take_back_or_how_two_differ(real: Run, home: Path) -> None:
    refused(real("tune", "diff"), 1, "nothing is tuned")
    real("tune", "set", "C6", "--later-ms", 1)
    real("tune", "set", "D6", "--later-ms", 1)
    assert real("tune", "diff").out == (
        f"from version 1 to 2 of {home}:\nD6: latency 18.23 -> 19.23 ms, origin default -> set\n"
    )
    first = "C6: latency 18.23 -> 19.23 ms, origin default -> set"
    second = "D6: latency 18.23 -> 19.23 ms, origin default -> set"
    assert real("tune", "diff", 0).out == f"from version 0 to 2 of {home}:\n{first}\n{second}\n"
    assert real("tune", "diff", 0, 1).out == f"from version 0 to 1 of {home}:\n{first}\n"
    assert real("tune", "diff", 2).out == f"from version 2 to 2 of {home}:\nno difference\n"
    refused(real("tune", "diff", 9), 1, "version 9 of ", "is not kept")


def test_versions_with_other_hammers_can_be_compared(real: Run, tmp_path: Path) -> None:
    write_calibration(tmp_path / "c.toml", default_calibration(build_instrument("glockenspiel-37")))
    options = ("--calibration", "c.toml", "--instrument", "glockenspiel")
    ran = real("tune", "reset", "--all", *options)
    assert ran.code == 0
    assert "C5: no longer there\n" in ran.out
    assert "C5: was not there\n" in real("tune", "diff", 2, 1, *options).out


# simulated hammers


def test_simulated_hammers_are_changed_from_what_their_bench_measures(xylophone: Run, tmp_path: Path) -> None:
    bench = measure(Twin(build_instrument()))
    shown = {row["bar"]: row["latency_ms"] for row in xylophone("tune", "show", "--json").json["hammers"]}
    assert shown["C6"] == pytest.approx(1e3 * middle(bench, C6)[2], abs=1e-3)
    assert xylophone("tune", "set", "C6", "--later-ms", 0.1).code == 0
    path = tmp_path / "home" / "xylophone" / "calibration-sim.toml"
    new = read_calibration(path)
    assert middle(new, C6)[2] - middle(bench, C6)[2] == pytest.approx(1e-4, abs=2e-7)
    for key in ("level", *CURVES):
        others = np.delete(getattr(new, key) - getattr(bench, key), C6, axis=0)
        assert np.abs(others).max() <= (6e-4 if key == "level" else 6e-8)
    assert xylophone("tune", "reset", "C6").code == 0
    assert xylophone("tune", "diff", 0).out.splitlines()[1:] == ["no difference"]


def test_a_nudge_makes_no_strike_miss(xylophone: Run) -> None:
    xylophone("tune", "set", "C6", "--later-ms", 0.1)
    summary = xylophone("simulate", "greensleeves", "--json").json["summary"]
    assert (summary["strikes"], summary["heard"], summary["missed"]) == (463, 463, 0)


def test_other_simulated_hammers_have_a_calibration_of_their_own(xylophone: Run, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "xylophone"
    third = ("--backend", "sim:?seed=3")
    assert xylophone("tune", "set", "C6", "--later-ms", 0.1, *third).code == 0
    assert (folder / "calibration-sim-seed-3.toml").exists()
    assert not (folder / "calibration-sim.toml").exists()
    assert xylophone("tune", "undo", *third).code == 0


# several instruments


def test_instruments_side_by_side_have_files_of_their_own(real: Run, tmp_path: Path) -> None:
    for name in ("xylophone", "alma", "berta"):
        (tmp_path / f"{name}.toml").write_text(CONFIG)
        real("tune", "set", "C6", "--later-ms", 1, "--config", f"{name}.toml")
    written = {"calibration.toml", "alma.calibration.toml", "berta.calibration.toml"}
    assert {path.name for path in tmp_path.glob("*calibration.toml")} == written
    assert load_settings(Path("alma.toml"), backend="serial:auto").calibration == Path(
        "alma.calibration.toml"
    )


@pytest.mark.parametrize("command", [
    ["set", "C6", "--later-ms", "1"], ["reset", "C6"], ["import", "c.json"], ["auto"], ["auto", "--dry-run"],
    ["auto", "--blind"], ["auto", "--from-wav", "no.wav", "--plan", "no.json"],
])  # fmt: skip
def test_every_command_that_writes_refuses_the_file_of_another_instrument(
    xylophone: Run, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "xylophone.toml").write_text(CONFIG)
    (tmp_path / "c.json").write_text(xylophone("tune", "export").out)
    path = tmp_path / "calibration-sim.toml"
    for other in (build_instrument("diatonic-15"), build_instrument(kind="jf-0530b")):
        write_calibration(path, default_calibration(other))
        before = path.read_bytes()
        ran = xylophone("tune", *command)
        assert (ran.code, ran.out) == (1, "")
        refused(
            ran, 1, f"calibration-sim.toml is for another instrument, {len(other)} {other.kind.name} hammers",
            "not 6 zye1-0530 hammers G4..C7", "tune this one into a file of its own",
        )  # fmt: skip
        assert path.read_bytes() == before


def test_undo_refuses_a_version_of_another_instrument(xylophone: Run, tmp_path: Path) -> None:
    path = tmp_path / "calibration-sim.toml"
    write_calibration(path, default_calibration(build_instrument("diatonic-15")))
    (tmp_path / "xylophone.toml").write_text('[instrument]\nlayout = "diatonic-15"\n')
    xylophone("tune", "set", "C6", "--later-ms", 0.1)
    (tmp_path / "xylophone.toml").write_text(CONFIG)
    before = path.read_bytes()
    refused(
        xylophone("tune", "undo"), 1, "1-after-0.toml is for another instrument, 15 zye1", "not 6 zye1-0530"
    )
    assert path.read_bytes() == before
