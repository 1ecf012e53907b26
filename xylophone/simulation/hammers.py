"""The twin: the hammers of an instrument as they would behave, pulse after pulse."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from ..config.values import SimulationSettings
from ..errors import BackendError
from ..instrument import Instrument
from ..tables import PULSE, Ints, Pulses, as_pulses, copied, joined, picked
from ..words import counted
from .carried import Carried, Ghosts, carry, haunt
from .integrate import LONGEST_FLIGHT
from .parameters import Hammers, build_hammers, parameters_of, rewound
from .readout import Chance, Outcome, Reading, Told, join
from .settle import Setting, settle

BLOCK = 2048
"""Pulses that are integrated side by side at most: more would only take memory."""

_NO_PULSES = as_pulses(np.empty(0, PULSE))

AMBIENT = 25.0
"""C; the room, and coils that have rested."""

SUPPLY_RESISTANCE = 0.1
"""ohm; supply, leads and driver (twin.md)."""


USUAL = SimulationSettings()


class Twin:
    """Hammers of one instrument, each its own: they warm, tire of rest and pull on one supply.

    `tolerance` 1 gives hammers as they come from a factory, 0 all alike; `seed` says which ones, and
    draws the scatter from strike to strike: `scatter_time` in seconds and `scatter_level_db` in dB,
    standard deviations. `fuse` is in ohm, before each coil. Two twins with the same arguments do the
    same, bit for bit; played in pieces instead of at once they do the same within a microsecond.
    """

    def __init__(
        self,
        instrument: Instrument,
        seed: int = USUAL.seed,
        scatter_time: float = USUAL.scatter_time,
        scatter_level_db: float = USUAL.scatter_level_db,
        supply_resistance: float = SUPPLY_RESISTANCE,
        tolerance: float = USUAL.tolerance,
        ambient: float = AMBIENT,
        fuse: float = USUAL.fuse,
    ) -> None:
        nominal = replace(parameters_of(instrument.kind.name), fuse=fuse)
        drawn = instrument.column("current") / instrument.kind.current
        hammers = rewound(build_hammers(nominal, len(instrument), seed, tolerance), drawn)
        self.instrument = instrument
        self.chance = Chance(seed, scatter_time, scatter_level_db)
        self.setting = Setting(instrument.kind.voltage, supply_resistance, ambient)
        self._build(hammers)

    @property
    def whole(self) -> Twin:
        """The same hammers with nothing out of order: these."""
        return self

    def _build(self, hammers: Hammers) -> None:
        self.hammers, self.places = hammers, self.instrument.places
        self.reset()

    def reset(self) -> None:
        """Make all hammers cold, rested and at home, as new; their scatter begins anew too."""
        self._carried = Carried.fresh(len(self.instrument))
        self._ghosts = Ghosts.none()
        self._begun = 0
        self._since = -np.inf
        self._hottest = np.zeros(len(self.instrument))
        self._renew(_NO_PULSES, Told.nothing(0))

    def play(self, pulses: Pulses) -> Outcome:
        """Play pulses (dtype PULSE, sorted by start) to their end and return all that came of them.

        Warmth and rest carry over to the next call, whose pulses must start when these are over.
        Raises BackendError for a channel that has no hammer.
        """
        parts = []
        for begin in range(0, max(1, len(pulses)), BLOCK):
            block, rest = picked(pulses, slice(begin, begin + BLOCK)), pulses[begin + BLOCK :]
            until = float(rest["start"][0]) if len(rest) else np.inf
            parts.append(self.advance(block, until))
        return join(parts)

    def advance(self, pulses: Pulses, until: float, ahead: Pulses | None = None) -> Outcome:
        """Play on to the time `until` and return what was heard since the last call.

        `pulses` have started since the last call and no later than `until`. What is heard up to
        `until` cannot depend on later pulses. `ahead` are pulses that will probably start next: when
        they do, unchanged, their motion need not be computed again. Raises BackendError, and plays
        nothing, for a channel that has no hammer.
        """
        if self._foreseen(pulses, until):
            self._begun += len(pulses)
            return self._read(until)
        self._places_of(pulses)
        parts, count = [], 0
        if len(pulses):
            moment = float(pulses["start"][0])
            if not self._foreseen(_NO_PULSES, moment):
                self._renew(self._known(), self._reading.told.fitted(0, self._begun))
            parts.append(self._read(moment))
            count = self._commit(moment)
        later = _NO_PULSES if ahead is None else ahead
        table = joined((self._known(count), pulses, later))
        self._renew(table, self._reading.told.fitted(count, len(table)))
        self._begun += len(pulses)
        return join([*parts, self._read(until)])

    def cut(self, moment: float) -> None:
        """Switch off all coils at `moment`: pulses that have started end there, their hammers fly on."""
        known = copied(self._known())
        known["width"] = np.clip(moment - known["start"], 0.0, known["width"])
        self._renew(known, self._reading.told.fitted(0, len(known)))

    def _known(self, count: int = 0) -> Pulses:
        """Return the pulses that have started and may still matter, after `count` that were let go."""
        return picked(self._settled.pulses, slice(count, count + self._begun))

    def _foreseen(self, pulses: Pulses, until: float) -> bool:
        """Tell whether what is settled holds up to `until`: these pulses have come, and no others."""
        foreseen = self._settled.pulses[self._begun :]
        came, rest = foreseen[: len(pulses)], foreseen[len(pulses) :]
        return np.array_equal(came, pulses) and not (len(rest) and rest["start"][0] <= until)

    def _renew(self, pulses: Pulses, told: Told) -> None:
        """Settle these pulses in place of what was settled; what was told stays told."""
        place = self._places_of(pulses)
        self._settled = settle(self.hammers, self.setting, self._carried, self._ghosts, pulses, place)
        self._reading = Reading(self._settled, self._carried.count, self.chance, self.setting.step, told)

    def _places_of(self, pulses: Pulses) -> Ints:
        """Return the places of the pulses' hammers; BackendError for a channel that has none."""
        place: Ints = self.places[pulses["channel"]]
        if len(place) and place.min() < 0:
            channel = int(pulses["channel"][np.argmin(place)])
            raise BackendError(
                f"channel {channel} has no hammer: {self.instrument.name} has "
                f"{counted(len(self.instrument), 'hammer')}; send pulses to their channels only"
            )
        return place

    def _commit(self, moment: float) -> int:
        """Let go of pulses that nothing at `moment` or later can change; return how many."""
        settled, begun = self._settled, self._begun
        pulses = settled.pulses[:begun]
        over = pulses["start"] + pulses["width"] + LONGEST_FLIGHT < moment
        count = int(np.argmin(np.append(over, False)))
        if count:
            self._carried = carry(self._carried, settled, count, begun)
            self._ghosts = haunt(self._ghosts, settled, count, begun)
            self._begun -= count
        return count

    def _read(self, until: float) -> Outcome:
        reading, settled, begun = self._reading, self._settled, self._begun
        over = reading.over(begun, until)
        strikes = settled.pulses["strike"]
        np.maximum.at(self._hottest, settled.hammer[:begun], (settled.warmth + settled.heating)[:begun])
        on_time = self._carried.on_time.copy()
        np.add.at(on_time, settled.hammer[:begun], settled.pulses["width"][:begun])
        missed, damped = strikes[reading.missed(over)], strikes[reading.damped(over)]
        hottest = self.setting.ambient + self._hottest
        return Outcome(reading.hits(begun, until), missed, damped, self._peak(until), hottest, on_time)

    def _peak(self, until: float) -> float:
        """Return the peak current between the last reading and this."""
        pulses = self._settled.pulses[: self._begun]
        peak = self._reading.peak(self._begun, self._since, until, self.setting.source)
        last = float((pulses["start"] + pulses["width"]).max(initial=self._since))
        self._since = max(self._since, min(until, last))
        return peak


def twin_of(instrument: Instrument, made: SimulationSettings) -> Twin:
    """Return the hammers of an instrument, made as is configured."""
    return Twin(instrument, **asdict(made))
