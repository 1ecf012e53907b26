"""A board such as a maker solders over a weekend: it takes lines of text, and keeps the time by itself."""

from __future__ import annotations

from xylophone.clock import VirtualClock


class ToyBoard:
    """Its program, on a virtual clock; times are whole us.

    `pulse DELAY WIDTH CHANNEL` switches a coil on in so many us; `cancel DELAY` takes back what starts in so
    many us or later; `off` switches all off and forgets the rest. Every answer is the mask of the coils that
    are on. A board that hangs says nothing.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.coils: dict[int, int] = {}  # channel: when it went on
        self.struck: list[tuple[int, int, int]] = []  # on, for so long, channel
        self.plugged, self.hangs = True, False
        self._clock = clock
        self._waiting: list[tuple[int, int, int]] = []

    def ask(self, line: str) -> str:
        """Say a line and return the answer; OSError where there is no board."""
        if not self.plugged:
            raise OSError("no such device")
        if self.hangs:
            return ""
        word, *numbers = line.split()
        now, values = self._now(), [int(number) for number in numbers]
        if word == "pulse":
            delay, width, channel = values
            self._waiting.append((now + delay, width, channel))
            self._turn_at(now + delay)
        elif word == "cancel":
            self._waiting = [row for row in self._waiting if row[0] < now + values[0]]
        elif word == "off":
            self._waiting, self.coils = [], {}
        return str(sum(1 << channel for channel in self.coils))

    def close(self) -> None:
        """Let go of the line to it."""
        self.plugged = False

    def _now(self) -> int:
        return round(1e6 * self._clock.now())

    def _turn_at(self, time: int) -> None:
        self._clock.at(max(self._clock.now(), time / 1e6), self._turn)

    def _turn(self) -> None:
        for row in [row for row in self._waiting if row[0] <= self._now()]:
            self._waiting.remove(row)
            self.coils[row[2]] = row[0]
            self._clock.at((row[0] + row[1]) / 1e6, lambda row=row: self._end(*row))

    def _end(self, start: int, width: int, channel: int) -> None:
        if self.coils.get(channel) == start:
            del self.coils[channel]
            self.struck.append((start, width, channel))
