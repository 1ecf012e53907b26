"""A board on its line: the session is turned, its news become faults, a broken line is mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..clock import Clock
from ..errors import BackendAbsent, BackendError, BackendMissing, SafetyError
from ..instrument import Instrument
from ..link.fitness import FLASH
from ..link.messages import BAUD, BoardFault
from ..link.news import BoardStopped, News, StrikesLate, Unfit
from ..link.phases import LISTENING, Phase
from ..link.session import Session
from .contract import Coils
from .faults import Faults
from .serial_line import PATIENCE, Connect, SerialLine
from .serial_turns import turns_of

OPENING = 12.0
"""s that a board is given to start, answer, be configured and tell its clock."""

OFF = 0.2
"""s that a board is given to confirm that its coils are off, before the stop below all frames; and then."""

COUNT = 0.1
"""s that a board is given to tell what it has counted."""

LISTEN = 0.02
"""s between two turns of the session at most: how soon it notices that nobody answers."""

PAUSE = 0.02
"""s between two turns while there is no port."""

Result = TypeVar("Result")


class Board:
    """A session with a board, kept going. Its methods may be called from any thread."""

    def __init__(self, instrument: Instrument, connect: Connect, clock: Clock, faults: Faults) -> None:
        """Open the board's port, have it configured and armed; trouble goes to `faults`.

        Raises BackendMissing where nothing answers, BackendError where the board does not fit.
        """
        self.clock = clock
        self._faults = faults
        self._opened = False
        self._sent_at = clock.now()
        self._line = SerialLine(connect)
        self.session = Session(instrument, clock.now(), fixed_baud=self._line.fixed_baud)
        self._turns = turns_of(clock)
        self.lock = self._turns.lock
        self._turns.start(self._turn)
        try:
            self._await_arms()
        except BaseException:
            self.close()
            raise

    @property
    def reconnects(self) -> int:
        """How often the board was away and has answered again."""
        return self._line.returns

    @property
    def heard(self) -> bool:
        """Whether the board answers."""
        return self._line.up and self.session.phase in LISTENING and not self.session.talk.lost

    def tell(self, command: Callable[[Session, float], Result]) -> Result:
        """Carry out a command on the session, and send at once what follows from it."""
        with self.lock:
            now = float(self.clock.now())
            result = command(self.session, now)
            self._send(now)
            return result

    def add_fault(self, time: float, message: str, fatal: type[BackendError] | None = None) -> None:
        """Note trouble; `fatal` is the error by which it ends the playing, if it does."""
        with self.lock:
            self._faults.add(time, message, fatal)

    def confirm_off(self) -> Coils:
        """Wait until the board has confirmed that its coils are off; bounded.

        One whose port has gone hears nobody, and switches them off by itself. One that does not answer on a
        port that is there may hang, and then nothing is known.
        """
        if self._line.up and not self._is_quiet_soon():
            self.tell(lambda session, now: session.silence(now, hard=True))
        if self._line.up and self._is_quiet_soon():
            return Coils.OFF
        return Coils.OFF_BY_LIMIT if self._line.gone else Coils.UNCONFIRMED

    def _is_quiet_soon(self) -> bool:
        done = self._turns.wait(lambda: self.session.quiet or not self._line.up, OFF)
        return done and self._line.up

    def count(self) -> None:
        """Have the board tell what it has counted by now; bounded."""
        if not self.heard:
            return
        asked = self.clock.now()
        self.tell(lambda session, now: session.ask(now))
        self._turns.wait(lambda: self.session.told_at >= asked or not self._line.up, COUNT)

    def close(self) -> None:
        """Stop turning and let go of the port."""
        self._turns.end()
        self._line.close()

    @property
    def _over(self) -> bool:
        return self._faults.over is not None

    def _await_arms(self) -> None:
        settled = (Phase.PLAYING, Phase.DEAF, Phase.FAILED)
        done = self._turns.wait(
            lambda: self.session.phase in settled or not self._line.up or self._over, OPENING
        )
        self._faults.require_more()
        if self._line.trouble is not None:
            raise BackendAbsent(
                f"the port broke off while it was opened ({self._line.trouble}): check the USB cable"
            )
        if not done or self.session.phase is not Phase.PLAYING:
            raise BackendMissing(self._nobody())
        self._faults.take(self.clock.now())  # of the opening
        self._opened = True

    def _nobody(self) -> str:
        said = "what is there says something else" if self.session.talk.noise else "nothing is heard"
        return (
            f"no xylophone's board answers at {BAUD} baud, {said}: is it another device, or a board "
            f"without this firmware? {FLASH}"
        )

    def _turn(self) -> float:
        """Take what has arrived, do what is due; return how long to pause before the next turn."""
        try:
            content = self._line.read()
            with self.lock:
                self._attend(content, float(self.clock.now()))
                self._turns.tell()
        except Exception as error:
            self.add_fault(
                self.clock.now(), f"the serial backend failed, please report this: {error!r}", BackendError
            )
            raise
        return 0.0 if self._line.up else PAUSE

    def _attend(self, content: bytes, now: float) -> None:
        if not self._line.up:
            self._mend(now)
        elif content or now >= min(self.session.next_time(), self._sent_at + LISTEN):
            self.session.receive(content, now)
            self._send(now)

    def _send(self, now: float) -> None:
        if not self._line.up:
            return
        self._sent_at = now
        content = self.session.turn(now)
        self._line.set_baud(self.session.baud)
        self._line.write(content)
        for news in self.session.take_news():
            if isinstance(news, StrikesLate):
                self._faults.add_late(now, news.count, news.by, news.cause)
            else:
                self._faults.add(now, str(news), ending(news))
        if self.session.talk.lost:
            self._line.doubted()
        if self.heard and self.session.phase in (Phase.PLAYING, Phase.STOPPED):
            self._line.settled()
        elif self.session.phase is Phase.DEAF and self._opened:
            self._line.break_off("no answer")

    def _mend(self, now: float) -> None:
        """Look for the board where it was, until the patience ends."""
        line = self._line
        if not self._opened or self._over:
            return
        if line.down_since is None:
            self.session.gone(now)
            self.add_fault(
                now,
                f"the board is gone ({line.trouble}): check its USB cable and supply; "
                f"trying again for {PATIENCE:g} s",
            )
        if line.mend(now):
            self.session.open(now)
        elif line.given_up(now):
            self.add_fault(
                now,
                f"the board did not come back within {PATIENCE:g} s: plug it in and start again",
                BackendAbsent if line.absent else BackendError,
            )


def ending(news: News) -> type[BackendError] | None:
    """Return the error by which news end the playing, None where they do not.

    Trying again does not help where a board does not fit; one that has switched off because an output was
    stuck is to be looked at by somebody before it plays again.
    """
    if isinstance(news, Unfit):
        return BackendError
    stuck = isinstance(news, BoardStopped) and news.fault == BoardFault.STUCK
    return SafetyError if stuck else None
