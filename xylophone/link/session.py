"""The session: pulses at the host's times, played by a board, without any port.

Bytes and the host's time go in; bytes, deadlines and news come out. A conversation keeps the board
armed; the book keeps the pulses, so that what is still to come can be sent again to a board that has
forgotten it.
"""

from __future__ import annotations

import math

import numpy as np

from ..instrument import Instrument
from ..tables import Pulses
from .book import Book
from .conversation import LOST_AFTER, Conversation
from .messages import TICK_RATE, Cancel
from .news import LINK_BUSY, News, Resumed, StrikesLate
from .phases import Phase
from .sender import ON_BOARD, next_frame

UNDER_WAY = 3
"""Frames handed to the link at once: full ones fill its window, and later ones get the newest clock."""

NOTICE = 0.02
"""s before its start that the first pulse is sent to a board that is back: what is sooner would come late."""

LATE_NEWS_EVERY = 0.5
"""s between two pieces of news about late pulses."""


class Session:
    """Plays pulses of an instrument on a board.

    Call `receive` with what has arrived, then `turn`, whose bytes go to the port; again at
    `next_time`, or when more arrives. `seed` is that of the nonces; `fixed_baud` says that the port
    cannot send at another rate than its own.
    """

    def __init__(
        self, instrument: Instrument, now: float, seed: int | None = None, fixed_baud: bool = False
    ) -> None:
        self.talk = Conversation(instrument, now, seed, fixed_baud)
        self.book = Book()
        self.late, self.latest = 0, 0.0  # their time was past before they were sent
        self.told_at = -math.inf
        self._falls = 0  # of the conversation, those that the book knows of
        self._has_played = self._away = False
        self._lost = self._regained = 0  # as they were when the board was back the last time
        self._passed = 0  # pulses, while away
        self._back_at: float | None = None  # when it was armed again
        self._dropped, self._late_by, self._late_told = 0, 0.0, -math.inf

    @property
    def phase(self) -> Phase:
        """Where the conversation with the board is."""
        return self.talk.phase

    @property
    def stopped(self) -> bool:
        """Whether an emergency stop is latched."""
        return self.talk.stopped

    @property
    def quiet(self) -> bool:
        """Whether the board has confirmed what it was told last: that its coils are off."""
        return self.talk.quiet

    @property
    def baud(self) -> int:
        """The rate at which the bytes are to be sent that `turn` has just returned."""
        return self.talk.questions.way_out.baud

    def open(self, now: float) -> None:
        """Begin anew with a port that was just opened."""
        self.talk.open(now)

    def gone(self, now: float) -> None:
        """The port is no more: pulses pass unplayed until `open` and what follows."""
        self.talk.gone()
        self._restart(now)

    def play(self, pulses: Pulses) -> None:
        """Take pulses (dtype PULSE), none before one that was taken; they start at the host's times."""
        self.book.add(pulses)

    def cancel(self, after: float) -> int:
        """Take back what starts at or after `after`; return how many."""
        self._hold()
        count, clock = self.book.take_back(after)
        if clock is not None and self.phase is Phase.PLAYING:
            self.talk.link.send(Cancel(clock & 0xFFFF_FFFF))
        return count

    def silence(self, now: float, hard: bool = False) -> int:
        """Switch all coils off now and forget all pulses; return how many had not started.

        `hard` goes past all frames that are under way.
        """
        self._hold()
        self.talk.silence(hard)
        return self.book.silence(now)

    def stop(self, now: float) -> int:
        """Silence past all frames, until `clear`; return how many pulses had not started."""
        self._hold()
        self.talk.stop(now)
        return self.book.silence(now)

    def clear(self) -> None:
        """Allow pulses again."""
        self.talk.clear()

    def receive(self, content: bytes, now: float) -> None:
        """Take bytes that have arrived by `now`."""
        talk = self.talk
        talk.receive(content, now)
        if talk.falls != self._falls and self._counts_on:
            self._restart(now)  # before its count, which says how many of the lost ones it had played
        if (told := talk.questions.told) is not None:
            self.book.confirm(*told, now)
            self.told_at, talk.questions.told = now, None
        if talk.falls != self._falls:
            self._restart(now)
        elif self._back_at is not None and self.told_at >= self._back_at:
            self._come_back()

    def turn(self, now: float) -> bytes:
        """Do what is due; return the bytes to send, at `baud`, which is to be set without any too."""
        talk = self.talk
        talk.turn(now)
        if talk.falls != self._falls:
            self._restart(now)
        if talk.phase is Phase.PLAYING:
            self._feed(now)
        elif talk.phase in (Phase.STOPPED, Phase.FAILED):
            self._lost += self.book.silence(now)
        if now >= self._late_told + LATE_NEWS_EVERY:
            self._tell_late(now)
        talk.ask(now)
        return talk.questions.bytes_to_send(now)

    def ask(self, now: float) -> None:
        """Ask at once for what the board has counted; `told_at` is when it last told."""
        self.talk.ask(now, at_once=True)

    def take_news(self) -> list[News]:
        """Return what there is to tell since the last call."""
        news, self.talk.news = self.talk.news, []
        return news

    def next_time(self) -> float:
        """Return when `turn` is to be called at the latest, if nothing arrives before."""
        waiting = self.book.unsent
        if self.phase is Phase.PLAYING and len(waiting):
            return min(self.talk.next_time(), float(waiting["start"][0]) - ON_BOARD)
        return self.talk.next_time()

    def lost(self, now: float) -> int:
        """Return how many pulses have passed unplayed since the board was away, or had reset."""
        waiting = self.book.unsent["start"]
        away = self._passed + int(np.count_nonzero(waiting < now)) if self._away else 0
        return self._lost + away

    def notes(self, now: float) -> dict[str, float]:
        """Return what there is to count about the link, the clock and the board, by name."""
        link, sync, counters = self.talk.link, self.talk.questions.sync, self.talk.questions.counters
        notes: dict[str, float] = {
            "cut": self.book.cut,
            "lost": self.lost(now),
            "resets": self.talk.resets,
            "retransmits": link.retransmits,
            "damaged": link.damaged,
            **{f"board_{name}": counters.total(name) for name in ("damaged", "gaps", "overruns", "forced")},
            "board_late": counters.total("late"),
            "round_trip_ms": 1e3 * link.timeout.smooth,
            "rate_ppm": 1e6 * (sync.rate / TICK_RATE - 1),
            "clock_error_ms": 1e3 * sync.error,
        }
        if counters.least_notice is not None:
            notes["least_notice_ms"] = 1e3 * counters.least_notice
        return {name: float(value) for name, value in notes.items()}

    def _feed(self, now: float) -> None:
        """Send what is to start soon, as far as the link takes it; drop what is past."""
        late = self.book.drop_before(now + NOTICE * self._away)
        if self._away and self._back_at is None:
            self._back_at = now
            self.talk.ask(now, at_once=True)
        if self._away:
            self._passed += len(late)
        elif len(late):
            by = now - float(late["start"][0])
            self.late, self.latest = self.late + len(late), max(self.latest, by)
            self._dropped, self._late_by = self._dropped + len(late), max(self._late_by, by)
        self._has_played = True
        talk = self.talk
        to_clock = talk.questions.sync.to_clock
        while talk.link.waiting < UNDER_WAY and (frame := next_frame(self.book, now, to_clock)):
            talk.link.send(frame)

    @property
    def _counts_on(self) -> bool:
        """Whether a board that has lost its queue still counts from its last HELLO."""
        return self.phase is Phase.ARMING

    def _hold(self) -> None:
        """Take strikes that have not left yet back from the link."""
        self.book.unsend(len(self.talk.link.take_back_strikes()))

    def _restart(self, now: float) -> None:
        """The board has lost its queue: send again what is still to come."""
        self._falls = self.talk.falls
        self._tell_late(now)
        self._passed += self.book.restart(now, self._counts_on)
        self._away, self._back_at = self._has_played, None

    def _come_back(self) -> None:
        """Tell how many pulses were not played while the board was away, now that it has told its count."""
        self._passed -= self.book.regained - self._regained
        self._regained = self.book.regained
        self.talk.news.append(Resumed(self._passed))
        self._lost += self._passed
        self._away, self._back_at, self._passed = False, None, 0

    def _tell_late(self, now: float) -> None:
        """Tell of late pulses that have not been told of."""
        if not self._dropped:
            return
        talk = self.talk
        stalled = talk.stalled and now - talk.awake < LOST_AFTER
        cause = (
            f"the program had no CPU for {talk.stalled:.1f} s: end other programs" if stalled else LINK_BUSY
        )
        talk.news.append(StrikesLate(self._dropped, self._late_by, cause))
        self._dropped, self._late_by, self._late_told = 0, 0.0, now
