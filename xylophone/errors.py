"""Every error the project raises, on one page.

A message is one line that names the value, the rule and the remedy. The command line prints
it and leaves with the error's `exit_code`; each error is also the built-in exception that fits.
"""

from __future__ import annotations


class XylophoneError(Exception):
    """Whatever goes wrong here; the root to catch."""

    exit_code = 1

    @property
    def lines(self) -> tuple[str, ...]:
        """The message as lines: one, unless an error tells several mistakes."""
        return (str(self),)


class SongError(XylophoneError, ValueError):
    """What was given is no song, or holds nothing that can be played."""


class InstrumentError(XylophoneError, ValueError):
    """An instrument that cannot exist, or a bar that it does not have."""


class ConfigError(XylophoneError, ValueError):
    """A configuration file that is broken or asks for something out of bounds; a line for each mistake."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The arguments, each of which tells one mistake."""
        return tuple(map(str, self.args))

    def __str__(self) -> str:
        return "\n".join(self.lines)


class CalibrationError(XylophoneError, ValueError):
    """Calibration that is broken, or that belongs to another instrument."""


class TuningError(XylophoneError, ValueError):
    """A tuning session, or its recording, from which nothing certain can be learnt."""


class OptionError(XylophoneError, ValueError):
    """A value given by the caller that is out of bounds: a velocity, a speed, a position."""

    exit_code = 2


class FileError(XylophoneError, OSError):
    """A file that is missing, unreadable or cannot be written."""


class PlayerError(XylophoneError, RuntimeError):
    """A command that the player's present state does not allow."""


class MissingExtra(XylophoneError, ImportError):
    """An optional library that is not installed; the message says how to get it."""


class BackendError(XylophoneError, RuntimeError):
    """Hardware, or its simulation, that failed while it was in use."""


class BackendMissing(BackendError, LookupError):
    """Hardware that was asked for and is not there; never replaced by a simulation."""

    exit_code = 3


class BackendAbsent(BackendMissing):
    """Hardware that is not plugged in: what is there neither fits nor fails, so it can be waited for."""


class OrderError(BackendError, ValueError):
    """A pulse handed to a backend that would start before one already scheduled."""


class SafetyError(BackendError):
    """Refused to protect the coils: too long a pulse, or a latched emergency stop."""

    exit_code = 4
