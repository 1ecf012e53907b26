"""What every backend refuses: pulses that would break the order, or hurt a coil."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from ..errors import BackendError, OrderError, SafetyError, XylophoneError
from ..instrument import Instrument
from ..tables import PULSE, Pulses

Check = Callable[[Pulses], None]

_ROUNDING = 1e-9  # s; pulses that touch do not overlap


class Intake:
    """Checks pulses before a backend takes them; keeps the order mark and when each coil is free again."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._longest = np.full(256, np.nan)
        for hammer in instrument.hammers:
            self._longest[hammer.channel] = hammer.longest_pulse
        self.refused: Counter[str] = Counter()
        self.mark = -np.inf
        self._free = np.full(256, -np.inf)

    def admit(self, pulses: Pulses) -> None:
        """Accept all of these pulses (dtype PULSE), or raise and accept none.

        TypeError for another dtype; OrderError where a pulse starts before one already admitted;
        BackendError for a channel without hammer or a time that is no number; SafetyError for a
        pulse longer than its hammer's longest, or that begins while its coil is still on.
        """
        if pulses.dtype != PULSE:
            raise TypeError(f"pulses must be a table of dtype PULSE, not {pulses.dtype}")
        if not len(pulses):
            return
        for reason, check in self._checks():
            try:
                check(pulses)
            except XylophoneError:
                self.refused[reason] += len(pulses)
                raise
        self._note(pulses)

    def forget(self, remaining: Pulses) -> None:
        """Take the order mark and the coils back to what these pulses, all that remain, lead to."""
        self.mark = -np.inf
        self._free[:] = -np.inf
        if len(remaining):
            self._note(remaining)

    def _note(self, pulses: Pulses) -> None:
        self.mark = max(self.mark, float(pulses["start"][-1]))
        np.maximum.at(self._free, pulses["channel"], pulses["start"] + pulses["width"])

    def _checks(self) -> tuple[tuple[str, Check], ...]:
        return (
            ("channel", self._check_channels),
            ("number", self._check_numbers),
            ("order", self._check_order),
            ("length", self._check_lengths),
            ("overlap", self._check_overlaps),
        )

    def _check_channels(self, pulses: Pulses) -> None:
        missing = np.flatnonzero(np.isnan(self._longest[pulses["channel"]]))
        if len(missing):
            known = [hammer.channel for hammer in self._instrument.hammers]
            raise BackendError(
                f"channel {pulses['channel'][missing[0]]} has no hammer: send pulses to "
                f"channels of the instrument only ({min(known)}..{max(known)})"
            )

    def _check_numbers(self, pulses: Pulses) -> None:
        wrong = np.flatnonzero(~(np.isfinite(pulses["start"]) & (pulses["width"] > 0)))
        if len(wrong):
            first = pulses[wrong[0]]
            raise BackendError(
                f"pulse of {first['width']} s at {first['start']} s: start must be a number and width above 0"
            )

    def _check_order(self, pulses: Pulses) -> None:
        before = np.concatenate(([self.mark], pulses["start"][:-1]))
        wrong = np.flatnonzero(pulses["start"] < before)
        if len(wrong):
            raise OrderError(
                f"pulse at {pulses['start'][wrong[0]]:.6f} s starts before one already scheduled "
                f"({before[wrong[0]]:.6f} s): hand pulses over in order, or cancel first"
            )

    def _check_lengths(self, pulses: Pulses) -> None:
        limits = self._longest[pulses["channel"]]
        wrong = np.flatnonzero(~(pulses["width"] <= limits + _ROUNDING))
        if len(wrong):
            row = wrong[0]
            raise SafetyError(
                f"pulse of {1e3 * pulses['width'][row]:.3f} ms for {self._name(pulses, row)}: its longest is "
                f"{1e3 * limits[row]:g} ms; shorten it"
            )

    def _check_overlaps(self, pulses: Pulses) -> None:
        order = np.argsort(pulses["channel"], kind="stable")
        channel, start = pulses["channel"][order], pulses["start"][order]
        free = self._free[channel]
        same = channel[1:] == channel[:-1]
        free[1:] = np.where(same, (start + pulses["width"][order])[:-1], free[1:])
        wrong = np.flatnonzero(start < free - _ROUNDING)
        if len(wrong):
            raise SafetyError(
                f"pulse at {start[wrong[0]]:.6f} s for {self._name(pulses, order[wrong[0]])}: its coil is "
                f"on until {free[wrong[0]]:.6f} s; leave it time to recover"
            )

    def _name(self, pulses: Pulses, row: np.intp) -> str:
        channel = pulses["channel"][row]
        return next(f"hammer {each.name}" for each in self._instrument.hammers if each.channel == channel)
