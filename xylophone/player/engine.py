"""The engine: keeps a backend fed with the strikes of a timeline, and changes course when told.

No thread and no lock: the player calls it, one thread at a time, with the backend's present time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..arranger import Arrangement
from ..backends.backend import Backend
from ..sequencer import Plan, Planner
from ..tables import STRIKE, Strikes, as_strikes, picked
from .ahead import REACTION, Ahead, Outlet, TakenBack
from .direct import Direct
from .opening import Opening
from .record import Record
from .timeline import Stretch, Timeline, length

READY = 0.05
"""s from a command to the first new pulse: none is planned too late for the backend."""

HASTE = 0.2
"""s more that the beginning is put off by where it was planned too late; doubled until it is not."""

QUICK = 0.25
"""s that are handed over at first after a command: it has taken effect then, and the rest comes at once."""

RING = 1.0
"""s after the end of the last piece in which its bars ring out: then the playing is over."""

FIRST_SECONDS = 2.0
"""s of song time in which `previous` means the piece before, not the beginning of this one."""

NOTHING = as_strikes(np.zeros(0, STRIKE))


class Engine:
    """Turns a timeline into pulses on a backend, a lookahead at a time."""

    def __init__(
        self,
        backend: Backend,
        planner: Planner,
        record: Record,
        tell: Callable[[Ahead | TakenBack], object] = lambda news: None,
    ) -> None:
        """`tell` is called with what was handed over and what was taken back."""
        self.backend, self.record = backend, record
        self._outlet = Outlet(backend, record, tell)
        self.direct = Direct(planner, self._outlet)
        self.timeline = Timeline()
        self.volume = 1.0
        self.paused_at: float | None = None  # backend time at which the music stopped
        self._planner = planner
        self._due = -np.inf  # backend time from which more is to be handed over; -inf after a command
        self._held = NOTHING  # taken back by a pause, times as they would have been
        self._clear_from = -np.inf  # time before which some notes were struck ahead of the last pause
        self.jumped = -np.inf  # backend time at which a jump sounds
        self._opening: Opening | None = None  # of a playing of which nothing was handed over yet

    def set_manner(self, speed: float | None, volume: float | None) -> None:
        """Let what begins have a speed and a volume, as they are for None."""
        self.timeline.speed = self.timeline.speed if speed is None else speed
        self.volume = self.volume if volume is None else volume

    def begin(
        self,
        now: float,
        pieces: Sequence[Arrangement],
        start: float,
        repeat: bool = False,
        more: bool = False,
        gap: float | None = None,
        at: float | None = None,
    ) -> None:
        """Play a queue from a position of its first piece, at a moment to come or as soon as it can."""
        self._take_back(now, now)
        self._clear()
        timeline = self.timeline
        timeline.pieces, timeline.loop, timeline.repeat = list(pieces), None, repeat
        timeline.more, timeline.gap = more, gap
        self._opening = Opening(now, 0, start, now if at is None else at, self.record.zero)
        self._open_at(self._soon(now))

    def follow(self, now: float, after: Arrangement, following: list[Arrangement]) -> None:
        """Let these pieces come after one of the queue, if it is there and what follows it has not begun."""
        timeline = self.timeline
        place = next((n for n, piece in enumerate(timeline.pieces) if piece is after), None)
        if place is None or not timeline.laid or timeline.at(self._change_from(now)).piece > place:
            return
        last, planned = timeline.at(np.inf), now + self.backend.lookahead + self._planner.lead
        if place + 1 == len(timeline.pieces):
            for piece in following:
                self.add(now, piece)
        elif last.piece == place and timeline.over(last) > planned:  # what follows is in no plan yet
            timeline.pieces[place + 1 :] = following
        else:
            self.switch(now, lambda: timeline.pieces.__setitem__(slice(place + 1, None), following))
        timeline.forget_pieces()

    def add(self, now: float, piece: Arrangement) -> None:
        """Put a piece at the end of the queue; where all before it is over, it begins as soon as it can."""
        timeline = self.timeline
        waited = timeline.laid and timeline.waits
        timeline.pieces.append(piece)
        if not waited or self.paused_at is not None:
            return
        stretch = timeline.at(np.inf)
        earliest = (over := timeline.over(stretch)) + timeline.gap_after(stretch.piece)
        if over <= now:
            self._take_back(now)
            self._opening = Opening(now, stretch.piece + 1, 0.0, earliest, self.record.zero)
            self._open_at(self._soon(now))
        elif earliest < now + self.backend.lookahead + self._planner.lead:  # nothing was planned there
            self.switch(now, lambda: None)

    def feed(self, now: float) -> None:
        """Hand over the next lookahead's pulses, four times in that time; after a command in two parts."""
        if self.paused_at is not None or now < self._due:
            return
        plan = self._next_plan(now)
        if self._opening is not None:
            plan = self._opened(self._opening, plan)
        self.timeline.forget_before(now - RING)
        self._outlet.pass_on(plan)
        self._planner.settle()

    def _next_plan(self, now: float) -> Plan:
        quick = self._due == -np.inf and self._opening is None and self.backend.lookahead > QUICK
        self._due = now if quick else now + self.backend.lookahead / 4
        horizon = now + (QUICK if quick else self.backend.lookahead)
        self._hand_out(now, horizon + self._planner.lead)
        return self._planner.commit(horizon, now)

    def _opened(self, opening: Opening, plan: Plan) -> Plan:
        """Return the first plan of a playing; later by what a busy machine needs to hand it over in time."""
        begun, haste = opening.asked, 0.0
        while (now := self.backend.now()) - begun > haste / 2:
            self._planner.rewind(opening.asked + REACTION)
            self.timeline.clear()
            begun, haste = now, 2 * haste or HASTE
            self._open_at(self._soon(now) + haste)
            plan = self._next_plan(now)
        self._opening = None
        return plan

    def _open_at(self, moment: float) -> None:
        opening = self._opening
        assert opening is not None
        begins = max(moment, opening.earliest)
        self.timeline.lay(begins, opening.piece, opening.start)
        self.record.zero = begins if opening.zero is None else opening.zero

    def pause(self, now: float) -> None:
        """Stop between two notes; what has not started is held for `resume`."""
        if self.timeline.laid and self.paused_at is None:
            self._hand_out(now, max(self._soon(now), self._clear_from))
            self._held = self._take_back(now)
            self.paused_at = now + REACTION
            self._clear_from = max(self._clear_from, self.paused_at + self._planner.lead)

    def resume(self, now: float) -> None:
        """Let the rest of the timeline sound as much later as the pause was long."""
        if self.paused_at is not None:
            delay = self._soon(now) - self.paused_at
            self._held["time"] += delay
            if self.volume > 0:
                self._planner.add(self._held)
            self.timeline.delay(delay)
            self._clear_from, self.jumped = self._clear_from + delay, self.jumped + delay
            self._forget_pause()

    def stop(self, now: float) -> None:
        """Switch all coils off; nothing more follows."""
        self.backend.silence()
        self._void(now)

    def emergency(self, now: float) -> None:
        """Switch all coils off and let none on until the backend is cleared; nothing more follows."""
        self.backend.stop()
        self._void(now)

    def _void(self, now: float) -> None:
        self._outlet.void(now, now)
        self._planner.rewind(now)
        self._clear()

    def jump(self, now: float, piece: int, position: float, ago: float = 0.0) -> None:
        """Go on from a place of a piece, as if it had come so long ago; where it is paused it stays so."""
        self._take_back(now, now)
        self._held, self._clear_from, self._opening = NOTHING, -np.inf, None
        if self.paused_at is not None:
            self.paused_at = now + REACTION
            self.timeline.clear()
        self.jumped = (self._soon(now) if self.paused_at is None else self.paused_at) - ago
        self.timeline.lay(self.jumped, piece, position)

    def jump_by(self, now: float, seconds: float) -> None:
        """Go on from so much song time later than where the music is when this takes effect."""
        if self.timeline.laid:
            stretch, position = self._then(now)
            target = min(max(0.0, position + seconds), length(stretch.arrangement))
            self.jump(now, stretch.piece, target)

    def skip(self, now: float, by: int) -> None:
        """Go to the piece so many places on; by 0 to the beginning, or soon after it to the piece before."""
        timeline = self.timeline
        if not timeline.laid:
            return
        stretch, position = self._then(now)
        piece = stretch.piece + (by or (-1 if position < FIRST_SECONDS else 0))
        if piece >= len(timeline.pieces) and timeline.more:
            timeline.loop = None
            self.jump(now, stretch.piece, length(stretch.arrangement), timeline.gap_after(stretch.piece))
        elif piece >= len(timeline.pieces) and not timeline.repeat:
            self._take_back(now, now)
            self._clear()
        else:
            timeline.loop = None
            self.jump(now, max(0, piece) % len(timeline.pieces), 0.0)

    def loop(self, now: float, loop: tuple[float, float]) -> None:
        """Repeat from here to there; from the beginning of the loop at once when its end is past."""
        self.switch(now, lambda: setattr(self.timeline, "loop", loop))
        if self.timeline.laid:
            last = self.timeline.at(np.inf)
            if last.position >= loop[1]:
                self.jump(now, last.piece, loop[0])

    def switch(self, now: float, change: Callable[[], object]) -> None:
        """Change something for what no change makes start sooner than READY from now; play nothing twice.

        Notes from `moment` on are taken from the timeline again. What was taken back of those before it stays
        as it was: softer, it would have to start when it is too late. In a pause there is time: it changes.
        """
        timeline = self.timeline
        if not timeline.laid:
            change()
            return
        moment, held = self._open(now)
        stretch = timeline.at(moment)
        end = timeline.end_of(stretch)
        change()
        first, border = stretch.border(moment, timeline.pieces[stretch.piece], end)
        kept = picked(held, held["time"] < border)
        timeline.lay_again(stretch, moment, first)
        if self.paused_at is None:
            self._planner.add(kept)
        else:
            self._held = timeline.revised(kept, self.volume)

    def over(self, now: float) -> bool:
        """Tell whether nothing is left to play and all bars have rung out."""
        end = self.ending()
        return not self.timeline.laid or (end is not None and now >= end)

    def ending(self) -> float | None:
        """Return when the playing is over, None while that is open."""
        if not self.timeline.laid or self.paused_at is not None:
            return None
        end = self.timeline.end()
        return None if end is None else end + RING

    def next_change(self, now: float) -> float:
        """Return when something else sounds, the rest is due, or all is over; inf while that is open."""
        if self.paused_at is not None or not self.timeline.laid:
            return np.inf
        end = self.ending()
        soonest = min(self.timeline.next_after(now), np.inf if end is None else end)
        return now if self._due <= now else soonest

    def waits(self, now: float) -> bool:
        """Tell whether all that is laid is over and has rung, and more is waited for."""
        timeline = self.timeline
        if not timeline.laid or not timeline.waits or self.paused_at is not None:
            return False
        return now >= timeline.over(timeline.at(np.inf)) + RING

    def stretch(self, now: float) -> Stretch:
        """Return the part of the timeline that sounds now."""
        return self.timeline.at(self._sounding(now))

    def position(self, now: float) -> float:
        """Return the song time that sounds now, within its piece; 0 before anything was played."""
        return self._place(self._sounding(now))[1] if self.timeline.laid else 0.0

    def heading(self, now: float) -> tuple[Stretch, float]:
        """Return what sounds now and at which song time, or that to which a jump leads in a moment."""
        return self._place(max(self._sounding(now), self.jumped))

    def _then(self, now: float) -> tuple[Stretch, float]:
        """Return where the music is when a command given now takes effect."""
        return self._place(max(self._soon(now) if self.paused_at is None else self.paused_at, self.jumped))

    def _sounding(self, now: float) -> float:
        return now if self.paused_at is None else self.paused_at

    def _place(self, moment: float) -> tuple[Stretch, float]:
        stretch = self.timeline.at(moment)
        position = stretch.position_at(max(moment, stretch.time))
        return stretch, min(max(position, 0.0), length(stretch.arrangement))

    def _soon(self, now: float) -> float:
        """The earliest backend time at which something new can sound."""
        return now + READY + self._planner.lead

    def _open(self, now: float) -> tuple[float, Strikes]:
        """Return the moment from which notes come anew, and all strikes that were taken back."""
        moment = self._change_from(now)
        if self.paused_at is None:
            self._hand_out(now, moment)
            return moment, self._take_back(now, moment, READY)
        self.record.take_back(np.inf, moment)
        return moment, self._held

    def _change_from(self, now: float) -> float:
        """The backend time from which a change given now holds."""
        return max(self._soon(now) if self.paused_at is None else self.paused_at, self._clear_from)

    def _hand_out(self, now: float, until: float) -> None:
        self._planner.add(self.timeline.take(until, self.volume, self._soon(now)))

    def _take_back(self, now: float, again: float = np.inf, margin: float = REACTION) -> Strikes:
        """Take back what starts `margin` from now or later; return the strikes not heard because of it.

        `again` is the time from which no refusal stands: its notes come anew, or not at all.
        """
        after = now + margin
        self._outlet.take_back(after, again)
        self._due = -np.inf
        return self._planner.rewind(after)

    def _forget_pause(self) -> None:
        self._held, self.paused_at, self._due = NOTHING, None, -np.inf

    def _clear(self) -> None:
        self.timeline.clear()
        self._clear_from, self._opening = -np.inf, None
        self._forget_pause()
