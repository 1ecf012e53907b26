"""The dispatcher's lines: to its host, which is never waited for, to the watchdog, and one for signals."""

from __future__ import annotations

import select
import socket
from typing import Any

from ..errors import BackendError, BackendMissing
from .coil_limits import SECOND
from .datagrams import Datagram, pack_json, pack_time, receive
from .log import Count, Log

ALL_OFF = "all outputs are off, open the backend again"


class Leave(BackendError):
    """The dispatcher is to end, and why."""


class Links:
    """Sockets to `host` and `dog`; `wake` becomes readable when a signal asks the process to leave."""

    def __init__(self, host: socket.socket, dog: socket.socket, wake: socket.socket, log: Log) -> None:
        self.host, self.dog, self._wake, self._log = host, dog, wake, log
        self._sources = [host, dog, wake]

    def wait(self, wait: int) -> list[socket.socket]:
        """Return which lines have something to say, waiting so many ns at most; Leave for a signal."""
        ready: list[socket.socket] = select.select(self._sources, [], [], max(0, wait) / SECOND)[0]
        if self._wake in ready:
            raise Leave(f"the dispatcher was asked to end by a signal: {ALL_OFF}")
        return ready

    def has_dog_spoken(self) -> bool:
        """Tell whether there is a message of the watchdog."""
        return bool(select.select([self.dog], [], [], 0)[0])

    def ask_dog(self, question: Datagram, answer: Datagram) -> bytes:
        """Ask the watchdog and wait for its answer; BackendError for another one."""
        self.send_dog(question)
        message = receive(self.dog)
        if message[:1] == Datagram.NO_LINE:
            raise BackendMissing(message[1:].decode())
        if message[:1] == Datagram.TRIPPED:
            raise BackendError(f"{message[1:].decode()}: {ALL_OFF}")
        if message[:1] != answer:
            raise BackendError("the watchdog ended before it was ready: open the backend again")
        return message[1:]

    def send_dog(self, message: bytes) -> None:
        """Tell the watchdog; Leave where it has ended."""
        try:
            self.dog.send(message, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass  # it is stopped and has unread beats enough; each beat looks whether it is
        except OSError as error:
            raise Leave(f"the watchdog has ended: {ALL_OFF}") from error

    def reply(self, count: int) -> None:
        """Answer the host with a count."""
        self._send_host(pack_time(Datagram.COUNT, count))

    def tell(self, message: str, fatal: bool = False) -> None:
        """Tell the host of a fault."""
        self._send_host(pack_json(Datagram.FAULT, {"message": message, "fatal": fatal}))

    def tell_start(self, kind: Datagram, content: dict[str, Any]) -> None:
        """Tell the host that the outputs are open, or why they are not."""
        self._send_host(pack_json(kind, content))

    def _send_host(self, message: bytes) -> None:
        """Send without waiting: a host that does not read, or has gone, is its own concern."""
        try:
            self.host.send(message, socket.MSG_DONTWAIT)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._log.add(Count.UNHEARD)
