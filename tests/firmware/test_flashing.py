"""`xylophone firmware flash` with nothing pretended but the chip: avrdude, and Arduino's own bootloader."""

from __future__ import annotations

import os
import select
import subprocess
import termios
import tty
from pathlib import Path

import forking
from firmware.behind_bootloader import BOOTLOADER, Mega, Port
from firmware.building import need
from xylophone.clock import SystemClock, VirtualClock
from xylophone.link.bootloader import BOOTLOADER_BAUD
from xylophone.link.messages import BAUD

TURN = 0.001
"""s between two looks at the terminal."""

LONGEST = 300.0
"""s that flashing may take here, where the board may be slower than a real one."""

MOST = 0.01
"""s that a board lives in one turn: when this machine stands still, so does the board."""


class Cable:
    """A pseudo-terminal that is a Mega's port, in real time; opening it resets the board."""

    def __init__(self, mega: Mega) -> None:
        self._mega, self._port = mega, Port(mega)
        self._end, other = os.openpty()
        tty.setraw(other)
        os.set_blocking(self._end, False)
        self.path = os.ttyname(other)
        os.close(other)  # now it counts as hung up, until somebody opens it
        self._open = False
        self._real = SystemClock()
        self._turned = self._real.now()

    def turn(self) -> None:
        """Carry what has come, and let the board live up to the present."""
        self._notice_opening()
        select.select([self._end] if self._open else [], [], [], TURN)
        if self._open:
            self._port.set_baud(self._baud())
            self._take()
        clock, now = self._mega.clock, self._real.now()
        clock.wait_until(clock.now() + min(now - self._turned, MOST))
        self._turned = now
        said = self._port.read()
        if self._open and said:
            os.write(self._end, said)

    def close(self) -> None:
        """Let go of the terminal."""
        os.close(self._end)

    def _notice_opening(self) -> None:
        poll = select.poll()
        poll.register(self._end)
        is_open = not any(events & select.POLLHUP for _, events in poll.poll(0))
        if is_open and not self._open:
            self._port = self._mega.connect()
        self._open = is_open

    def _baud(self) -> int:
        return BOOTLOADER_BAUD if termios.tcgetattr(self._end)[5] == termios.B115200 else BAUD

    def _take(self) -> None:
        try:
            content = os.read(self._end, 4096)
        except OSError:  # nothing there, or just closed
            return
        self._port.write(content)


def test_a_blank_board_gets_the_firmware_and_keeps_what_its_hammers_stand(emulator, tmp_path: Path) -> None:
    """avrdude has compared the flash; what is in the EEPROM is what the firmware then says of itself."""
    need("avrdude", "Arduino core")
    (tmp_path / "xylophone.toml").write_text('[instrument]\nkind = "jf-0530b"\n')
    cable = Cable(Mega(emulator, BOOTLOADER, None, VirtualClock()))
    own = os.environ | dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(tmp_path))
    words = ["firmware", "flash", "--port", cable.path]
    pipe, clock = subprocess.PIPE, SystemClock()
    with forking.Fork(words, stdout=pipe, stderr=pipe, text=True, env=own, cwd=tmp_path) as flashing:
        while flashing.poll() is None and clock.now() < LONGEST:
            cable.turn()
        out, err = flashing.communicate()
    cable.close()
    assert (flashing.returncode, err) == (0, "")
    assert "written; the board says: Arduino Mega 2560, firmware " in out
    assert "it allows no pulse above 38 ms, as jf-0530b stands" in out
