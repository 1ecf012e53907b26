"""MIDI ports of the system, by python-rtmidi: keyboards that come and go, and a port of our own."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import BackendMissing, MissingExtra, install

NAME = "xylophone"
"""What our own ports are called in the system."""

LOOK = 2.0
"""s between two looks whether a keyboard has come or gone."""

_ALSA = re.compile(r" (\d+):\d+$")

SEQUENCER = Path("/dev/snd/seq")
"""What ALSA's sequencer is asked by."""

Take = Callable[[Sequence[int]], object]


def midi_library() -> Any:
    """Return the rtmidi module; MissingExtra with the command where it is missing."""
    try:
        import rtmidi
    except ImportError as error:
        raise MissingExtra(
            f"no MIDI ports: python-rtmidi is missing; install it with: {install('python-rtmidi')}, or on "
            "Debian and Raspberry Pi OS: sudo apt install python3-rtmidi"
        ) from error
    return rtmidi


def connection() -> Any:
    """Return a new MIDI input of the first system that answers (ALSA, JACK, ...).

    MissingExtra without the library, BackendMissing where no system of MIDI answers.
    """
    library = midi_library()
    for system in library.get_compiled_api():
        if system == library.API_LINUX_ALSA and not SEQUENCER.exists():
            continue
        with suppress(library.SystemError), _muted():
            return library.MidiIn(system, name=NAME)
    raise BackendMissing(
        "no MIDI ports: neither ALSA nor JACK answers; on Linux: sudo modprobe snd-seq, or start jackd"
    )


@contextmanager
def _muted() -> Iterator[None]:
    """Let C libraries say nothing on stderr: JACK's tells there, in its own way, that no server runs."""
    with open(os.devnull, "wb") as nothing:
        kept = os.dup(2)
        try:
            os.dup2(nothing.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def names(midi: Any) -> list[str]:
    """Return the ports that keyboards and programs offer; our own are left out."""
    return [name for name in midi.get_ports() if not name.startswith(f"{NAME}:")]


def is_keyboard(port: str) -> bool:
    """Tell whether a port is of a keyboard, and not of a program, which is connected by whoever plays it.

    ALSA numbers the clients of hardware 16..127, JACK calls what is hardware `system` or `a2j`.
    """
    if (alsa := _ALSA.search(port)) is not None:
        return 16 <= int(alsa[1]) < 128
    return port.startswith(("system:", "a2j:")) or ":" not in port


class Inputs:
    """Hears every keyboard, as they come and go, and a port of its own to which programs may play.

    With `wanted` it hears all ports that have this in their name, of programs too, and no others. `take` is
    called with each whole message, on a thread of the system's; sysex, clock and active sensing are left out.
    `tell` is called with a line when a port comes or goes. A context manager.
    """

    def __init__(
        self, take: Take, wanted: str = "", tell: Callable[[str], object] = lambda line: None
    ) -> None:
        self._take, self._wanted, self._tell = take, wanted.casefold(), tell
        self._own = connection()
        self._open: dict[str, Any] = {}
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="midi ports", daemon=True)

    @property
    def heard(self) -> list[str]:
        """The ports that are heard, besides our own."""
        return list(self._open)

    def __enter__(self) -> Self:
        self._listen(self._own)
        self._own.open_virtual_port("in")
        self.look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()
        for midi in [*self._open.values(), self._own]:
            midi.close_port()
            midi.delete()
        self._open.clear()

    def look(self) -> None:
        """Open what has come, and close what has gone."""
        there = [name for name in names(self._own) if self._is_wanted(name)]
        for name in [name for name in self._open if name not in there]:
            midi = self._open.pop(name)
            midi.close_port()
            midi.delete()
            self._tell(f"{name} has gone")
        for name in there:
            if name not in self._open and self._opened(name):
                self._tell(f"hearing {name}")

    def _is_wanted(self, name: str) -> bool:
        return self._wanted in name.casefold() if self._wanted else is_keyboard(name)

    def _opened(self, name: str) -> bool:
        library, midi = midi_library(), connection()
        try:
            midi.open_port(midi.get_ports().index(name), "heard")
        except (ValueError, library.SystemError, library.InvalidPortError):
            midi.delete()  # it has gone meanwhile; it is looked for again
            return False
        self._listen(midi)
        self._open[name] = midi
        return True

    def _listen(self, midi: Any) -> None:
        midi.ignore_types(sysex=True, timing=True, active_sense=True)
        midi.set_callback(lambda came, _: self._take(came[0]))

    def _watch(self) -> None:
        while not self._leaving.wait(LOOK):
            self.look()
