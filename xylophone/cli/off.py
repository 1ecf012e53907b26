"""`xylophone off`: whatever plays is ended and silenced; no convenience comes before that."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ..backends.contract import Coils
from ..backends.serial import stop_port
from ..config import Settings
from ..errors import BackendAbsent, BackendError, BackendMissing, FileError, MissingExtra, XylophoneError
from ..instrument import build_instrument
from ..owner.ending import Asked, ask_to_stop
from ..owner.peers import Peer
from ..running.players import PlayingProcess
from ..running.playing import end_playing, last_played, leaving_on_signals, playing
from .incidents import with_words
from .options import setting_options, settings
from .owned import RELEASE
from .printing import say, warn
from .stage import open_stage

WHY = "xylophone off"


@click.command()
@setting_options
@click.option("--backend", metavar="URL", help="Backend, in place of what was played on.")
def off(**options: Any) -> None:
    """Switch all coils off, now: ends whatever plays, then silences what it played on.

    An owner (`xylophone serve`) stops at once and stays, silent until `xylophone release`. When nothing
    plays, it is the hardware which was played on last, or else the configured backend.
    """
    silent: list[str] = []
    failed: list[BaseException] = []
    owned = _owner_stopped(silent, failed)
    ended = end_playing(stop=_stop, let_be=owned.let_be, unheard=owned.unheard)
    who = [f"{'killed' if player.killed else 'ended'} process {player.owner.process}" for player in ended]
    if owned.asked is not None and owned.unheard is not None:
        who += _owner_ended(owned.asked, ended, failed)
    for url, config in _backends(options["backend"], ended, owned).items():
        try:
            found = _settings_for(url, config, options)
            silent.append("; ".join([f"{_switch_off(found)} ({found.backend})", *who]))
        except XylophoneError as error:
            failed.append(with_words(error, *who))
    _tell(silent, failed)


def _tell(silent: Sequence[str], failed: Sequence[BaseException]) -> None:
    """Say what is silent, only now that nothing is left to silence, and raise the worst that failed.

    The worst is what nothing has confirmed: a stdout that takes nothing does not hide it.
    """
    worst_first = sorted(failed, key=lambda error: getattr(error, "exit_code", 1))
    for error in worst_first[1:]:
        warn(str(error))
    try:
        if silent:
            say(*silent)
    finally:
        if worst_first:
            raise worst_first[0]


@dataclass(frozen=True)
class _Owned:
    """What came of asking the owner: `url` is the backend that it has silenced itself."""

    asked: Asked | None = None
    refused: bool = False
    url: str | None = None

    @property
    def let_be(self) -> int | None:
        """The process of an owner that has answered."""
        return self.asked.peer.pid if self.asked is not None and self.asked.heard else None

    @property
    def unheard(self) -> int | None:
        """The process of an owner that has not."""
        return self.asked.peer.pid if self.asked is not None and not self.asked.heard else None

    @property
    def is_all(self) -> bool:
        """Whether there is nothing else to silence, unless it is asked for or played."""
        return self.refused or self.let_be is not None


def _owner_stopped(silent: list[str], failed: list[BaseException]) -> _Owned:
    """Ask the owner to stop, and note what it has confirmed, and what it has not."""
    try:
        asked = ask_to_stop(WHY)
    except FileError as error:
        failed.append(error)
        return _Owned(refused=True)
    if asked is None or not asked.heard:
        return _Owned(asked)
    if asked.state is None:
        assert asked.error is not None
        failed.append(with_words(asked.error, str(asked.coils)))
        return _Owned(asked)
    url = asked.state.get("backend")
    silent.append(f"{asked.coils} ({url}); the owner, process {asked.peer.pid}, stays; {RELEASE}")
    return _Owned(asked, url=url)


def _owner_ended(asked: Asked, ended: Sequence[PlayingProcess], failed: list[BaseException]) -> Iterator[str]:
    """End an owner that does not answer, unless it has been, and put its latch on in its place; say so."""
    try:
        if asked.peer.pid not in [player.owner.process for player in ended]:
            asked.kill()
            yield f"killed process {asked.peer.pid}"
        asked.latch(_user(), datetime.now(UTC), f"{WHY}; the owner did not answer and was killed")
        yield RELEASE
    except FileError as error:
        failed.append(error)


def _user() -> str:
    return Peer(os.getpid(), os.getuid(), os.getgid()).name


def _backends(
    asked: str | None, ended: Sequence[PlayingProcess], owned: _Owned
) -> dict[str | None, str | None]:
    """Return the URLs that are to be silent, each with the configuration it was played on with.

    What was played on is among them whatever is asked for; None stands for the configured backend.
    """
    played: dict[str | None, str | None] = {player.owner.url: player.owner.config for player in ended}
    if asked is not None and asked != owned.url:
        return {asked: None} | played
    if played or owned.is_all:
        return played
    last = last_played()
    return {last.url: last.config} if last is not None else {None: None}


def _settings_for(url: str | None, config: str | None, options: dict[str, Any]) -> Settings:
    """Return what is in force for a backend; for a board also where the configuration cannot be read."""
    asked = {**options, "backend": url}
    if asked["config"] is None and config is not None:
        asked["config"] = Path(config)
    try:
        return settings(asked)
    except XylophoneError as error:
        if url is None or url.startswith("gpio:"):  # its wiring stands there
            raise
        warn(error, "going on without the configuration: ")
        return Settings(build_instrument(), backend=url)


def _switch_off(found: Settings) -> Coils:
    """Silence a backend, and return what is known of its coils.

    Raises BackendAbsent for a board that is not there, BackendError where nothing confirms that they are off.
    """
    board = found.backend.startswith("serial:")
    try:
        with leaving_on_signals(), _alone(found):
            if board:
                stop_port(found.backend)
            with open_stage(found) as stage:
                stage.backend.silence()
    except BackendAbsent as error:
        raise with_words(error, str(Coils.OFF_BY_LIMIT)) from error
    except (BackendError, FileError, MissingExtra) as error:
        if str(Coils.UNCONFIRMED) in str(error) or (isinstance(error, BackendMissing) and not board):
            raise
        raise BackendError(f"{error}; {Coils.UNCONFIRMED}") from error
    return stage.backend.coils


@contextmanager
def _alone(found: Settings) -> Iterator[None]:
    """Hold a backend while the block runs; where that cannot be, say why, and go on all the same."""
    with ExitStack() as holding:
        try:
            lock = playing(found.backend, config=found.config, switches_off=True)
            holding.enter_context(lock)
        except (FileError, BackendMissing) as error:
            warn(error, "going on without a lock: ")
        yield


def _stop(url: str) -> None:
    """Send the emergency stop to a board whose player does not answer, on the port that it has open."""
    if url.startswith("serial:"):
        with suppress(XylophoneError):  # the board is asked again, and then it is told
            stop_port(url)
