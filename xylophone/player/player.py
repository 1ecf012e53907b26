"""The player: commands by name, from any thread; the loop that carries them out, on one.

Commands may come from any thread, from a signal handler or from a virtual clock. They are checked
against the table of states at once, and take effect in the loop (`wait`), which alone touches the
backend.
"""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence

from ..arranger import Arrangement, arrange
from ..backends.backend import Backend
from ..backends.contract import Fault
from ..calibration.file import default_calibration
from ..calibration.values import Calibration
from ..config.values import SPEEDS, VOLUMES
from ..errors import OptionError, PlayerError
from ..performance.performance import Performance
from ..sequencer import Planner, PlanOptions
from ..tables import Hits
from .bounds import GAPS, check_position, check_transposition, clamped, factor_of, loop_of, within
from .engine import Engine
from .record import Record
from .snapshot import Snapshot
from .states import PlayerState, follow
from .timeline import Rearrange, length

TICK = 0.03
"""s between two calls of `watch`."""

MOST_FAULTS = 1000
"""The newest so many faults are kept."""


class Player:
    """Plays arrangements on a backend.

    `calibration` is the default of the instrument's hammer kind unless given; `rearrange(song,
    transpose)` is asked for a new arrangement when the transposition changes in play. `watch(now)` is
    called every 0.03 s while something plays or is paused: for screens and loudspeakers. What was
    planned for the newest `remember` strikes is kept for `performance`. `faults` are the newest that
    the backend met, `faults_met` counts them all.

    >>> instrument = build_instrument()
    >>> with open_backend("sim:", instrument) as backend:
    ...     player = Player(backend).play(arrange(load_song(find_song("sakura")), instrument), speed=2.0)
    ...     print(player.wait().state, backend.report().pulses)
    idle 243
    """

    def __init__(
        self,
        backend: Backend,
        calibration: Calibration | None = None,
        options: PlanOptions | None = None,
        *,
        rearrange: Rearrange | None = None,
        watch: Callable[[float], object] | None = None,
        remember: int = 100_000,
    ) -> None:
        instrument = backend.instrument
        self.backend = backend
        self.faults: deque[Fault] = deque(maxlen=MOST_FAULTS)
        self.faults_met = 0
        self.state = PlayerState.IDLE
        planner = Planner(instrument, calibration or default_calibration(instrument), options)
        self._record = Record(remember)
        self._engine = Engine(backend, planner, self._record)
        self._rearrange = rearrange or (lambda song, shift: arrange(song, instrument, transpose=shift))
        self._watch = watch
        self._step = backend.lookahead / 2 if watch is None else TICK
        self._commands: deque[tuple[PlayerState, Callable[[float], object]]] = deque()
        self._lock = threading.RLock()
        self._waiting = threading.Lock()
        self._first: Arrangement | None = None  # what `play` was last asked for

    def play(
        self,
        pieces: Arrangement | Sequence[Arrangement],
        *,
        speed: float | None = None,
        volume: float | None = None,
        start: float = 0.0,
        repeat: bool = False,
        more: bool = False,
        gap: float | None = None,
    ) -> Player:
        """Play a piece, or a queue of several, from `start` (song time of the first); returns the player.

        `repeat` plays the queue again and again; with `more` others follow by `add`, until `close_queue`.
        `gap` is the silence between pieces: 1 s, none where one follows itself. What was playing stops.
        """
        queue = self._queue_of(pieces)
        check_position(start, queue[0])
        speed = None if speed is None else within("speed", speed, SPEEDS)
        volume = None if volume is None else within("volume", volume, VOLUMES)
        gap = None if gap is None else within("gap", gap, GAPS)

        def begin(now: float) -> None:
            self._engine.set_manner(speed, volume)
            self._engine.begin(now, queue, start, repeat, more, gap)

        with self._lock:
            self._command("play", begin)
            self._first = queue[0]
        return self

    def add(self, piece: Arrangement) -> Player:
        """Put a piece at the end of the queue."""
        self._check_piece(piece)
        return self._command("add", lambda now: self._engine.add(now, piece))

    def close_queue(self) -> Player:
        """Let the queue end with its last piece: nothing more is added."""
        return self._command("add", lambda now: setattr(self._engine.timeline, "more", False))

    def pause(self) -> Player:
        """Stop between two notes; what has not started is kept for `resume`."""
        return self._command("pause", self._engine.pause)

    def resume(self) -> Player:
        """Go on where `pause` stopped."""
        return self._command("resume", self._engine.resume)

    def toggle(self) -> Player:
        """Pause, or resume."""
        with self._lock:
            paused = self.state is PlayerState.PAUSED
            return self._command("toggle", self._engine.resume if paused else self._engine.pause)

    def stop(self) -> Player:
        """Stop playing: all coils off, nothing more follows."""
        return self._command("stop", self._engine.stop)

    def seek(self, position: float) -> Player:
        """Go on from a song time of the present piece; OptionError past its end."""
        with self._lock:
            piece = self._piece()
            check_position(position, piece)

            def jump(now: float) -> None:
                self._engine.jump(now, self._engine.stretch(now).piece, min(position, length(piece)))

            return self._command("seek", jump)

    def seek_by(self, seconds: float) -> Player:
        """Go forwards or backwards by so much song time, within the present piece."""
        if not math.isfinite(seconds):
            raise OptionError(f"cannot seek by {seconds} s: give a number of seconds")
        return self._command("seek", lambda now: self._engine.jump_by(now, seconds))

    def next(self) -> Player:
        """Go on with the next piece; after the last, stop unless the queue repeats."""
        return self._command("next", lambda now: self._engine.skip(now, 1))

    def previous(self) -> Player:
        """Go back to the beginning of the piece, or from its first two seconds to the piece before."""
        return self._command("previous", lambda now: self._engine.skip(now, 0))

    def set_speed(self, speed: float) -> Player:
        """Play at a factor of the song's tempo, from the next notes on."""
        speed = within("speed", speed, SPEEDS)
        return self._change("speed", lambda: setattr(self._engine.timeline, "speed", speed))

    def scale_speed(self, factor: float) -> Player:
        """Play so many times as fast as when this takes effect, as far as the bounds of speed go."""
        timeline, factor = self._engine.timeline, factor_of("speed", factor)
        return self._change(
            "speed", lambda: setattr(timeline, "speed", clamped(timeline.speed * factor, SPEEDS))
        )

    def set_tempo(self, tempo_bpm: float) -> Player:
        """Play so that the present tempo of the song becomes so many quarter notes a minute."""
        with self._lock:
            own = self._piece().song.tempo_at(self.position)
            least, most = own * SPEEDS[0], own * SPEEDS[1]
            if not least <= tempo_bpm <= most:
                raise OptionError(f"tempo {tempo_bpm:g} bpm is out of range: give {least:g}..{most:g} here")
            return self.set_speed(tempo_bpm / own)

    def set_volume(self, volume: float) -> Player:
        """Play as loud as this, from the next notes on; 1 is as arranged (`strikes_of`)."""
        volume = within("volume", volume, VOLUMES)
        return self._change("volume", lambda: setattr(self._engine, "volume", volume))

    def scale_volume(self, factor: float) -> Player:
        """Multiply the volume that holds when this takes effect, as far as the bounds of volume go."""
        engine, factor = self._engine, factor_of("volume", factor)
        return self._change(
            "volume", lambda: setattr(engine, "volume", clamped(engine.volume * factor, VOLUMES))
        )

    def set_transpose(self, semitones: int) -> Player:
        """Arrange the present piece anew, transposed by so many semitones from its written pitch."""
        check_transposition(semitones)
        with self._lock:
            old = self._piece()
        new = self._rearrange(old.song, semitones)
        self._check_piece(new)

        def put() -> None:
            pieces = self._engine.timeline.pieces
            pieces[:] = [new if piece is old else piece for piece in pieces]

        return self._change("transpose", put)

    def set_loop(self, begin: float | None = None, end: float | None = None) -> Player:
        """Repeat the present piece from `begin` to `end` (song time; its whole length for None).

        Past `end` the music goes to `begin` at once.
        """
        with self._lock:
            loop = loop_of(begin, end, length(self._piece()))
            return self._command("loop", lambda now: self._engine.loop(now, loop))

    def end_loop(self) -> Player:
        """Play on to the end."""
        return self._change("loop", lambda: setattr(self._engine.timeline, "loop", None))

    @property
    def position(self) -> float:
        """The song time that sounds now; where the music stopped while it is paused."""
        with self._lock:
            return self._engine.position(self.backend.now())

    @property
    def volume(self) -> float:
        """How loud it plays; 1 is as arranged."""
        return self._engine.volume

    @property
    def refusals(self) -> Counter[str]:
        """How many strikes were not sent, by reason."""
        with self._lock:
            return +self._record.refusals

    def snapshot(self) -> Snapshot:
        """Return where the player is."""
        with self._lock:
            return Snapshot.of(self._engine, self.state, self.backend.now())

    def performance(self, hits: Hits, title: str = "") -> Performance:
        """Return what was planned beside these hits (dtype HIT, backend time), as far as it is remembered.

        Times count from the moment at which the first piece began. PlayerError before anything was played.
        """
        with self._lock:
            return self._record.performance(hits, title)

    def wait(self) -> Player:
        """Play until everything is over or stopped; whatever ends it, all coils are off then.

        Raises BackendError when the backend fails, PlayerError when another thread waits already.
        """
        if not self._waiting.acquire(blocking=False):
            raise PlayerError("the player is being waited for already: one thread runs it, others command it")
        try:
            while self._turn():
                self.backend.clock.wait_until(self._next_turn())
        except BaseException:
            with self._lock:
                self.state = PlayerState.FAILED
                self._commands.clear()
            raise
        finally:
            self._waiting.release()
            self.backend.silence()
        return self

    def _turn(self) -> bool:
        """Apply commands, hand pulses to the backend; False when there is nothing left to wait for."""
        if self._watch is not None:
            self._watch(self.backend.now())
        with self._lock:
            while self._commands:
                state, effect = self._commands.popleft()
                effect(self.backend.now())
                self.state = state
            self._look_for_faults()
            if self.state in (PlayerState.PLAYING, PlayerState.PAUSED):
                now = self.backend.now()
                if self._engine.over(now):
                    self.state = follow(self.state, "end")
                else:
                    self._engine.feed(now)
            return bool(self._commands) or self.state in (PlayerState.PLAYING, PlayerState.PAUSED)

    def _next_turn(self) -> float:
        with self._lock:
            now, end = self.backend.now(), self._engine.ending()
        return now + self._step if end is None else max(now + 1e-3, min(now + self._step, end))

    def _look_for_faults(self) -> None:
        for fault in self.backend.poll():
            self.faults.append(fault)
            self.faults_met += 1
            fault.require_more()

    def _command(self, name: str, effect: Callable[[float], object]) -> Player:
        with self._lock:
            self.state = follow(self.state, name)
            self._commands.append((self.state, effect))
        self.backend.clock.wake()
        return self

    def _change(self, name: str, change: Callable[[], object]) -> Player:
        return self._command(name, lambda now: self._engine.switch(now, change))

    def _piece(self) -> Arrangement:
        engine = self._engine
        if engine.timeline.laid:
            return engine.stretch(self.backend.now()).arrangement
        if self._first is None:
            raise PlayerError("nothing is playing: play a song first")
        return self._first

    def _queue_of(self, pieces: Arrangement | Sequence[Arrangement]) -> list[Arrangement]:
        """Return what is to be played; OptionError where that is nothing, or for other hammers."""
        queue = [pieces] if isinstance(pieces, Arrangement) else list(pieces)
        if not queue:
            raise OptionError("nothing to play: give one arrangement or more")
        for piece in queue:
            self._check_piece(piece)
        return queue

    def _check_piece(self, piece: Arrangement) -> None:
        piece.require_notes()
        if piece.instrument != self.backend.instrument:
            raise OptionError(
                f"the arrangement is for {piece.instrument.name}, the backend has "
                f"{self.backend.instrument.name}: arrange the song for the backend's instrument"
            )
