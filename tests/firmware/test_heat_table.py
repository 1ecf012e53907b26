"""What docs/firmware.md says the worst host can do to a coil is what the kinds and the ceilings come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from xylophone.instrument import KINDS, MOST_CAPACITY, MOST_REFILL, HammerKind, build_instrument
from xylophone.link.limits import limits_of
from xylophone.link.messages import TICK_RATE

JOULES_PER_KELVIN, KELVINS_PER_WATT = 13.0, 50.0
"""Of a coil in still air: docs/simulation.md."""


def row(kind: HammerKind) -> str:
    watts = kind.voltage * kind.current
    own = limits_of(build_instrument(kind=kind.name).hammers[0])
    general, lowered = MOST_REFILL * watts, own.refill / 65536 * watts
    burst = own.capacity / TICK_RATE * watts / JOULES_PER_KELVIN
    return (
        f"| `{kind.name}` | {watts:.1f} | {general:.2f}, +{general * KELVINS_PER_WATT:.0f} "
        f"| {lowered:.2f}, +{lowered * KELVINS_PER_WATT:.0f} | +{burst:.0f} |"
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_worst_that_a_host_can_do_to_a_coil_is_told(kind: HammerKind, root: Path) -> None:
    assert row(kind) in (root / "docs/firmware.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_burst_heats_a_coil_of_any_kind_by_more_than_20_kelvin(kind: HammerKind) -> None:
    assert MOST_CAPACITY * kind.voltage * kind.current / JOULES_PER_KELVIN <= 20.0
