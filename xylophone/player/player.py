"""The player: commands by name, from any thread; the loop carries them out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..arranger import Arrangement, arrange
from ..backends.backend import Backend
from ..calibration.file import default_calibration
from ..calibration.values import Calibration
from ..config.values import SPEEDS
from ..errors import OptionError, PlayerError
from ..performance.performance import Performance
from ..sequencer import Planner, PlanOptions
from ..strikes import unplanned
from ..tables import Hits, Strikes
from .bounds import (
    IN_PLAY,
    MARGINS,
    check_manner,
    check_moment,
    check_position,
    check_transposition,
    clamped,
    factor_of,
    loop_of,
    scaled_volume,
    within,
)
from .loop import TICK, Effect, Loop
from .states import PlayerState
from .timeline import Rearrange, length


class Player(Loop):
    """Plays arrangements on a backend.

    `calibration` is the default of the instrument's hammer kind unless given; `rearrange(song,
    transpose)` is asked for a new arrangement when the transposition changes in play. `watch(now)` is
    called every `tick` seconds while something plays or is paused: for screens and loudspeakers. What was
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
        tick: float = TICK,
        remember: int = 100_000,
    ) -> None:
        instrument = backend.instrument
        self._options = options or PlanOptions()
        self._planner = Planner(instrument, calibration or default_calibration(instrument), self._options)
        super().__init__(backend, self._planner, remember, watch, tick)
        self._rearrange = rearrange or (lambda song, shift: arrange(song, instrument, transpose=shift))
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
        at: float | None = None,
        roll: bool | None = None,
    ) -> Player:
        """Play a piece, or a queue of several, from `start` (song time of the first); returns the player.

        `repeat` plays the queue again and again; with `more` others follow by `add`, until `close_queue`.
        `gap` is the silence between pieces: 1 s, none where one follows itself. `start` sounds at the backend
        time `at`, or as soon as it can. `roll` says whether a chord that the supply cannot drive at once may
        be rolled; None: as the player's options have it. What was playing stops.
        """
        queue = self._queue_of(pieces)
        check_position(start, queue[0])
        check_manner(speed, volume, gap)
        check_moment(at, self.backend.now())

        def begin(now: float) -> None:
            self._set_manner(speed, volume, roll)
            self._engine.begin(now, queue, start, repeat, more, gap, at)

        return self._begin(begin, queue[0])

    def add(self, piece: Arrangement) -> Player:
        """Put a piece at the end of the queue."""
        self._check_piece(piece)
        return self._command("add", lambda now: self._engine.add(now, piece))

    def close_queue(self) -> Player:
        """Let the queue end with its last piece: nothing more is added."""
        return self._command("add", lambda now: setattr(self._engine.timeline, "more", False))

    def follow(self, after: Arrangement, pieces: Sequence[Arrangement]) -> Player:
        """Let these pieces, and no others, come after one of the queue, which must be that very object.

        Where it is not there any more, or what follows it sounds already, nothing changes. Pieces that are
        over are forgotten: no command leads back to them.
        """
        for piece in pieces:
            self._check_piece(piece)
        return self._command("add", lambda now: self._engine.follow(now, after, list(pieces)))

    def strike(self, strikes: Strikes) -> Player:
        """Strike bars directly (dtype STRIKE, backend times), while nothing plays or what plays is paused.

        What is asked for `notice` s before it is to sound is planned in time, however soft; what comes later
        may be refused as late. OptionError for a velocity, hammer or time that cannot be.
        """
        unplanned(strikes, len(self.backend.instrument))
        return self._command("strike", lambda now: self._engine.direct.strike(strikes))

    def hush(self) -> Player:
        """Take back direct strikes that have not been struck; what is paused stays so."""
        return self._command("hush", self._engine.direct.hush)

    @property
    def margin(self) -> float:
        """How long before its coil goes on a direct strike is planned and handed over, s."""
        return self._engine.direct.margin

    @margin.setter
    def margin(self, seconds: float) -> None:
        """Set it; OptionError out of its bounds."""
        self._engine.direct.margin = within("margin", seconds, MARGINS)

    @property
    def notice(self) -> float:
        """How long after it was asked for a direct strike sounds, however soft, s."""
        return self._engine.direct.notice

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

    def emergency(self) -> Player:
        """Stop in an emergency, before all else: all coils off, and nothing is played until `release`.

        Commands that have not taken effect are dropped.
        """
        self._take("emergency", self._engine.emergency, alone=True)
        return self

    def release(self) -> Player:
        """Allow playing again after an emergency; nothing plays by that."""
        return self._command("release", lambda now: self.backend.clear())

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
        """Play as loud as this, from the next notes on; 1 is as arranged (`strikes_of`), 0 is silent."""
        volume = within("volume", volume, IN_PLAY)
        return self._change("volume", lambda: setattr(self._engine, "volume", volume))

    def scale_volume(self, factor: float) -> Player:
        """Multiply the volume that holds when this takes effect, as far as the bounds of volume go."""
        engine, factor = self._engine, factor_of("volume", factor)
        return self._change("volume", lambda: setattr(engine, "volume", scaled_volume(engine.volume, factor)))

    def set_transpose(self, semitones: int) -> Player:
        """Arrange the present piece anew, transposed by so many semitones from its written pitch."""
        check_transposition(semitones)
        with self._lock:
            old = self._piece()
        return self.exchange(old, self._rearrange(old.song, semitones))

    def exchange(self, old: Arrangement, new: Arrangement) -> Player:
        """Put an arrangement in the place of another, wherever that very object stands in the queue."""
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
    def piece(self) -> Arrangement | None:
        """What sounds, or sounded last; None before anything was played, and after `stop`."""
        with self._lock:
            engine = self._engine
            return engine.stretch(self.backend.now()).arrangement if engine.timeline.laid else None

    def holds(self, piece: Arrangement) -> bool:
        """Tell whether that very object sounds, or stands in the queue."""
        with self._lock:
            return any(each is piece for each in self._engine.timeline.pieces)

    @property
    def waits(self) -> bool:
        """Whether the whole queue is over and has rung, and more is waited for."""
        with self._lock:
            return self._engine.waits(self.backend.now())

    @property
    def volume(self) -> float:
        """How loud it plays; 1 is as arranged."""
        return self._engine.volume

    @property
    def refusals(self) -> Counter[str]:
        """How many strikes were not sent, by reason."""
        with self._lock:
            return +self._record.refusals

    def performance(self, hits: Hits, title: str = "") -> Performance:
        """Return what was planned beside these hits (dtype HIT, backend time), as far as it is remembered.

        Times count from the moment at which the first piece began. PlayerError before anything was played.
        """
        with self._lock:
            return self._record.performance(hits, title)

    def _set_manner(self, speed: float | None, volume: float | None, roll: bool | None) -> None:
        self._engine.set_manner(speed, volume)
        self._planner.options = self._options if roll is None else replace(self._options, roll=roll)

    def _begin(self, begin: Effect, first: Arrangement) -> Player:
        with self._lock:
            self._command("play", begin)
            self._first = first
        return self

    def _change(self, name: str, change: Callable[[], object]) -> Player:
        return self._command(name, lambda now: self._engine.switch(now, change))

    def _command(self, name: str, effect: Effect) -> Player:
        self._take(name, effect)
        return self

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
