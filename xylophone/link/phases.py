"""Where a conversation with a board is."""

from __future__ import annotations

from enum import Enum, auto


class Phase(Enum):
    """Where a conversation is."""

    BOOTING = auto()  # waits for BOOT, without a word
    GREETING = auto()  # HELLO is said
    SETTING = auto()  # configuration and the first syncs
    ARMING = auto()
    PLAYING = auto()
    STOPPED = auto()  # emergency stop, until clear
    DEAF = auto()  # nobody answers
    FAILED = auto()  # the board cannot be used


LISTENING = (Phase.SETTING, Phase.ARMING, Phase.PLAYING, Phase.STOPPED)
"""Phases in which a board is there and answers."""
