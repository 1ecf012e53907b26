"""Who is playing: so that one instrument has one player, and `xylophone off` finds it.

Each playing process holds a lock file of its own, in which it has written who it is and what it plays on.
What hardware was played on last is written beside it, for `xylophone off` when nobody plays any more.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from types import FrameType

from ..config.places import state_folder, temporary_folder
from ..errors import BackendMissing, FileError
from ..files import private_folder
from .lockfile import Owner, clear, is_held, let_go, owner_of, take, write
from .players import OFF, PlayingProcess

LEFT_FOR = 0.1
"""s for which a lock is tried: another process looks at it for an instant, to see whether it is held."""

ANOTHER = 15.0
"""s that `xylophone off` waits for another one, before it goes on all the same."""

LONGEST_NAME = 80
"""Characters of a backend's URL in the name of its lock file; file systems take 255 bytes."""

LAST = "last"
"""Name of the file that says what hardware was played on last."""

ANSWER = 0.3
"""s in which a playing process answers when it is asked to leave; one that does not is killed."""

GRACE = 3.0
"""s that one that has answered is given to switch its coils off and leave."""

LOOK = 0.005
"""s between two looks at a lock, or at a process that is to leave."""


def folder() -> Path:
    """Return the folder of the user for what programs leave behind, made where it is not there; FileError."""
    for place in (state_folder, temporary_folder):
        path = place()
        with suppress(OSError):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            return path
    raise FileError(f"cannot make {state_folder()}: set XDG_STATE_HOME to a folder to write in")


@contextmanager
def playing(
    url: str, where: Path | None = None, *, config: Path | None = None, switches_off: bool = False
) -> Iterator[None]:
    """Hold the backend of this URL while the block runs; BackendMissing if another process plays on it.

    What strikes nothing excludes nobody; a machine has one set of pins, whatever hangs on them. `config` is
    the configuration file in use. `xylophone off` itself `switches_off`, and waits ANOTHER s for another one.
    Raises FileError, which names the file, where nobody could find this process by one.
    """
    owner = Owner(os.getpid(), url, str(config.absolute()) if config else None, switches_off)
    path, number = _enter(owner, where)
    try:
        yield
    finally:
        let_go(path, number)


def strikes_nothing(url: str) -> bool:
    """Tell whether no coil hangs on a backend."""
    return url.startswith(("sim:", "gpio:null"))


def end_playing(
    where: Path | None = None,
    stop: Callable[[str], object] = lambda url: None,
    *,
    let_be: int | None = None,
    unheard: int | None = None,
) -> list[PlayingProcess]:
    """Ask every playing process to switch its coils off and leave; return those that were asked.

    All are asked before any is waited for. One that does not answer within ANSWER seconds, or has not left
    GRACE seconds later, is killed; before that `stop` is called with its backend's URL. What is no playing
    process of this user is let be, and so is the process `let_be`; the process `unheard` has been asked
    already, and is killed at once.
    """
    found = [player for path in _locks(where) if (player := _player(path)) is not None]
    players = [player for player in found if player.owner.process != let_be]
    for player in players:
        if player.owner.process != unheard:
            player.ask()
    _kill((player for player in players if player.owner.process == unheard), stop)
    _wait(lambda: all(player.has_answered for player in players), ANSWER)
    _kill((player for player in players if not player.has_answered), stop)
    _wait(lambda: all(player.has_left for player in players), GRACE)
    _kill((player for player in players if not player.has_left), stop)
    return players


def _kill(players: Iterable[PlayingProcess], stop: Callable[[str], object]) -> None:
    for player in players:
        player.kill(stop)


def last_played(where: Path | None = None) -> Owner | None:
    """Return who played on hardware last, None where that is not known."""
    found = []
    for place in _folders(where):
        with suppress(OSError):
            path = place / LAST
            found.append((path.stat().st_mtime_ns, owner_of(path)))
    known = [(when, owner) for when, owner in found if owner is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


@contextmanager
def leaving_on_signals() -> Iterator[None]:
    """Let signals end the block: SIGINT by KeyboardInterrupt, SIGTERM and SIGHUP by SystemExit 128 + number.

    What `xylophone off` sends ends it by SystemExit 4. The first one counts: the others are ignored until
    the block has been left, so that nothing interrupts switching the coils off. A SIGHUP that is ignored, as
    nohup has it, stays so. For the main thread. What was set before returns.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [*(getattr(signal, name) for name in names if hasattr(signal, name)), OFF]
    numbers = [
        n for n in numbers if signal.Signals(n).name != "SIGHUP" or signal.getsignal(n) != signal.SIG_IGN
    ]

    def leave(number: int, _frame: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(ENDED_BY_OFF if number == OFF != signal.SIGTERM else 128 + number)

    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)


ENDED_BY_OFF = 4
"""Exit code of a process that `xylophone off` has ended: nothing starts it again unasked."""


def _enter(owner: Owner, where: Path | None) -> tuple[Path, int]:
    """Lock the backend in the first folder where that can be; return the file and its descriptor."""
    name, wrong = _name(owner), None
    for place in _folders(where):
        path = place / name
        try:
            private_folder(place)
            _clear_left(place)
            return path, _taken(path, owner, where)
        except OSError as error:
            wrong = wrong or FileError(
                f"cannot write {path}, by which xylophone off finds who plays: {error.strerror or error}; "
                "make room, or set XDG_STATE_HOME to a folder of yours to write in"
            )
    assert wrong is not None
    raise wrong


def _taken(path: Path, owner: Owner, where: Path | None) -> int:
    """Return the descriptor of a lock; OSError where there is none to be had, BackendMissing in use."""
    begin = monotonic()
    while True:
        holder = next((other for other in _locks(where) if other.name == path.name and is_held(other)), None)
        number = take(path, owner) if holder is None else None
        if number is not None:
            break
        other = owner_of(holder or path)
        both = other is not None and other.switches_off and owner.switches_off
        if monotonic() > begin + (ANOTHER if both else LEFT_FOR):
            raise BackendMissing(
                f"{owner.url} is in use by process {other.process if other else 'unknown'}: wait until it "
                "has played, or stop it with: xylophone off"
            )
        sleep(LOOK)
    try:
        if not strikes_nothing(owner.url):
            write(path.with_name(LAST), owner)
    except OSError:
        let_go(path, number)
        raise
    return number


def _name(owner: Owner) -> str:
    """Return the name of a backend's lock file; a URL that is too long for one is told by its sum."""
    url = owner.url
    name = "gpio" if url.startswith("gpio:") else re.sub(r"[^A-Za-z0-9]+", "-", url).strip("-")
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}-{sha256(url.encode(errors='surrogateescape')).hexdigest()[:16]}"
    return f"{name}-{owner.process}.lock" if strikes_nothing(url) else f"{name}.lock"


def _folders(where: Path | None) -> list[Path]:
    """Return where lock files lie, the better place first."""
    return [where] if where else [state_folder() / "running", temporary_folder()]


def _player(path: Path) -> PlayingProcess | None:
    """Return who plays by a lock file; None where nobody does, for what is not ours, and for another off."""
    with suppress(OSError):
        player = PlayingProcess.holding(path)
        return player if player is not None and not player.owner.switches_off else None
    return None


def _locks(where: Path | None) -> list[Path]:
    """Return the lock files that are there, in folders that are this user's alone."""
    found: list[Path] = []
    for place in _folders(where):
        with suppress(OSError):  # what is another user's is not believed
            if place.is_dir():
                found += sorted(private_folder(place).glob("*.lock"))
    return found


def _clear_left(place: Path) -> None:
    """Take away what processes left behind that were killed."""
    for path in place.glob("*.lock"):
        clear(path)


def _wait(done: Callable[[], bool], limit: float) -> None:
    end = monotonic() + limit
    while not done() and monotonic() < end:
        sleep(LOOK)
