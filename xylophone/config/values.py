"""What can be configured beside the instrument, with the defaults that hold without a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..arranger import DEFAULT_PRESET, Weights, preset

SPEEDS = (0.1, 10.0)
"""Bounds of the factor on a song's tempo."""

VOLUMES = (0.01, 10.0)
"""Bounds of how loud; 1 is as arranged (`strikes.at_volume`)."""

TOLERANCES, SCATTERS = (0.0, 3.0), (0.0, 10.0)
"""Bounds of the factors on what is ordinary: differences between hammers, scatter from strike to strike."""

MOST_SEED = 2**32 - 1
"""The greatest seed, of simulated hammers and of a shuffle, wherever it is given."""

DEFAULT_BACKEND = "sim:"
"""The backend when nothing else was asked for: the simulated instrument."""


@dataclass(frozen=True, slots=True)
class ArrangeSettings:
    """How songs are arranged unless the command says otherwise: a preset, and weights in place of its own."""

    preset: str = DEFAULT_PRESET
    changed: Mapping[str, float] = field(default_factory=dict)  # fields of arranger.Weights

    @property
    def weights(self) -> Weights:
        """The weights in force; OptionError for a preset that is none, or a weight out of bounds."""
        return replace(preset(self.preset), **self.changed)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PlayerSettings:
    """How songs are played unless the command says otherwise."""

    speed: float = 1.0  # factor on song time
    volume: float = 1.0  # how loud; 1 is as arranged
    roll: bool = True  # roll a chord that the supply cannot drive at once, rather than drop notes


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """What the instrument keeps of a home, and how an owner begins there; `folder` is where home.db lies."""

    folder: Path
    at_start: tuple[str, ...] = ()  # songs, as `play` takes them
    loop: bool = True  # again and again
    resume: bool = False  # what was playing last, in their place
    start_volume: float | None = None  # 0..100; None for the player's
    most_volume: float = 100.0  # 0..100


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """The simulated instrument: which one, and how evenly it strikes."""

    seed: int = 0  # the same seed, the same thirty hammers
    tolerance: float = 1.0  # factor on the ordinary differences between hammers, 0 for none
    scatter_time: float = 0.0003  # s SD of a strike's time
    scatter_level_db: float = 0.3  # dB SD of a strike's level
    fuse: float = 0.0  # ohm of the fuse before each coil, 0 for none

    def varied(
        self, seed: int | None = None, scatter: float = 1.0, tolerance: float | None = None
    ) -> SimulationSettings:
        """Return these with another seed and tolerance unless None, and `scatter` times the scatter."""
        return replace(
            self,
            seed=self.seed if seed is None else seed,
            tolerance=self.tolerance if tolerance is None else tolerance,
            scatter_time=self.scatter_time * scatter,
            scatter_level_db=self.scatter_level_db * scatter,
        )
