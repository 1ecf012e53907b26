"""What systemd is told."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from xylophone.owner.notify import Supervisor


@pytest.mark.parametrize("abstract", [False, True])
def test_it_is_told_by_datagrams(tmp_path: Path, abstract: bool):
    name = f"@xylophone-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{name[1:]}" if abstract else name)
        systemd.settimeout(10.0)
        told = Supervisor({"NOTIFY_SOCKET": name})
        told.ready("plays\nnothing")
        told.status("plays Sakura")
        told.alive()
        told.leaving()
        found = [systemd.recv(999) for _ in range(4)]
    assert found == [b"READY=1\nSTATUS=plays nothing", b"STATUS=plays Sakura", b"WATCHDOG=1", b"STOPPING=1"]


def test_nobody_is_told_where_nobody_listens(tmp_path: Path):
    Supervisor({}).ready("")
    Supervisor({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()


def test_a_full_queue_holds_nothing_up(tmp_path: Path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        told = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(2000):
            told.alive()


@pytest.mark.parametrize(
    ("environ", "watchdog"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_it_wants_a_sign_of_life(environ: dict[str, str], watchdog: float | None):
    assert Supervisor(environ).watchdog == watchdog
