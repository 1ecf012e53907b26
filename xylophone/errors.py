"""Every error the project raises, on one page.

A message is one line that names the value, the rule and the remedy. The command line prints
it and leaves with the error's `exit_code`; each error is also the built-in exception that fits.
"""

from __future__ import annotations

from collections.abc import Iterable


class XylophoneError(Exception):
    """Whatever goes wrong here; the root to catch.

    >>> try:
    ...     build_instrument("glockenspeil")
    ... except XylophoneError as error:
    ...     print(error)
    unknown layout 'glockenspeil': did you mean glockenspiel?
    """

    exit_code = 1

    @property
    def lines(self) -> tuple[str, ...]:
        """The message as lines: one, unless an error tells several mistakes."""
        return (str(self),)


class SongError(XylophoneError, ValueError):
    """What was given is no song, or holds nothing that can be played.

    >>> parse_song(b"no music")
    Traceback (most recent call last):
    xylophone.errors.SongError: song is no MIDI file but text: give a Standard MIDI File (.mid)
    """


class SilentSong(SongError):
    """A song in which there is nothing to hear: it has no notes, or only such as nobody hears."""


class InstrumentError(XylophoneError, ValueError):
    """An instrument that cannot exist, or a bar that it does not have.

    >>> build_instrument("song-bell").index("C2")
    Traceback (most recent call last):
    xylophone.errors.InstrumentError: song-bell has no bar C2: its bars go from G4 to C7, the nearest is G4
    """


class ConfigError(XylophoneError, ValueError):
    """A configuration file that is broken or asks for something out of bounds; a line for each mistake.

    >>> _ = Path("x.toml").write_text("player.speed = 20")
    >>> load_instrument("x.toml")
    Traceback (most recent call last):
    xylophone.errors.ConfigError: x.toml, line 1: player.speed is 20: it must be a number 0.1..10
    """

    @property
    def lines(self) -> tuple[str, ...]:
        """The arguments, each of which tells one mistake."""
        return tuple(map(str, self.args))

    def __str__(self) -> str:
        return "\n".join(self.lines)


class CalibrationError(XylophoneError, ValueError):
    """Calibration that is broken, or that belongs to another instrument.

    >>> _ = Path("c.toml").write_text("")
    >>> calibration_for(build_instrument(), "c.toml")
    Traceback (most recent call last):
    xylophone.errors.CalibrationError: c.toml: version None is no version: this program reads 1..3; tune again
    """


class TuningError(XylophoneError, ValueError):
    """A tuning session, or its recording, from which nothing certain can be learnt."""


class OptionError(XylophoneError, ValueError):
    """A value given by the caller that is out of bounds: a velocity, a speed, a position.

    >>> arrange(load_song(find_song("sakura")), build_instrument(), transpose=200)
    Traceback (most recent call last):
    xylophone.errors.OptionError: transposition 200 is out of range: give -127..127 semitones
    """

    exit_code = 2


class FileError(XylophoneError, OSError):
    """A file that is missing, unreadable or cannot be written.

    >>> load_song("nowhere.mid")
    Traceback (most recent call last):
    xylophone.errors.FileError: cannot read nowhere.mid: there is no such file: check the name
    """


class PlayerError(XylophoneError, RuntimeError):
    """A command that the player's present state does not allow.

    >>> Player(open_backend("sim:", build_instrument())).set_tempo(120)
    Traceback (most recent call last):
    xylophone.errors.PlayerError: nothing is playing: play a song first
    """


class MissingExtra(XylophoneError, ImportError):
    """An optional library that is not installed; the message says how to get it."""


class BackendError(XylophoneError, RuntimeError):
    """Hardware, or its simulation, that failed while it was in use.

    >>> backend = open_backend("sim:", build_instrument())
    >>> backend.close()
    >>> Player(backend).play(arrange(load_song(find_song("sakura")), backend.instrument)).wait()
    Traceback (most recent call last):
    xylophone.errors.BackendError: this backend is closed: open it again
    """


class BackendMissing(BackendError, LookupError):
    """Hardware that was asked for and is not there; never replaced by a simulation.

    >>> open_backend("simm:", build_instrument())
    Traceback (most recent call last):
    xylophone.errors.BackendMissing: unknown backend 'simm:': did you mean sim:? There is sim:, serial:, gpio:
    """

    exit_code = 3


class BackendAbsent(BackendMissing):
    """Hardware that is not plugged in: what is there neither fits nor fails, so it can be waited for."""


class OrderError(BackendError, ValueError):
    """A pulse handed to a backend that would start before one already scheduled."""


class SafetyError(BackendError):
    """Refused to protect the coils: too long a pulse, or a latched emergency stop."""

    exit_code = 4


def install(*packages: str) -> str:
    """Return the command that installs packages into the environment that this program runs in."""
    import os  # which few errors need
    import shlex
    import sys

    names = " ".join(map(shlex.quote, packages))
    if os.path.isfile(os.path.join(sys.prefix, "pipx_metadata.json")):
        return f"pipx inject {os.path.basename(sys.prefix)} {names}"
    return f"{shlex.quote(sys.executable)} -m pip install {names}"


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "known here:", cutoff: float = 0.5) -> str:
    """Return the remedy for a name that is not among `known`: the nearest one, else all after `otherwise`.

    `cutoff` is how alike the nearest must be, 0..1.
    """
    import difflib  # which few errors need

    known = list(known)
    near = difflib.get_close_matches(name, known, 1, cutoff)
    return f"did you mean {near[0]}?" if near else f"{otherwise} {', '.join(known)}"
