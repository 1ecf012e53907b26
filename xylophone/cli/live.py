"""`xylophone live`: what is played on MIDI keyboards is struck as it is played; `ports` is what it hears."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..backends.backend import Backend
from ..config import Settings
from ..gpio.realtime import hurry
from ..live.hands import Hands, Played, planning_time
from ..live.notes import CHANNELS, Keyboard
from ..live.ports import Inputs, connection, is_keyboard, names
from ..live.recording import Recording
from ..midifile.writing import write_song
from ..pitch import pitch_name
from ..player import Player
from ..sequencer import PlanOptions
from ..words import counted
from .aloud import Aloud
from .calibrations import calibration_of
from .incidents import not_played
from .option_types import Numbers, Within
from .options import check_writable, settings, stage_options
from .printing import say, say_json, warn
from .stage import Stage, alone_on_stage, sounding

TICK = 0.01
"""s between two looks at what simulated hammers have struck."""

OTHERS = 'programs can play to the port "xylophone"'

Tell = Callable[[str], object]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def ports(as_json: bool) -> None:
    """List MIDI ports that `live` can hear. Boards are listed by `devices`."""
    midi = connection()
    found = names(midi)
    midi.delete()
    if as_json:
        say_json({"inputs": [{"name": name, "keyboard": is_keyboard(name)} for name in found]}, indent=2)
        return
    for name in found:
        say(name if is_keyboard(name) else f"{name}: a program's, heard with --port")
    if not any(map(is_keyboard, found)):
        say(f"no MIDI keyboard is connected; while live runs, {OTHERS}")


@click.command()
@stage_options
@click.option(
    "--port", metavar="TEXT", default="", help="Only ports with this in their name, of programs too."
)
@click.option("--channels", type=Numbers(), help="MIDI channels, as 1,3,5-7; else all but 10, the drums.")
@click.option("--exact", is_flag=True, help="Keys without a bar of their own strike no octave of it.")
@click.option("--volume", type=Within(0, 10), help="Factor on how loud, 1 as played; 0 is silent.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="MIDI file to write it to.")
@click.option("--mute", is_flag=True, help="No loudspeaker.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def live(
    port: str,
    channels: tuple[int, ...] | None,
    exact: bool,
    volume: float | None,
    record: Path | None,
    mute: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Play on MIDI keyboards, until Ctrl-C: each key strikes its bar the same time after it was pressed.

    Every keyboard is heard, also one that comes later, and what programs play to the port "xylophone".
    """
    found = settings(options)
    check_writable(record)
    keyboard = Keyboard(found.instrument, CHANNELS if channels is None else channels, not exact)
    with alone_on_stage(found) as stage, sounding(stage, mute, quiet), Aloud(say) as aloud:
        session = Session.on(stage, found, keyboard, volume, _unsaid if quiet else aloud)
        with Inputs(session.take, port, session.tell):
            try:
                session.play(found.backend.startswith("gpio:"))
            finally:
                session.end(record)


def _unsaid(line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Session:
    """A player under somebody's hands, from its first key to its last."""

    player: Player
    hands: Hands
    recording: Recording
    tell: Tell

    @classmethod
    def on(
        cls, stage: Stage, found: Settings, keyboard: Keyboard, volume: float | None, tell: Tell
    ) -> Session:
        """Return a session on a stage; it has measured how long planning takes here."""
        calibration = calibration_of(found, stage.twin)

        def watch(_: float) -> None:
            stage.listen()
            stage.tell_faults(player)

        options = PlanOptions(roll=found.player.roll)
        player = Player(stage.backend, calibration, options, watch=watch, tick=TICK)
        bars = [hammer.name for hammer in found.instrument.hammers]
        volume = found.player.volume if volume is None else volume
        hands = Hands(player, keyboard, volume, lambda played: tell(told(played, bars)))
        hands.allow(planning_time(found.instrument, calibration))
        return cls(player, hands, Recording(stage.backend.now()), tell)

    @property
    def backend(self) -> Backend:
        """What is played on."""
        return self.player.backend

    def take(self, message: Sequence[int]) -> None:
        """Take a MIDI message that comes now."""
        now = self.backend.now()
        if (key := self.hands.take(message, now)) is not None:
            self.recording.take(key, now)

    def play(self, hurried: bool) -> None:
        """Strike what comes, until a signal ends it; `hurried`, before other programs."""
        delay = f"{1000 * self.hands.delay:.0f} ms"
        self.tell(f"each bar sounds {delay} after its key, however loud; {OTHERS}; Ctrl-C ends")
        gc.collect()
        gc.freeze()
        if hurried and not hurry():
            warn("no real-time priority: docs/wiring.md says under Permissions how this user gets it")
        self.player.run()

    def end(self, record: Path | None) -> None:
        """Write what was played, and tell how much of it was struck."""
        if record is not None and len(self.recording):
            write_song(record, self.recording.song(self.backend.now(), record.stem))
            self.tell(f"wrote {record}, {counted(len(self.recording), 'note')}")
        elif record is not None:
            warn(f"nothing was played: {record} is not written")
        report = self.backend.report()
        lost = not_played(report, Counter(self.player.refusals) + self.hands.lost)
        self.tell("; ".join(filter(None, (f"played {counted(report.pulses, 'strike')}", lost))))


def told(played: Played, bars: Sequence[str]) -> str:
    """Return what became of a key, in a line: the key, how hard it was pressed, and its bar."""
    what = played.why if played.hammer is None else bars[played.hammer]
    return f"{pitch_name(played.key.pitch)} {played.key.velocity}: {what}"
