"""The command line: `xylophone COMMAND`. Commands are imported when they are run, not for `--help`."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..errors import XylophoneError, did_you_mean
from .printing import FULL, let_go_of_output, ready_streams, say, warn

COMMANDS = {
    "play": ("play", "Play songs, on the hammers or in the simulation."),
    "status": ("status", "Say what the owner plays, and what is to come."),
    "add": ("entries", "Add songs to the owner's queue."),
    "pause": ("control", "Pause the music."),
    "resume": ("control", "Go on where it was paused."),
    "next": ("control:next_", "Go to the next song."),
    "previous": ("control", "Go to the beginning, or the song before."),
    "volume": ("control", "Say or set how loud it plays, 0..100."),
    "seek": ("control", "Go to a time of the song."),
    "queue": ("entries", "List and change what is still to come."),
    "stop": ("control", "All coils off; silent until it is released."),
    "release": ("control", "Let it play again after a stop."),
    "info": ("info", "Say what a song becomes on the instrument."),
    "arrange": ("arrange", "Write, draw or compare what a song becomes, and save choices."),
    "simulate": ("simulate", "Play a song on simulated hammers in a blink, and measure it."),
    "tune": ("tune", "Measure or set what each hammer does."),
    "strike": ("strike", "Strike one bar."),
    "live": ("live", "Play on MIDI keyboards, and record it."),
    "ports": ("live:ports", "List MIDI ports."),
    "serve": ("serve", "Hold the instrument, for many to play it: the owner."),
    "off": ("off", "Switch all coils off, now, whatever else runs."),
    "devices": ("devices", "List serial ports, and say which one serial:auto opens."),
    "doctor": ("doctor", "Check link, clock and limits; with --hammers every hammer."),
    "firmware": ("firmware", "Build, flash or emulate the board's firmware."),
    "songs": ("lists", "List the project's own songs."),
    "shelf": ("shelf", "Favourites, moods, lists, and what was played."),
    "backup": ("backup", "Write all that a home would miss into one file."),
    "restore": ("backup", "Put back what a backup holds."),
    "instruments": ("lists", "List layouts of bars and kinds of hammers."),
    "init": ("lists", "Write a commented xylophone.toml to start from."),
}
"""Command: its module here, and its line in the help."""


class Commands(click.Group):
    """A group that imports a command's module when the command is run.

    `table` gives for each command its module within the package `home`, followed by a colon and the
    function where that has another name, and its line in the help.
    """

    table: Mapping[str, tuple[str, str]] = COMMANDS
    home = __name__

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, its module imported; None where there is no such command."""
        if cmd_name not in self.table:
            return None
        module, _, function = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f".{module}", self.home), function or cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which was meant."""
        if args[0] not in self.table and not args[0].startswith("-"):
            hint = did_you_mean(args[0], self.table, "choose from", 0.6)
            if os.path.exists(args[0]):
                hint = f"did you mean: xylophone play {args[0]}"
            ctx.fail(f"unknown command {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])


class Main(Commands):
    """The commands of the program."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C ends it as a signal does, by SystemExit."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(128 + signal.SIGINT) from None


@click.group(
    cls=Main,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="xylophone")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A self-playing mechanical xylophone: MIDI files on thirty hammers, real or simulated.

    Try: xylophone play greensleeves
    """
    if ctx.invoked_subcommand is None:
        say(*ctx.get_help().splitlines())


def main() -> None:
    """Run the command line and leave with its exit code.

    0 ok, 1 failed, 2 usage, 3 hardware missing, 4 refused for safety, 130 Ctrl-C, 143 SIGTERM.
    """
    ready_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code; every error is one line on stderr."""
    try:
        cli.main(arguments, prog_name="xylophone", standalone_mode=False)
        return 0
    except XylophoneError as error:
        return _fail(error, error.exit_code)
    except click.ClickException as error:
        return _fail(_usage(error, arguments), error.exit_code)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _fail("stopped by Ctrl-C", 128 + signal.SIGINT)
    except SystemExit as leaving:  # of a signal: 130 for Ctrl-C, 143 for SIGTERM
        from .incidents import StoppedBy

        code = leaving.code if isinstance(leaving.code, int) else 1
        stopped = StoppedBy.by(leaving)
        return code if stopped is None else _fail(stopped.words, code)
    except BrokenPipeError:
        let_go_of_output()  # whoever read us has left: nothing to say
        return 0
    except MemoryError:
        return _fail("this needs more memory than there is: give it a shorter song, or end other programs", 1)
    except (UnicodeEncodeError, OSError) as error:
        return _fail(_refusal(error), 1)


def _usage(error: click.ClickException, arguments: list[str]) -> str:
    """Return in words what is wrong with a command line, and where its rules are told."""
    if isinstance(error, click.NoSuchOption):
        for name in arguments:
            if name.startswith("-") and os.path.lexists(name):
                return (
                    f"{name} is read as an option: for the file of that name write {os.path.join('.', name)}"
                )
    context = error.ctx if isinstance(error, click.UsageError) else None
    words = " ".join(error.format_message().split()).rstrip(".")
    return f"{words} (see {context.command_path} --help)" if context else words


def _refusal(error: UnicodeEncodeError | OSError) -> str:
    """Return in words what the system has refused: an output of click's own, or a file."""
    if isinstance(error, UnicodeEncodeError):
        name = f"{error.object!r} cannot be the name of a file here, where names are {error.encoding}"
        return f"{name}: set LC_ALL=C.UTF-8, or choose another name"
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT):
        let_go_of_output()
        return FULL.format(error.strerror)
    try:
        os.getcwd()
    except OSError:
        return "the working folder is not there any more: change to one that is"
    what = "what was asked for" if error.filename is None else os.fsdecode(error.filename)
    return f"the system refuses {what}: {error.strerror or error}; check that it is there and may be used"


def _fail(told: str | XylophoneError, code: int) -> int:
    warn(told)
    return code
