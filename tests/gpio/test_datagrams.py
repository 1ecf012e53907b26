"""What processes say to each other is heard to the end."""

from __future__ import annotations

import socket

from xylophone.gpio.datagrams import receive


def test_last_words_are_heard_of_one_that_went_with_messages_unread() -> None:
    ours, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with other:
            ours.send(b"it never reads this")
            other.send(b"the watchdog has ended")
            other.send(b"all outputs are off")
        assert [receive(ours) for _ in range(3)] == [b"the watchdog has ended", b"all outputs are off", b""]
