"""A self-playing mechanical xylophone: MIDI files become timed strikes of solenoid hammers.

>>> from xylophone import Player, arrange, load_instrument, load_song, open_backend

What is named here is the public surface. A name is imported from its module when it is first used,
so that a program which needs little waits for little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .arranger import Arrangement as Arrangement
    from .arranger import Change as Change
    from .arranger import arrange as arrange
    from .backends import open_backend as open_backend
    from .backends.contract import Backend as Backend
    from .calibration.file import calibration_for as calibration_for
    from .calibration.values import Calibration as Calibration
    from .clock import SystemClock as SystemClock
    from .clock import VirtualClock as VirtualClock
    from .collection.library import find_song as find_song
    from .collection.library import songs as songs
    from .config import load_instrument as load_instrument
    from .errors import BackendError as BackendError
    from .errors import BackendMissing as BackendMissing
    from .errors import CalibrationError as CalibrationError
    from .errors import ConfigError as ConfigError
    from .errors import FileError as FileError
    from .errors import InstrumentError as InstrumentError
    from .errors import MissingExtra as MissingExtra
    from .errors import OptionError as OptionError
    from .errors import OrderError as OrderError
    from .errors import PlayerError as PlayerError
    from .errors import SafetyError as SafetyError
    from .errors import SongError as SongError
    from .errors import XylophoneError as XylophoneError
    from .instrument import Hammer as Hammer
    from .instrument import Instrument as Instrument
    from .instrument import build_instrument as build_instrument
    from .midifile import load_song as load_song
    from .midifile import parse_song as parse_song
    from .performance.performance import Performance as Performance
    from .performance.simulate import simulate as simulate
    from .player import Player as Player
    from .plotter import plot as plot
    from .sequencer import Plan as Plan
    from .sequencer import Planner as Planner
    from .sequencer import PlanOptions as PlanOptions
    from .sequencer import sequence as sequence
    from .song import Song as Song
    from .sound.rendering import render as render
    from .sound.rendering import write_wav as write_wav
    from .strikes import strikes_of as strikes_of
    from .tables import Priority as Priority

__version__ = "0.1.0"

_HOMES = {
    "Arrangement": "arranger",
    "Backend": "backends.contract",
    "BackendError": "errors",
    "BackendMissing": "errors",
    "Calibration": "calibration.values",
    "CalibrationError": "errors",
    "Change": "arranger",
    "ConfigError": "errors",
    "FileError": "errors",
    "Hammer": "instrument",
    "Instrument": "instrument",
    "InstrumentError": "errors",
    "MissingExtra": "errors",
    "OptionError": "errors",
    "OrderError": "errors",
    "Performance": "performance.performance",
    "Plan": "sequencer",
    "PlanOptions": "sequencer",
    "Planner": "sequencer",
    "Player": "player",
    "PlayerError": "errors",
    "Priority": "tables",
    "SafetyError": "errors",
    "Song": "song",
    "SongError": "errors",
    "SystemClock": "clock",
    "VirtualClock": "clock",
    "XylophoneError": "errors",
    "arrange": "arranger",
    "build_instrument": "instrument",
    "calibration_for": "calibration.file",
    "find_song": "collection.library",
    "load_instrument": "config",
    "load_song": "midifile",
    "open_backend": "backends",
    "parse_song": "midifile",
    "plot": "plotter",
    "render": "sound.rendering",
    "sequence": "sequencer",
    "simulate": "performance.simulate",
    "songs": "collection.library",
    "strikes_of": "strikes",
    "write_wav": "sound.rendering",
}

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
