"""The pytest plugin, used as its users use it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import programs
from xylophone.clock import VirtualClock
from xylophone.errors import InstrumentError
from xylophone.testing import SimulatedXylophone


def test_a_hammer_is_never_struck_before_it_is_ready(simulated_xylophone: SimulatedXylophone) -> None:
    performance = simulated_xylophone.play([("C6", 0.000), ("C6", 0.020)])
    assert performance.times("C6") == pytest.approx([0.000], abs=0.003)
    assert performance.refused[0].why == "hammer C6 is ready again at 0.070 s"


def test_a_song_of_the_project_is_heard_whole(simulated_xylophone: SimulatedXylophone) -> None:
    summary = simulated_xylophone.play("ode_to_joy").summary()
    assert summary["heard"] == summary["strikes"] > 100
    assert summary["timing_error"]["p95"] < 0.0005


def test_louder_notes_are_louder_and_hammers_that_differ_differ(
    simulated_xylophone: SimulatedXylophone,
) -> None:
    notes = [("C6", 0.0, 30), ("C6", 1.0, 120)]
    soft, loud = simulated_xylophone.play(notes).levels("C6")
    assert loud - soft > 6
    rough = simulated_xylophone.with_(tolerance=1.0, scatter=1.0, seed=4)
    one, other = rough.play(notes), rough.play(notes)
    assert one.times("C6") == other.times("C6") != simulated_xylophone.play(notes).times("C6")


def test_an_unknown_bar_is_named(simulated_xylophone: SimulatedXylophone) -> None:
    with pytest.raises(InstrumentError, match="no bar C2"):
        simulated_xylophone.play([("C2", 0.0)])


def test_the_virtual_clock_moves_only_when_waited_on(virtual_clock: VirtualClock) -> None:
    rung: list[float] = []
    virtual_clock.at(2.0, lambda: rung.append(virtual_clock.now()))
    assert virtual_clock.now() == 0.0
    virtual_clock.wait_until(3600.0)
    assert (virtual_clock.now(), rung) == (3600.0, [2.0])


def test_the_plugin_loads_nothing_heavy_into_other_suites(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_light():\n"
        "    assert not {'numpy', 'mido', 'rich', 'pydantic'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xylophone.testing", str(tmp_path)]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = programs.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=alone)
    assert run.returncode == 0, run.stdout
