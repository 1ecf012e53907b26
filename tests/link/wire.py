"""A line of 250,000 baud in virtual time between a Connection and a board; bytes are lost and flipped on it.

The host turns every millisecond unless it is held up; the board sees each byte at its own time.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Protocol

from xylophone.link.connection import Connection
from xylophone.link.messages import TICK_RATE, Message

BYTE_TIME = 40e-6
TURN = 0.001


class Board(Protocol):
    """What is at the other end."""

    def arrive(self, content: bytes, clock: int) -> None: ...
    def advance(self, clock: int) -> None: ...
    def take_sent(self) -> bytes: ...


class Lane:
    """One direction: bytes in a row at 40 us each; `noise` is each byte's chance to be lost or flipped."""

    def __init__(self, noise: float, source: random.Random) -> None:
        self.noise = noise
        self.carried = 0
        self._random = source
        self._free = 0.0
        self._under_way: deque[tuple[float, int]] = deque()

    def put(self, content: bytes, now: float) -> None:
        self._free = max(self._free, now)
        self.carried += len(content)
        for byte in content:
            self._free += BYTE_TIME
            if self._random.random() >= self.noise:
                self._under_way.append((self._free, byte))
            elif self._random.random() < 0.5:
                self._under_way.append((self._free, byte ^ 1 << self._random.randrange(8)))

    def take(self, now: float) -> list[tuple[float, int]]:
        """Return (time, byte) of what has arrived by now."""
        arrived = []
        while self._under_way and self._under_way[0][0] <= now:
            arrived.append(self._under_way.popleft())
        return arrived


class Wire:
    """The line, the board at its end, and virtual time: tick 0 of the board is the host's second 0."""

    def __init__(self, board: Board, noise: float = 0.0, seed: int = 1) -> None:
        source = random.Random(seed)
        self.board = board
        self.link = Connection(0.0)
        self.there, self.back = Lane(noise, source), Lane(noise, source)
        self.now = 0.0
        self.heard: list[Message] = []

    def run(
        self, until: float, turn: Callable[[float], object] = lambda now: None, stalled: bool = False
    ) -> None:
        """Let time pass; `turn` is called in every turn of the host, which has none while it is stalled."""
        while self.now < until:
            self.now = min(until, self.now + TURN)
            self._pass()
            if not stalled:
                self._host(turn)

    def greet(self) -> None:
        """Say HELLO until there is an answer."""
        for nonce in range(1, 100):
            self.link.hello(self.now, nonce)
            self.run(self.now + 0.05)
            if self.link.greeted:
                return
        raise AssertionError("nobody answers")

    def _pass(self) -> None:
        for time, byte in self.there.take(self.now):
            self.board.arrive(bytes((byte,)), round(time * TICK_RATE))
            self.back.put(self.board.take_sent(), time)
        self.board.advance(round(self.now * TICK_RATE))
        self.back.put(self.board.take_sent(), self.now)

    def _host(self, turn: Callable[[float], object]) -> None:
        arrived = bytes(byte for _, byte in self.back.take(self.now))
        self.heard += self.link.receive(arrived, self.now)
        turn(self.now)
        self.there.put(self.link.bytes_to_send(self.now), self.now)
