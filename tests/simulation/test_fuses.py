"""The fuse of each coil in docs/wiring.md: what it carries, when it opens, and what its resistance costs.

A fuse that protects a coil is rated below what the coil draws when it is hot, and above what playing takes.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from xylophone.errors import CalibrationError
from xylophone.instrument import KINDS, HammerKind, build_instrument
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.simulation.parameters import COLD, COPPER, parameters_of

AMBIENT, LONG = 40.0, 60.0
"""C around coils and fuses; s in which a coil's fuse is to open."""

STEP = 0.01
"""s."""

CEILING = 0.25
"""Of the time that a coil is on in the long run, whatever its kind: the board's own limit."""

RERATED = 1.0 - 0.2 * (AMBIENT - 25.0) / 45.0
"""Part of its rating that a Slo-Blo fuse carries at 40 C: 80 % at 70 C, an assumption."""

OPENS = 2.0
"""Times its rating at which a Littelfuse 313 opens within 30 s (data sheet of 2013)."""

PULSE = 0.22
"""Part of the melting I2t that 100,000 pulses may have (Littelfuse, Fuseology)."""


class Fuse(NamedTuple):
    """A rating of Littelfuse's 239 series (data sheet of 2017): A, ohm when cold, A2 s that melts it."""

    rating: float
    ohm: float
    melting: float


FUSES = (
    Fuse(0.080, 28.175, 0.025),
    Fuse(0.100, 17.3425, 0.055),
    Fuse(0.125, 11.6, 0.085),
    Fuse(0.150, 8.1, 0.13),
    Fuse(0.200, 3.8725, 0.165),
    Fuse(0.250, 3.07, 0.34),
    Fuse(0.300, 2.3, 0.615),
    Fuse(0.400, 1.475, 2.02),
    Fuse(0.500, 0.909, 1.985),
)


class Load(NamedTuple):
    """What a coil with a fuse asks of it: A RMS in play, cold and warm, and A when stuck on for LONG."""

    cold: float
    warm: float
    hot: float


class Coil:
    """A coil of a kind behind so much resistance, at AMBIENT, by its temperature in C."""

    def __init__(self, kind: HammerKind, ohm: float) -> None:
        self.kind, self.ohm, self.own = kind, ohm, parameters_of(kind.name)

    def current(self, celsius: float) -> float:
        return self.kind.voltage / (self._resistance(celsius) + self.ohm)

    def warm(self) -> float:
        """Return what it comes to by playing at its ceiling for ever."""
        celsius = AMBIENT
        for _ in range(100):
            celsius = AMBIENT + self.own.cooling * duty_of(self.kind) * self._heat(celsius)
        return celsius

    def stuck(self) -> Iterator[tuple[float, float]]:
        """Yield s and C from when it is on for good, warm from playing."""
        celsius = self.warm()
        for step in itertools.count():
            yield step * STEP, celsius
            lost = (celsius - AMBIENT) / self.own.cooling
            celsius += STEP * (self._heat(celsius) - lost) / self.own.heat

    def _resistance(self, celsius: float) -> float:
        return self.own.resistance * (1.0 + COPPER * (celsius - COLD))

    def _heat(self, celsius: float) -> float:
        return self.current(celsius) ** 2 * self._resistance(celsius)


def load_of(kind: HammerKind, ohm: float) -> Load:
    """Return what a coil of a kind draws through so much resistance."""
    coil, share = Coil(kind, ohm), math.sqrt(duty_of(kind))
    hot = next(celsius for time, celsius in coil.stuck() if time >= LONG)
    return Load(share * coil.current(AMBIENT), share * coil.current(coil.warm()), coil.current(hot))


def duty_of(kind: HammerKind) -> float:
    return min(CEILING, kind.refill)


def fits(kind: HammerKind, fuse: Fuse) -> bool:
    """Tell whether it carries what is played and opens at the hot current."""
    load = load_of(kind, fuse.ohm)
    pulse = (kind.voltage / (parameters_of(kind.name).resistance + fuse.ohm)) ** 2 * kind.longest_pulse
    carries = load.warm <= RERATED * fuse.rating and load.cold <= 1.1 * RERATED * fuse.rating
    return carries and load.hot >= OPENS * fuse.rating and pulse <= PULSE * fuse.melting


def fuse_for(kind: HammerKind) -> Fuse | None:
    """Return the fuse with the least resistance of those that fit."""
    return min((fuse for fuse in FUSES if fits(kind, fuse)), key=lambda fuse: fuse.ohm, default=None)


@pytest.fixture(scope="module")
def rows(root: Path) -> dict[str, list[str]]:
    """The table of the page, by kind."""
    page = (root / "docs" / "wiring.md").read_text(encoding="utf-8")
    section = page.split("### A fuse for each coil")[1].split("\n### ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    return {row[0].strip("`"): row for row in cells if row[0].startswith("`")}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_page_names_the_fuse_that_fits(rows: dict[str, list[str]], kind: HammerKind) -> None:
    fuse = fuse_for(kind)
    load = load_of(kind, fuse.ohm if fuse else 0.0)
    assert rows[kind.name][1:5] == [
        f"{duty_of(kind):.1%}".replace("%", " %"),
        f"{load.cold:.2f} A",
        f"{load.warm:.2f} A",
        f"{load.hot:.2f} A",
    ]
    assert rows[kind.name][5] == (f"{fuse.rating:g} A, {fuse.ohm:.1f} ohm" if fuse else "none")


def test_a_fuse_that_is_too_large_or_too_small_does_not_fit() -> None:
    kind = KINDS["zye1-0530"]
    assert [fuse.rating for fuse in FUSES if fits(kind, fuse)] == [0.25, 0.3]


@pytest.mark.parametrize("name", ["zye1-0530", "jf-0530b-24v"])
def test_a_hammer_still_strikes_behind_its_fuse(rows: dict[str, list[str]], name: str) -> None:
    """By the decibels that the page tells, of its loudest strike."""
    fuse = fuse_for(KINDS[name])
    assert fuse is not None
    levels = [
        measure(Twin(build_instrument(kind=name), tolerance=0.0, fuse=ohm)).level[0, -1]
        for ohm in (0.0, fuse.ohm)
    ]
    assert float(re.findall(r"[\d.]+", rows[name][6])[0]) == pytest.approx(levels[0] - levels[1], abs=0.05)


@pytest.mark.parametrize(
    "fuse", [fuse for fuse in FUSES if fuse.rating < 0.14], ids=lambda fuse: str(fuse.rating)
)
def test_the_12_volt_jf_does_not_strike_behind_a_fuse_that_could_open_for_it(fuse: Fuse) -> None:
    kind = KINDS["jf-0530b"]
    assert all(load_of(kind, other.ohm).hot < OPENS * other.rating for other in FUSES if other.rating > 0.14)
    with pytest.raises(CalibrationError, match="never meets its bar"):
        measure(Twin(build_instrument(kind=kind.name), tolerance=0.0, fuse=fuse.ohm))


def test_coils_are_too_hot_as_soon_as_the_page_says(root: Path) -> None:
    page = (root / "docs" / "wiring.md").read_text(encoding="utf-8")
    least, most, slow = map(
        float, re.findall(r"reaches 130 C after (\d+) to (\d+) s \(12 W and more\), or (\d+) s", page)[0]
    )
    took = {
        name: next(time for time, celsius in Coil(kind, 0.0).stuck() if celsius >= 130.0)
        for name, kind in KINDS.items()
    }
    assert least <= took["jf-0530b-24v"] < took["zye1-0530"] <= most
    assert took["jf-0530b"] == pytest.approx(slow, rel=0.1)
