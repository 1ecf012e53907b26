"""A self-playing mechanical xylophone: MIDI files become timed strikes of solenoid hammers.

>>> from xylophone import Player, arrange, load_instrument, load_song, open_backend

What is named here is the public surface. A name is imported from its module when it is first used,
so that a program which needs little waits for little.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Arrangement": "arranger",
    "Backend": "backends.contract",
    "BackendError": "errors",
    "BackendMissing": "errors",
    "Calibration": "calibration",
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
    "Performance": "performance",
    "Plan": "sequencer",
    "PlanOptions": "sequencer",
    "Planner": "sequencer",
    "Player": "player",
    "PlayerError": "errors",
    "Priority": "strikes",
    "SafetyError": "errors",
    "Song": "song",
    "SongError": "errors",
    "SystemClock": "clock",
    "VirtualClock": "clock",
    "XylophoneError": "errors",
    "arrange": "arranger",
    "build_instrument": "instrument",
    "calibration_for": "calibration_file",
    "find_song": "library",
    "load_instrument": "config",
    "load_song": "midifile",
    "open_backend": "backends",
    "parse_song": "midifile",
    "plot": "plotter",
    "render": "simulation.sound",
    "sequence": "sequencer",
    "simulate": "simulator",
    "songs": "library",
    "strikes_of": "sequencer",
    "write_wav": "simulation.sound",
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
