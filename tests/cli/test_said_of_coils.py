"""What is said of coils at the end, by real processes: never "all coils are off" when nobody confirmed it.

All cases run at once, a few at a time; each test looks at one.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import mido
import pytest

import programs
from cli.scenes import End, Scene
from firmware.building import built
from xylophone.backends.contract import Coils
from xylophone.link.messages import SILENCE

AT_ONCE = 3

FAULTS: dict[str, Callable[[Scene], None]] = {
    "none": lambda scene: None,
    "stopped": lambda scene: programs.stand_still(scene.board.pid),
    "killed": Scene.kill_board,
    "unplugged": Scene.pull_cable,
    "garbled": lambda scene: setattr(scene.cable, "garbled", True),
}

ENDS: dict[str, Callable[[Scene], None]] = {
    "q": lambda scene: scene.press(b"q"),
    "Ctrl-C": lambda scene: scene.player.send_signal(signal.SIGINT),
    "TERM": lambda scene: scene.player.send_signal(signal.SIGTERM),
    "end": lambda scene: None,
    "off": lambda scene: None,
}

STATE = {
    "none": Coils.OFF,
    "stopped": Coils.UNCONFIRMED,
    "killed": Coils.OFF_BY_LIMIT,
    "unplugged": Coils.OFF_BY_LIMIT,
    "garbled": Coils.UNCONFIRMED,
}

CODES = {"q": 0, "Ctrl-C": 130, "TERM": 143, "end": 0, "off": 4}
"""Exit codes of the player where something is known of its coils; else 1, but for what `off` has ended."""

OFF = {Coils.OFF: 0, Coils.OFF_BY_LIMIT: 3, Coils.UNCONFIRMED: 1}
"""Exit code of `xylophone off` itself."""

CASES = [
    (faults[turn % len(faults)], end)
    for faults in (("none",), ("killed", "unplugged"), ("stopped", "garbled"))
    for turn, end in enumerate(ENDS)
]
"""Each end where the coils are off, off by the board's own limit, and in a state that nobody knows: faults
that leave the same are taken by turns."""

Ends = dict[tuple[str, str], "Future[tuple[End, End | None, int]]"]


@pytest.fixture(scope="module")
def program() -> Path:
    """The virtual board."""
    return built("virtual-board") / "xylophone-virtual-board"


def tune(folder: Path, seconds: float) -> Path:
    """Write a song of eight strikes a second."""
    track = mido.MidiTrack()
    for number in range(round(8 * seconds)):
        pitch = 72 + number % 12
        track.append(mido.Message("note_on", note=pitch, velocity=90, time=0))
        track.append(mido.Message("note_off", note=pitch, time=120))
    mido.MidiFile(tracks=[track]).save(folder / "tune.mid")
    return folder / "tune.mid"


def played_out(program: Path, folder: Path, fault: str, end: str) -> tuple[End, End | None, int]:
    """Play, have trouble, and end; return how the player and `off` ended, and which outputs are on after."""
    scene = Scene(program, folder, cable=fault in ("unplugged", "garbled"))
    try:
        scene.play(str(tune(folder, 4 if end == "end" else 60)))
        FAULTS[fault](scene)
        if fault in ("killed", "unplugged"):
            scene.wait(lambda: "the board is gone" in scene.said())
        ENDS[end](scene)
        off = scene.run("off") if end == "off" else None
        player = scene.ended()
        if fault == "unplugged":
            scene.wait(lambda: scene.outputs() == 0)
        return player, off, scene.outputs()
    finally:
        scene.close()


@pytest.fixture(scope="module")
def ends(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Ends:
    """How each case ended."""
    folder = tmp_path_factory.mktemp("scenes")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {
            (fault, end): pool.submit(played_out, program, folder / f"{fault}-{end}", fault, end)
            for fault, end in CASES
        }


@pytest.mark.parametrize(("fault", "end"), CASES)
def test_words_and_exit_codes_are_those_of_what_is_known(ends: Ends, fault: str, end: str) -> None:
    player, off, outputs = ends[fault, end].result()
    state = STATE[fault]
    told = [(player, CODES[end] if state is not Coils.UNCONFIRMED or end == "off" else 1)]
    told += [] if off is None else [(off, OFF[state])]
    if player.code == -signal.SIGKILL:  # this machine was too busy for it to answer in time
        assert off is not None
        assert "killed process" in off.said
        told = told[1:]
    for command, code in told:
        assert str(state) in command.said
        assert not [other for other in Coils if other is not state and str(other) in command.said]
        assert command.code == code, command.said
        assert "Traceback" not in command.said
    if fault in ("none", "unplugged"):
        assert outputs == 0


def test_no_case_says_that_coils_are_off_which_nobody_confirmed(ends: Ends) -> None:
    """The figure of the fault matrix, in one number."""
    said = [
        (case, command)
        for case, found in ends.items()
        for command in found.result()[:2]
        if command is not None and str(Coils.OFF) in command.said
    ]
    assert {case[0] for case, _ in said} == {"none"}
    assert SILENCE <= 1.0
