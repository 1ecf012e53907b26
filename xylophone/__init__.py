"""A self-playing mechanical xylophone: MIDI files become timed strikes of solenoid hammers.

>>> from xylophone import Player, arrange, load_instrument, load_song, open_backend

What is named here is the public surface; docs/python.md is its page. A name is imported from its
module when it is first used, so that a program which needs little waits for little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .arranger import Arrangement as Arrangement, arrange as arrange, judge as judge, preset as preset
    from .arranger.account import describe as describe
    from .arranger.written import as_song as as_song
    from .backends import open_backend as open_backend
    from .backends.backend import Backend as Backend
    from .calibration.file import calibration_for as calibration_for
    from .calibration.values import Calibration as Calibration
    from .clock import VirtualClock as VirtualClock
    from .collection.library import find_song as find_song, songs as songs
    from .config import load_instrument as load_instrument
    from .errors import (
        BackendError as BackendError,
        BackendMissing as BackendMissing,
        CalibrationError as CalibrationError,
        ConfigError as ConfigError,
        FileError as FileError,
        InstrumentError as InstrumentError,
        OptionError as OptionError,
        PlayerError as PlayerError,
        SongError as SongError,
        XylophoneError as XylophoneError,
    )
    from .instrument import LAYOUTS as LAYOUTS, Instrument as Instrument, build_instrument as build_instrument
    from .midifile import load_song as load_song, parse_song as parse_song
    from .midifile.writing import write_song as write_song
    from .owner.client import OwnerClient as OwnerClient
    from .performance.performance import Performance as Performance
    from .performance.simulate import simulate as simulate
    from .player import Player as Player
    from .plotter import plot as plot
    from .sequencer import Plan as Plan, PlanOptions as PlanOptions, sequence as sequence
    from .song import Song as Song
    from .sound.rendering import render as render
    from .sound.wav import write_wav as write_wav
    from .strikes import strikes_of as strikes_of
    from .tables import STRIKE as STRIKE, Priority as Priority, as_strikes as as_strikes

__version__ = "0.1.0"

_NAMES = {
    "arranger": "Arrangement arrange judge preset",
    "arranger.account": "describe",
    "arranger.written": "as_song",
    "backends": "open_backend",
    "backends.backend": "Backend",
    "calibration.file": "calibration_for",
    "calibration.values": "Calibration",
    "clock": "VirtualClock",
    "collection.library": "find_song songs",
    "config": "load_instrument",
    "errors": "BackendError BackendMissing CalibrationError ConfigError FileError "
    "InstrumentError OptionError PlayerError SongError XylophoneError",
    "instrument": "LAYOUTS Instrument build_instrument",
    "midifile": "load_song parse_song",
    "midifile.writing": "write_song",
    "owner.client": "OwnerClient",
    "performance.performance": "Performance",
    "performance.simulate": "simulate",
    "player": "Player",
    "plotter": "plot",
    "sequencer": "Plan PlanOptions sequence",
    "song": "Song",
    "sound.rendering": "render",
    "sound.wav": "write_wav",
    "strikes": "strikes_of",
    "tables": "STRIKE Priority as_strikes",
}
"""Module, and what it gives to the public surface."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'xylophone' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
