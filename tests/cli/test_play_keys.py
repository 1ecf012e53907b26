"""The keys of play: a step is as large as docs/cli.md says, and its opposite takes it back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from player.pieces import Stage, piece
from xylophone.cli.play import KEYS

STEPS = {"+": 1.05, "-": 1 / 1.05}


def speed_after(keys: str) -> float:
    """Return the speed of a player at which these keys were pressed, a second apart."""
    stage, speeds = Stage(), []
    stage.player.play(piece([float(n) for n in range(30)]))
    for n, key in enumerate(keys):
        stage.clock.at(1.0 + n, lambda key=key: KEYS[key][0](stage.player))
    stage.clock.at(1.5 + len(keys), lambda: speeds.append(stage.player.snapshot().speed))
    stage.hits()
    return speeds[0]


@pytest.mark.parametrize("keys", ["+", "-", "++", "+-", "-+", "---", "++-+"])
def test_a_key_steps_the_speed_by_five_per_cent_and_its_opposite_takes_it_back(keys: str, root: Path) -> None:
    assert re.search(
        r"`\+`, `-` \| faster, slower by 5 %", (root / "docs/cli.md").read_text(encoding="utf-8")
    )
    expected = 1.0
    for key in keys:
        expected *= STEPS[key]
    assert speed_after(keys) == pytest.approx(expected)
