"""The conversation with a board: from HELLO to armed, and back to HELLO whenever something goes wrong.

No port and no pulses: bytes and the host's time go in; bytes, a phase and news come out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..instrument import Instrument
from .bootloader import SILENCE
from .connection import Connection
from .fitness import FLASH, LIMITS_REFUSED, unfit
from .limits import configuration
from .messages import (
    Ack,
    Arm,
    BoardFault,
    BoardState,
    Boot,
    Clear,
    Disarm,
    Estop,
    HelloReply,
    Message,
    StatusReply,
    SyncReply,
)
from .news import BoardStopped, LinkLost, News, Reset, Unfit, WaitsLong
from .phases import LISTENING, Phase
from .questions import Questions

BOOT_PATIENCE = 3.0
"""s that a board is given to say BOOT; then HELLO is said without one."""

ANSWER_PATIENCE = 1.5
"""s from the first HELLO after which nobody is there."""

LOST_AFTER = 0.8
"""s without a valid frame after which a link is lost; the board itself waits for 1 s."""

DEAF_AFTER = 2.5
"""s without a valid frame after which only opening the port again may help: it resets the board."""

MOST_REFUSALS = 3
"""Times in a row that a board may refuse to be armed."""

STALL = 0.25
"""s between two turns after which it was the host that was away."""

STOP_AGAIN = 0.05
"""s between two emergency stops, until one is confirmed."""


class Conversation:
    """A conversation with a board that shall play an instrument.

    Call `receive` with what has arrived, then `turn` and `ask`, then send the `bytes_to_send` of its
    `questions`. `falls` counts how often the board has lost the strikes it had; in phase ARMING it counts
    on from before, else from 0. With `fixed_baud` the port knows one rate only.
    """

    def __init__(
        self, instrument: Instrument, now: float, seed: int | None = None, fixed_baud: bool = False
    ) -> None:
        self.instrument, self.fixed_baud = instrument, fixed_baud
        self.board: HelloReply | None = None
        self.news: list[News] = []
        self.resets = self.falls = 0
        self.stopped = False
        self.stalled = 0.0  # s that the host was away the last time
        self.questions = Questions(now, seed, fixed_baud)
        self._refusals = 0
        self._takers: dict[type[Message], Callable[[Any, float], None]] = {
            HelloReply: self._take_hello,
            Boot: self._take_boot,
            SyncReply: self._take_sync,
            StatusReply: self._take_status,
            Ack: self._take_state,
        }
        self.open(now)

    def open(self, now: float) -> None:
        """Begin anew with a port that was just opened."""
        self.questions.open(now)
        self._outwaited = False
        self.phase = Phase.BOOTING
        self.lost = False  # nothing has been heard for too long
        self.noise = 0  # bytes that have come, frames or not
        self.awake = self._turned = now
        self._deadline = now + BOOT_PATIENCE
        self._opened = True  # which resets the board: no news
        self._stop_again = now
        self._state, self._fault = BoardState(0), BoardFault.NONE

    @property
    def link(self) -> Connection:
        """The link to the board, over the port that was opened last."""
        return self.questions.link

    def gone(self) -> None:
        """The port is no more."""
        self.falls += 1
        self.phase = Phase.DEAF

    def silence(self, hard: bool) -> None:
        """Have all coils switched off now and the queue emptied; `hard` goes past all frames under way."""
        if hard or self.phase is Phase.GREETING:
            self.questions.raw_stop()
        if self.phase in (Phase.ARMING, Phase.PLAYING):
            self._arm(Disarm(), *([Clear()] if hard else []))

    def stop(self, now: float) -> None:
        """Silence past all frames, until `clear`; said again until the board confirms it."""
        self.stopped = True
        if self.phase in (Phase.ARMING, Phase.PLAYING):
            self._halt(now)
        elif self.phase is not Phase.BOOTING or not self._opened:
            self.questions.raw_stop()

    def clear(self) -> None:
        """End the emergency stop."""
        self.stopped = False
        if self.phase is Phase.STOPPED:
            self._arm(Disarm(), Clear())

    @property
    def quiet(self) -> bool:
        """Whether the board has confirmed what it was told last: that its coils are off."""
        if self.phase is Phase.PLAYING:
            return not self.link.waiting
        at_rest = (Phase.SETTING, Phase.STOPPED, Phase.FAILED)
        return self.phase in at_rest and not self._state & BoardState.ARMED

    def receive(self, content: bytes, now: float) -> None:
        """Take bytes that have arrived by `now`."""
        self.noise += len(content)
        for message in self.questions.receive(content, now):
            self.lost = False
            if self.phase is not Phase.BOOTING:
                self._takers[type(message)](message, now)
            elif isinstance(message, Boot) or not self._opened:  # else it is from before the opening
                self._fall(now)

    def turn(self, now: float) -> None:
        """Do what is due."""
        if now - self._turned > STALL:
            self.awake, self.stalled = now, now - self._turned
        self._turned = now
        if self.phase in LISTENING:
            self._listen(now)
        if (duty := _DUTIES.get(self.phase)) is not None:
            duty(self, now)

    def ask(self, now: float, at_once: bool = False) -> None:
        """Ask a board that answers what it is time to ask, or all at once; see Questions.ask."""
        if self.phase in LISTENING:
            self.questions.ask(now, at_once)

    def next_time(self) -> float:
        """Return when `turn` is to be called at the latest, if nothing arrives before."""
        times = [self.questions.next_bytes()]
        if self.phase in (Phase.BOOTING, Phase.GREETING):
            times.append(self._deadline)
        if self.questions.busy:
            return min(times)
        if self.phase is Phase.GREETING:
            times.append(self.questions.next_hello)
        if self._stops:
            times.append(self._stop_again)
        if self.phase in LISTENING:
            times.append(self.questions.next_time())
        return min(times)

    def _await_boot(self, now: float) -> None:
        if now >= self._deadline:
            self._greet(now)

    def _await_answer(self, now: float) -> None:
        if now >= self._deadline:
            if self.fixed_baud and not self._outwaited:
                self._outwait(now)
            else:
                self.phase = Phase.DEAF
        elif now >= self.questions.next_hello and not self.questions.busy:
            self.questions.hello(now)

    def _await_settings(self, now: float) -> None:
        if self.link.waiting:
            return
        if self._fault == BoardFault.CONFIG:
            self._fail(LIMITS_REFUSED)
        elif self._state & BoardState.CONFIGURED and self.questions.sync.ready:
            self._arm()

    def _await_arms(self, now: float) -> None:
        if self.link.waiting:
            return
        if self._state & BoardState.ARMED:
            self.phase, self._refusals = Phase.PLAYING, 0
        else:
            self._disarmed(now)

    def _await_clear(self, now: float) -> None:
        if self._stops and now >= self._stop_again and not self.questions.busy:
            self._halt(now)

    @property
    def _stops(self) -> bool:
        """Whether an emergency stop is to be said until the board confirms it."""
        return self.phase is Phase.STOPPED and bool(self._state & BoardState.ARMED)

    def _listen(self, now: float) -> None:
        """Notice that nobody answers; not when it was the host that was away."""
        silent = min(now - self.link.last_heard, now - self.awake)
        if silent > DEAF_AFTER:
            self.phase = Phase.DEAF
        elif silent > LOST_AFTER and not self.lost:
            self.lost = True
            self.news.append(LinkLost(LOST_AFTER))
            if self.fixed_baud and self.phase is not Phase.STOPPED:
                self.falls += 1
                self._outwait(now)

    def _outwait(self, now: float) -> None:
        """Say nothing until a bootloader that cannot be told to leave has left by itself."""
        self._outwaited = True
        self.link.hold(True)
        self.phase, self._deadline = Phase.BOOTING, now + SILENCE
        self.news.append(WaitsLong(SILENCE))

    def _fall(self, now: float) -> None:
        """Begin with HELLO again: what the board had is gone, or may be."""
        self.falls += 1
        self._greet(now)

    def _greet(self, now: float) -> None:
        self.phase = Phase.GREETING
        self._deadline = now + ANSWER_PATIENCE
        self.questions.hello(now)

    def _take_boot(self, boot: Boot, now: float) -> None:
        if self.phase is Phase.GREETING:
            self.questions.hello(now)
        elif self.phase in LISTENING:
            self._fall(now)

    def _take_hello(self, board: HelloReply, now: float) -> None:
        if self.phase is not Phase.GREETING or not self.questions.is_answer(board.nonce):
            return
        before, self.board = self.board, board
        if before is not None and before.boot != board.boot:
            self.questions.restart_clock(now)
            if not self._opened:
                self.resets += 1
                self.news.append(Reset(board.cause))
        self._opened, self._outwaited = False, False
        self._state, self._fault = BoardState(0), BoardFault.NONE
        self.questions.restart()
        if (why := unfit(board, self.instrument)) is not None:
            self._fail(why)
        else:
            self._configure(board)

    def _configure(self, board: HelloReply) -> None:
        self.phase = Phase.SETTING
        limits, commit = configuration(self.instrument, board.channels)
        for message in (Clear(), *limits, commit):
            self.link.send(message)

    def _take_sync(self, reply: SyncReply, now: float) -> None:
        if self.board is None or self.phase not in LISTENING:
            return
        if reply.boot != self.board.boot & 0xFFFF:
            self._fall(now)
            return
        self.questions.take_sync(reply, now)
        self._take_state(reply, now)

    def _take_status(self, reply: StatusReply, now: float) -> None:
        self.news += self.questions.counters.take(reply)

    def _take_state(self, reply: Ack | SyncReply, now: float) -> None:
        self._state, self._fault = BoardState(reply.state), BoardFault(reply.fault)
        if self.phase is Phase.PLAYING and not self._state & BoardState.ARMED:
            self._disarmed(now)

    def _disarmed(self, now: float) -> None:
        """The board is off, and nobody has told it to be."""
        if self._fault != BoardFault.NONE:  # else what follows HELLO tells why
            self.news.append(BoardStopped(self._fault))
        if self._fault == BoardFault.STUCK:
            self.phase = Phase.FAILED
        elif self._fault == BoardFault.STOPPED:
            self.stopped, self.phase = True, Phase.STOPPED
        elif self.phase is Phase.PLAYING:
            self.falls += 1
            self._arm()
        elif self._refusals < MOST_REFUSALS:
            self._refusals += 1
            self._fall(now)
        else:
            self._fail(f"the board refuses to be armed: {FLASH}")

    def _arm(self, *first: Message) -> None:
        """Arm the board, after these messages; one that is stopped stays so."""
        if self.stopped or self.board is None:
            self.phase = Phase.STOPPED
            return
        self.phase = Phase.ARMING
        for message in (*first, Arm(self.board.boot)):
            self.link.send(message)

    def _halt(self, now: float) -> None:
        self.phase = Phase.STOPPED
        self._stop_again = now + STOP_AGAIN
        self._state = BoardState.ARMED  # until the board says otherwise
        self.questions.raw_stop()
        self.link.send(Estop())

    def _fail(self, why: str) -> None:
        self.phase = Phase.FAILED
        self.news.append(Unfit(why))


_DUTIES: dict[Phase, Callable[[Conversation, float], None]] = {
    Phase.BOOTING: Conversation._await_boot,
    Phase.GREETING: Conversation._await_answer,
    Phase.SETTING: Conversation._await_settings,
    Phase.ARMING: Conversation._await_arms,
    Phase.STOPPED: Conversation._await_clear,
}
"""What is due in each phase; nothing in the others."""
