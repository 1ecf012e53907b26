"""Options that several commands share, and what they lead to: settings, songs, arrangements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import OptionError

if TYPE_CHECKING:
    from ..arranger import Arrangement
    from ..instrument import Instrument
    from ..song import Song

Command = TypeVar("Command", bound=Callable[..., Any])


class Numbers(click.ParamType):
    """Numbers and ranges of them: 1,3,5-7."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers; a usage error names what is none."""
        if isinstance(value, tuple):
            return value
        found: list[int] = []
        for part in str(value).split(","):
            first, _, last = part.strip().partition("-")
            if not first.isdigit() or (last and not last.isdigit()) or int(last or first) > 65535:
                self.fail(f"{part!r} is no number or range: write 2 or 1,3,5-7", param, ctx)
            found.extend(range(int(first), int(last or first) + 1))
        return tuple(found)


def _stack(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


FOLDER_PATH = click.Path(path_type=Path)

setting_options = _stack(
    click.option("--config", type=FOLDER_PATH, help="Configuration file to use."),
    click.option("--instrument", help="Layout of the bars, in place of the configured one."),
    click.option("--calibration", type=FOLDER_PATH, help="Calibration file to use."),
)

arrange_options = _stack(
    click.option("--tracks", type=Numbers(), help="Only these tracks, as info numbers them: 0,2-4."),
    click.option("--channels", type=Numbers(), help="Only these channels, 1..16."),
    click.option("--mute-tracks", type=Numbers(), default=(), help="Leave these tracks out."),
    click.option("--mute-channels", type=Numbers(), default=(), help="Leave these channels out."),
    click.option("--drums", is_flag=True, help="Let drums (channel 10) strike bars too."),
    click.option("--transpose", type=int, help="Semitones; without it the best shift is searched."),
)

playing_options = _stack(
    click.option("--speed", type=float, default=1.0, show_default=True, help="Factor on the song's tempo."),
    click.option("--volume", type=float, default=1.0, show_default=True, help="Factor on velocities."),
    click.option("--no-roll", is_flag=True, help="Drop notes rather than roll a chord."),
)


@dataclass(frozen=True)
class Choices:
    """What the user chose about arranging; the arguments of `arrange`."""

    tracks: tuple[int, ...] | None
    channels: tuple[int, ...] | None
    mute_tracks: tuple[int, ...]
    mute_channels: tuple[int, ...]
    drums: bool
    transpose: int | None

    @classmethod
    def take(cls, options: dict[str, Any]) -> Choices:
        """Take the arranging options out of a command's keyword arguments."""
        return cls(**{key: options.pop(key) for key in cls.__dataclass_fields__})

    def arrange(self, song: Song, instrument: Instrument) -> Arrangement:
        """Arrange a song as the user chose; OptionError for a track that the song has not."""
        from ..arranger import arrange

        have = {track.number for track in song.tracks}
        for number in (*(self.tracks or ()), *self.mute_tracks):
            if number not in have:
                listed = ", ".join(str(track) for track in sorted(have)) or "none"
                raise OptionError(f"the song has no notes in track {number}: choose from {listed}")
        return arrange(song, instrument, **self.__dict__)


def load(path: Path) -> Song:
    """Load a song; what was damaged in it is told on stderr."""
    from ..midifile import load_song

    song = load_song(path)
    for warning in song.warnings:
        click.echo(f"xylophone: warning: {path.name}: {warning}", err=True)
    return song


def settings(options: dict[str, Any]) -> Any:
    """Take the setting options out of a command's keyword arguments and load the settings they lead to."""
    from ..config import load_settings

    return load_settings(
        options.pop("config"),
        layout=options.pop("instrument"),
        calibration=options.pop("calibration"),
        backend=options.pop("backend", None),
    )


def checked(name: str, value: float, least: float, most: float, unit: str = "") -> float:
    """Return a value within its bounds (the least one excluded); OptionError for another."""
    if not least < value <= most:
        raise OptionError(
            f"{name} {value:g} is out of range: give more than {least:g}, at most {most:g}{unit}"
        )
    return value
