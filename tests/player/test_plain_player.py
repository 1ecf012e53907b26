"""Commands against a plain player: which bar is struck when and how hard, to the microsecond."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from arranger.plain_balance import at_volume
from counts import examples
from player.pieces import INSTRUMENT, Stage, piece
from sequencer.playing import straight
from xylophone.arranger import Arrangement
from xylophone.player import Player, PlayerState
from xylophone.player.snapshot import Snapshot
from xylophone.player.timeline import length
from xylophone.tables import PLANNED, Priority, Refusal

LEAD = 0.024 + 0.022 + 0.003 + 0.005  # longest latency and pulse, shift, chord
SOON = 0.05 + LEAD
REACTION = 0.01
GAP, RING, END = 1.0, 1.0, 30.0


@dataclass
class Strike:
    """A note of a piece at its time."""

    time: float
    piece: int
    note: int
    velocity: float

    @property
    def start(self) -> float:
        return self.time - 0.024 + 0.008 * (self.velocity - 1) / 126


@dataclass
class PlainPlayer:
    """All that is still to be struck is a list, which every command writes anew."""

    pieces: list[Arrangement]
    repeat: bool
    speed: float = 1.0
    volume: float = 1.0
    loop: tuple[float, float] | None = None
    paused_at: float | None = None
    ahead: float = -np.inf  # before it some notes were struck ahead of a pause
    todo: list[Strike] = field(default_factory=list)
    parts: list[tuple[float, float, float, int]] = field(default_factory=list)
    """Time, position, speed (0 in the gap after a piece), piece."""
    over: bool = False
    end: float = np.inf  # of the last piece

    def lay(self, time: float, piece: int, position: float) -> None:
        """Let a position sound at a time, and all that follows."""
        self.parts = [part for part in self.parts if part[0] < time]
        self.end = np.inf
        while time < END:
            music, last = self.pieces[piece], length(self.pieces[piece])
            self.parts.append((time, position, self.speed, piece))
            looped = self.loop is not None and position < self.loop[1]
            upto = self.loop[1] if looped else last
            end = time + (upto - position) / self.speed
            for note, onset in enumerate(music.notes["onset"].tolist()):
                at = time + (onset - position) / self.speed
                if at > time - 1e-9 and (at < end - 1e-9 or not looped):
                    self.todo.append(Strike(at, piece, note, self.loud(piece, note)))
            if not looped:
                self.parts.append((end, last, 0.0, piece))
            if looped or self.loop:
                time, position = end + (0.0 if looped else self.gap()), self.loop[0]
            elif piece + 1 < len(self.pieces) or self.repeat:
                time, position, piece = end + self.gap(), 0.0, (piece + 1) % len(self.pieces)
            else:
                self.end = end
                return

    def gap(self) -> float:
        return 0.0 if self.repeat and len(self.pieces) == 1 else GAP

    def loud(self, piece: int, note: int) -> float:
        row = self.pieces[piece].notes[note]
        tune = row["priority"] == Priority.MELODY
        return float(np.float32(at_volume(float(row["velocity"]), float(row["lead"]), tune, self.volume)))

    def part(self, moment: float) -> tuple[float, float, float, int]:
        return [part for part in self.parts if part[0] <= moment or part is self.parts[0]][-1]

    def where(self, moment: float) -> tuple[int, float]:
        """Return the piece and position that sound at a moment."""
        time, position, speed, piece = self.part(moment)
        return piece, position + (max(moment, time) - time) * speed

    def heard(self, now: float) -> tuple[int, float]:
        piece, position = self.where(now if self.paused_at is None else self.paused_at)
        return piece, min(max(position, 0.0), length(self.pieces[piece]))

    def then(self, now: float) -> tuple[int, float]:
        return self.where(now + SOON if self.paused_at is None else self.paused_at)

    def jump(self, now: float, piece: int, position: float) -> None:
        self.todo = [] if self.paused_at is not None else [s for s in self.todo if s.start < now + REACTION]
        self.ahead = -np.inf
        if self.paused_at is not None:
            self.paused_at, self.parts = now + REACTION, []
        self.lay(now + SOON if self.paused_at is None else self.paused_at, piece, position)

    def switch(self, now: float, **changes: object) -> tuple[int, float]:
        """Change something for what starts soon; times of what sounds sooner stay. Return where that was."""
        paused = self.paused_at is not None
        moment = max(self.paused_at if paused else now + SOON, self.ahead)
        begin, _, speed, _ = self.part(moment)
        piece, position = self.where(moment)
        for name, value in changes.items():
            setattr(self, name, value)
        self.todo = [strike for strike in self.todo if strike.time < moment - 1e-9]
        for strike in self.todo:
            if paused:
                strike.velocity = self.loud(strike.piece, strike.note)
        self.lay(moment if speed else begin, piece, position)
        return piece, position

    def set_loop(self, now: float, begin: float, end: float) -> None:
        piece, position = self.switch(now, loop=(begin, end))
        if position >= end:
            self.jump(now, piece, begin)

    def skip(self, now: float, by: int) -> None:
        piece, position = self.then(now)
        piece += by or (-1 if position < 2.0 else 0)
        if piece >= len(self.pieces) and not self.repeat:
            self.stop(now)
        else:
            self.loop = None
            self.jump(now, max(0, piece) % len(self.pieces), 0.0)

    def stop(self, now: float) -> None:
        self.todo = [] if self.paused_at is not None else [s for s in self.todo if s.start < now + REACTION]
        self.over, self.end, self.paused_at = True, now, None


class Both:
    """A player on a stage, and the plain one; what each has struck."""

    def __init__(
        self, pieces: list[Arrangement], start: float, repeat: bool, speed: float, volume: float
    ) -> None:
        self.stage = Stage()
        self.player = Player(self.stage.backend, straight())
        self.plain = PlainPlayer(pieces, repeat, speed, volume)
        self.struck: list[Strike] = []
        self.last = 0.0  # when the last command was given
        self.player.play(list(pieces), start=start, repeat=repeat, speed=speed, volume=volume)
        self.plain.lay(SOON, 0, start)

    def command(self, rng: np.random.Generator) -> None:
        """Give both the same command, now."""
        player, plain, now = self.player, self.plain, self.stage.clock.now()
        if player.state is PlayerState.IDLE:
            return
        self.last = now
        if plain.paused_at is None:
            gone = now + REACTION
            self.struck += [strike for strike in plain.todo if strike.start < gone]
            plain.todo = [strike for strike in plain.todo if strike.start >= gone]
        piece, position = plain.heard(now)
        shot = player.snapshot()
        assert (shot.piece, shot.pieces, shot.title) == (
            piece,
            len(plain.pieces),
            plain.pieces[piece].song.title,
        )
        assert (shot.position, player.position) == pytest.approx((position, position), abs=1e-6)
        assert (shot.duration, shot.speed, shot.volume) == (
            length(plain.pieces[piece]),
            plain.speed,
            plain.volume,
        )
        assert shot.tempo_bpm == pytest.approx(120 * plain.speed)
        assert 4 * (shot.measure - 1) + shot.beat == pytest.approx(1 + 2 * position, abs=1e-5)
        assert 1 <= shot.beat <= 5
        assert (shot.transpose, player.volume) == (0, plain.volume)
        self.act(rng, now, piece)

    def act(self, rng: np.random.Generator, now: float, piece: int) -> None:
        player, plain = self.player, self.plain
        last, paused = length(plain.pieces[piece]), plain.paused_at is not None
        match rng.choice(
            ["toggle"] * 3 + ["speed", "volume", "seek", "by", "next", "previous", "loop", "end", "stop"]
        ):
            case "toggle" if paused:
                (player.toggle if rng.integers(2) else player.resume)()
                delay = now + SOON - plain.paused_at
                plain.parts = [(time + delay, *rest) for time, *rest in plain.parts]
                plain.todo = [replace(strike, time=strike.time + delay) for strike in plain.todo]
                plain.end, plain.ahead, plain.paused_at = plain.end + delay, plain.ahead + delay, None
            case "toggle":
                (player.toggle if rng.integers(2) else player.pause)()
                plain.paused_at = now + REACTION
                plain.ahead = max(plain.ahead, plain.paused_at + LEAD)
            case "speed" if rng.integers(2):
                player.set_speed(speed := float(rng.choice([0.5, 1.0, 1.5])))
                plain.switch(now, speed=speed)
            case "speed":
                player.scale_speed(1.25)
                plain.switch(now, speed=plain.speed * 1.25)
            case "volume":
                player.set_volume(volume := float(rng.choice([0.5, 1.0, 1.4])))
                plain.switch(now, volume=volume)
            case "seek":
                player.seek(position := float(rng.choice([0.0, 0.5, 1.1, last - 0.2])))
                plain.jump(now, piece, position)
            case "by":
                player.seek_by(
                    seconds := float(rng.choice([-9.0, -0.713, *([] if paused else [0.613, 9.0])]))
                )
                there, position = plain.then(now)
                plain.jump(now, there, min(max(0.0, position + seconds), length(plain.pieces[there])))
            case "next":
                player.next()
                plain.skip(now, 1)
            case "previous":
                player.previous()
                plain.skip(now, 0)
            case "loop":
                begin, end = float(rng.choice([0.0, 0.4])), float(rng.choice([1.37, 2.03, last]))
                player.set_loop(begin, end)
                plain.set_loop(now, begin, end)
            case "end":
                player.end_loop()
                plain.switch(now, loop=None)
            case "stop" if rng.integers(2):
                player.stop()
                plain.stop(now)
                self.struck = [strike for strike in self.struck if strike.start < now]  # all others at once

    def play(self, rng: np.random.Generator) -> float:
        """Play to an end; return when that was."""
        times = np.cumsum(rng.choice([0.31, 0.57, 1.3, 2.9], 9)) + float(rng.uniform(0, 0.2))
        for time in times[times < 18]:
            self.stage.clock.at(float(time), lambda: self.command(rng))
        self.stage.clock.at(20.0, self.finish)
        self.player.wait()
        return self.stage.clock.now()

    def finish(self) -> None:
        if self.player.state is not PlayerState.IDLE:
            now = self.stage.clock.now()
            if self.plain.paused_at is None:
                self.struck += [strike for strike in self.plain.todo if strike.start < now]
            self.plain.todo, self.plain.over = [], True
            self.player.stop()


def two_pieces(rng: np.random.Generator) -> list[Arrangement]:
    """Return one or two pieces of notes so far apart that nothing has to be moved at any speed."""
    pieces = []
    for number in range(int(rng.integers(1, 3))):
        onsets = np.cumsum(rng.choice([0.25, 0.5, 0.75], 9)) - 0.25
        pieces.append(
            piece(onsets.tolist(), (67 + 10 * number + np.arange(9)).tolist(), title=f"piece {number}")
        )
    return pieces


def test_before_anything_is_played_the_snapshot_says_so() -> None:
    nothing = Snapshot(PlayerState.IDLE, 0, 0, "", 0.0, 0.0, 1, 1.0, 0.0, 1.0, 1.0, 0)
    assert Stage().player.snapshot() == nothing


@examples(40, derandomize=True)
@given(st.integers(0, 10**6))
def test_every_bar_is_struck_when_and_as_hard_as_the_plain_player_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pieces = two_pieces(rng)
    start, speed, volume = (float(rng.choice(two)) for two in ([0.0, 0.6], [1.0, 0.8], [1.0, 0.7]))
    both = Both(pieces, start, bool(rng.integers(2)), speed, volume)
    ended = both.play(rng)
    plain = both.plain
    wanted = sorted(
        (s.time, int(pieces[s.piece].notes["hammer"][s.note]), s.velocity) for s in both.struck + plain.todo
    )
    by_bar = sorted((bar, time) for time, bar, _ in wanted)
    assume(
        all(a[0] != b[0] or b[1] - a[1] > 0.08 for a, b in pairwise(by_bar))
    )  # a jump back may be too soon
    rows = np.concatenate([np.zeros(0, PLANNED), *(commit.rows for commit in both.player._record._commits)])
    assert (rows["refused"] == Refusal.NONE).all()
    assert (rows["moved"] == 0).all()
    found = sorted(zip(*(rows[key].tolist() for key in ("time", "hammer", "velocity")), strict=True))
    assert len(found) == len(wanted)
    assert np.array(found) == pytest.approx(np.array(wanted), abs=2e-6)
    if not plain.over:
        assert ended == pytest.approx(max(plain.end + RING, both.last), abs=2e-3)
    assert both.player.state is PlayerState.IDLE
    assert both.stage.backend.instrument == INSTRUMENT
