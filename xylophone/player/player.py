"""The engine: one loop that keeps the backend fed by its lookahead, and applies commands between turns.

Commands may come from any thread, from a signal handler or from a virtual clock. They are checked
against the table of states at once, and take effect in the loop (`wait`), which alone touches the
backend.
"""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence

import numpy as np

from ..arranger import Arrangement, arrange
from ..backends.contract import Backend, Fault
from ..calibration import Calibration
from ..calibration_file import default_calibration
from ..errors import BackendError, OptionError
from ..sequencer import Planner, PlanOptions
from ..song import Table
from ..strikes import STRIKE
from .snapshot import Snapshot
from .states import State, follow
from .timeline import Rearrange, Timeline, length

RING = 1.0
"""s after the end of the last piece, for the bars to ring out."""

READY = 0.05
"""s between a command to play and the first pulse at the earliest."""

SPEEDS = (0.1, 10.0)
VOLUMES = (0.01, 10.0)
TRANSPOSITION = 48


class Player:
    """Plays arrangements on a backend.

    `calibration` is the default of the instrument's hammer kind unless given; `rearrange(song,
    transpose)` is asked for a new arrangement when the transposition changes in play. `watch(now)` is
    called every `tick` seconds while something plays or is paused: for screens and loudspeakers.
    `refusals` counts strikes that were not sent, by reason; `faults` are what the backend met.
    """

    def __init__(
        self,
        backend: Backend,
        calibration: Calibration | None = None,
        options: PlanOptions | None = None,
        *,
        rearrange: Rearrange | None = None,
        watch: Callable[[float], object] | None = None,
        tick: float = 0.03,
    ) -> None:
        instrument = backend.instrument
        self.backend = backend
        self.faults: list[Fault] = []
        self.refusals: Counter[str] = Counter()
        self.state = State.IDLE
        self.volume = 1.0
        self._planner = Planner(instrument, calibration or default_calibration(instrument), options)
        self._rearrange = rearrange or (lambda song, shift: arrange(song, instrument, transpose=shift))
        self._watch, self._tick = watch, tick
        self._fed = -math.inf  # backend time of the last feeding
        self._timeline = Timeline()
        self._commands: deque[Callable[[float], object]] = deque()
        self._lock = threading.RLock()
        self._first: Arrangement | None = None  # what `play` was last asked for
        self._paused_at = 0.0  # backend time at which the music stopped
        self._again = np.zeros(0, STRIKE)  # taken back by a pause, times as they would have been

    def play(
        self,
        pieces: Arrangement | Sequence[Arrangement],
        *,
        speed: float | None = None,
        volume: float | None = None,
        start: float = 0.0,
        repeat: bool = False,
    ) -> Player:
        """Play a piece, or a queue of several, from `start` (song time of the first); returns the player.

        `repeat` plays the whole queue again and again. What was playing stops.
        """
        queue = [pieces] if isinstance(pieces, Arrangement) else list(pieces)
        if not queue:
            raise OptionError("nothing to play: give one arrangement or more")
        for piece in queue:
            self._check_piece(piece)
        self._check_position(start, queue[0])
        self._first = queue[0]
        speed = None if speed is None else _within("speed", speed, SPEEDS)
        volume = None if volume is None else _within("volume", volume, VOLUMES)

        def begin(now: float) -> None:
            self._take_back(now)
            timeline = self._timeline
            timeline.clear()
            timeline.pieces, timeline.loop, timeline.repeat = queue, None, repeat
            timeline.speed = timeline.speed if speed is None else speed
            self.volume = self.volume if volume is None else volume
            timeline.lay(self._soon(now), 0, start)

        return self._command("play", begin)

    def add(self, piece: Arrangement) -> Player:
        """Put a piece at the end of the queue."""
        self._check_piece(piece)
        return self._command("add", lambda now: self._timeline.pieces.append(piece))

    def pause(self) -> Player:
        """Stop between two notes; what has not started is kept for `resume`."""
        return self._command("pause", self._pause)

    def resume(self) -> Player:
        """Go on where `pause` stopped."""
        return self._command("resume", self._resume)

    def toggle(self) -> Player:
        """Pause, or resume."""
        with self._lock:
            return self._command("toggle", self._resume if self.state is State.PAUSED else self._pause)

    def stop(self) -> Player:
        """Stop playing: all coils off, nothing more follows."""
        return self._command("stop", self._stop)

    def seek(self, position: float) -> Player:
        """Go on from a song time of the present piece; OptionError past its end."""
        with self._lock:
            self._check_position(position, self._piece())
        return self._command("seek", lambda now: self._jump(now, self._timeline.at(now).piece, position))

    def seek_by(self, seconds: float) -> Player:
        """Go forwards or backwards by so much song time, within the present piece."""
        with self._lock:
            target = min(max(0.0, self.position + seconds), length(self._piece()))
        return self._command("seek", lambda now: self._jump(now, self._timeline.at(now).piece, target))

    def next(self) -> Player:
        """Go on with the next piece; after the last, stop unless the queue repeats."""
        return self._command("next", lambda now: self._skip(now, 1))

    def previous(self) -> Player:
        """Go back to the beginning of the piece, or from its first two seconds to the piece before."""
        return self._command("previous", lambda now: self._skip(now, -1 if self._position(now) < 2.0 else 0))

    def set_speed(self, speed: float) -> Player:
        """Play at a factor of the song's tempo, from the next notes on."""
        speed = _within("speed", speed, SPEEDS)

        def change(now: float) -> None:
            self._switch(now, lambda: setattr(self._timeline, "speed", speed))

        return self._command("speed", change)

    def set_tempo(self, tempo_bpm: float) -> Player:
        """Play so that the present tempo of the song becomes so many quarter notes a minute."""
        if not 1 <= tempo_bpm <= 2000:
            raise OptionError(f"tempo {tempo_bpm:g} bpm is out of range: give 1..2000")
        with self._lock:
            return self.set_speed(tempo_bpm / self._piece().song.tempo_at(self.position))

    def set_volume(self, volume: float) -> Player:
        """Multiply velocities by a factor, from the next notes on."""
        volume = _within("volume", volume, VOLUMES)
        return self._command("volume", lambda now: self._switch(now, lambda: setattr(self, "volume", volume)))

    def set_transpose(self, semitones: int) -> Player:
        """Arrange the present piece anew, transposed by so many semitones from its written pitch."""
        if abs(semitones) > TRANSPOSITION:
            raise OptionError(
                f"transposition {semitones} is out of range: give -{TRANSPOSITION}..{TRANSPOSITION} semitones"
            )

        with self._lock:
            old = self._piece()
        new = self._rearrange(old.song, semitones).require_notes()

        def change(now: float) -> None:
            pieces = self._timeline.pieces
            if old in pieces:
                self._switch(now, lambda: pieces.__setitem__(pieces.index(old), new))

        return self._command("transpose", change)

    def set_loop(self, begin: float | None = None, end: float | None = None) -> Player:
        """Repeat the present piece from `begin` to `end` (song time; its whole length for None)."""
        with self._lock:
            piece = self._piece()
            last = length(piece)
            loop = (0.0 if begin is None else begin, last if end is None else end)
        if not 0 <= loop[0] < loop[1] <= last or loop[1] - loop[0] < 0.1:
            raise OptionError(
                f"loop {loop[0]:g}..{loop[1]:g} s does not fit: "
                f"give two positions within 0..{last:.2f} s, 0.1 s apart"
            )
        return self._command(
            "loop", lambda now: self._switch(now, lambda: setattr(self._timeline, "loop", loop))
        )

    def end_loop(self) -> Player:
        """Play on to the end."""
        return self._command(
            "loop", lambda now: self._switch(now, lambda: setattr(self._timeline, "loop", None))
        )

    @property
    def position(self) -> float:
        """The song time that sounds now."""
        return self._position(self.backend.now())

    def snapshot(self) -> Snapshot:
        """Return where the player is."""
        now = self.backend.now()
        timeline = self._timeline
        if not timeline.laid:
            return Snapshot(self.state, 0, 0, "", 0.0, 0.0, 1, 1.0, 0.0, timeline.speed, self.volume, 0)
        stretch = timeline.at(self._paused_at if self.state is State.PAUSED else now)
        arrangement, position = stretch.arrangement, self._position(now)
        song = arrangement.song
        measure, beat = song.measure_at(position)
        return Snapshot(
            state=self.state,
            piece=stretch.piece,
            pieces=len(timeline.pieces),
            title=song.title,
            position=position,
            duration=length(arrangement),
            measure=measure,
            beat=beat,
            tempo_bpm=song.tempo_at(position) * stretch.speed,
            speed=stretch.speed,
            volume=self.volume,
            transpose=arrangement.transpose,
        )

    def wait(self) -> Player:
        """Play until everything is over or stopped; whatever ends it, all coils are off then.

        Raises BackendError when the backend fails.
        """
        try:
            while self._turn():
                self.backend.clock.wait_until(self._next_turn())
        except BaseException:
            self.state = State.FAILED if self.state is not State.IDLE else self.state
            raise
        finally:
            self.backend.silence()
        return self

    def _turn(self) -> bool:
        """Apply commands, hand pulses to the backend; False when there is nothing left to wait for."""
        while self._commands:
            self._commands.popleft()(self.backend.now())
            self._fed = -math.inf
        now = self.backend.now()
        if self._watch is not None:
            self._watch(now)
        self._look_for_faults()
        if self.state is State.PLAYING:
            if (end := self._timeline.end()) is not None and now >= end + RING:
                self.state = follow(self.state, "end")
                return bool(self._commands)
            self._feed(now)
        return self.state in (State.PLAYING, State.PAUSED)

    def _feed(self, now: float) -> None:
        if now - self._fed < self.backend.lookahead / 4:
            return
        self._fed = now
        horizon = now + self.backend.lookahead
        self._planner.add(self._timeline.take(horizon + self._planner.lead, self.volume))
        plan = self._planner.commit(horizon, now)
        self._timeline.forget_before(now - RING)
        if len(plan.pulses):
            self.backend.schedule(plan.pulses)
        self.refusals.update(plan.refusals)

    def _next_turn(self) -> float:
        now = self.backend.now()
        step = now + (self.backend.lookahead / 2 if self._watch is None else self._tick)
        end = self._timeline.end() if self.state is State.PLAYING else None
        return step if end is None else max(now + 1e-3, min(step, end + RING))

    def _look_for_faults(self) -> None:
        for fault in self.backend.poll():
            self.faults.append(fault)
            if fault.fatal:
                self.state = follow(self.state, "fail") if self.state is not State.IDLE else State.FAILED
                raise BackendError(fault.message)

    def _command(self, name: str, effect: Callable[[float], object]) -> Player:
        with self._lock:
            self.state = follow(self.state, name)
            self._commands.append(effect)
        self.backend.clock.wake()
        return self

    def _take_back(self, now: float) -> Table:
        """Take back what has not started; return the strikes that will not be heard for it."""
        after = math.nextafter(now, math.inf)  # what starts at this very moment has started
        self.backend.cancel(after)
        return self._planner.rewind(after)

    def _soon(self, now: float) -> float:
        """The earliest backend time at which something new can sound."""
        return now + READY + self._planner.lead

    def _pause(self, now: float) -> None:
        self._again = self._take_back(now)
        self._paused_at = now

    def _resume(self, now: float) -> None:
        """Lay the rest of the timeline as much later as the pause was long."""
        delay = self._soon(now) - self._paused_at
        self._again["time"] += delay
        self._planner.add(self._again)
        self._again = self._again[:0]
        self._timeline.delay(delay)

    def _stop(self, now: float) -> None:
        self._take_back(now)
        self._again = self._again[:0]
        self._timeline.clear()
        self.backend.silence()

    def _jump(self, now: float, piece: int, position: float) -> None:
        """Go on from a place of a piece."""
        self._take_back(now)
        self._again = self._again[:0]
        if self.state is State.PAUSED:
            self._paused_at = now
            self._timeline.clear()
            self._timeline.lay(now, piece, position)
        else:
            self._timeline.lay(self._soon(now), piece, position)

    def _skip(self, now: float, by: int) -> None:
        timeline = self._timeline
        piece = timeline.at(now).piece + by
        if piece >= len(timeline.pieces) and not timeline.repeat:
            self._take_back(now)
            self._timeline.clear()
            self.state = State.IDLE
        else:
            timeline.loop = None
            self._jump(now, max(0, piece) % len(timeline.pieces), 0.0)

    def _switch(self, now: float, change: Callable[[], object]) -> None:
        """Change something for all notes from the earliest moment on; earlier ones stay as they were."""
        timeline = self._timeline
        if not timeline.laid:
            change()
        elif self.state is State.PAUSED:
            stretch, position = timeline.at(self._paused_at), self._position(now)
            heard = stretch.time_of(position) if not len(self._again) else float(self._again["time"].min())
            change()
            first = stretch.first_from(heard, timeline.pieces[stretch.piece])
            timeline.lay(self._paused_at, stretch.piece, position, first)
            self._again = self._again[:0]
        else:
            moment = self._soon(now)
            back = self._take_back(now)
            self._planner.add(back[back["time"] < moment])
            stretch = timeline.at(moment)
            change()
            first = stretch.first_from(moment, timeline.pieces[stretch.piece])
            timeline.lay(moment, stretch.piece, stretch.position_at(moment), first)

    def _position(self, now: float) -> float:
        if not self._timeline.laid:
            return 0.0
        moment = self._paused_at if self.state is State.PAUSED else now
        stretch = self._timeline.at(moment)
        return min(max(stretch.position_at(max(moment, stretch.time)), 0.0), length(stretch.arrangement))

    def _piece(self) -> Arrangement:
        timeline = self._timeline
        if not timeline.laid:
            if self._first is None:
                raise OptionError("nothing is playing: play a song first")
            return self._first
        return timeline.at(self._paused_at if self.state is State.PAUSED else self.backend.now()).arrangement

    def _check_piece(self, piece: Arrangement) -> None:
        piece.require_notes()
        if piece.instrument != self.backend.instrument:
            raise OptionError(
                f"the arrangement is for {piece.instrument.name}, the backend has "
                f"{self.backend.instrument.name}: arrange the song for the backend's instrument"
            )

    @staticmethod
    def _check_position(position: float, piece: Arrangement) -> None:
        if not 0 <= position <= length(piece):
            raise OptionError(f"position {position:g} s is outside the song: give 0..{length(piece):.2f} s")


def _within(name: str, value: float, bounds: tuple[float, float]) -> float:
    if not (math.isfinite(value) and bounds[0] <= value <= bounds[1]):
        raise OptionError(f"{name} {value:g} is out of range: give {bounds[0]:g}..{bounds[1]:g}")
    return value
