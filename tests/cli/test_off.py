"""`xylophone off` silences whatever plays, however the machine is, and says what it could not do.

Cases on a virtual board run a few at a time; each test looks at one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import programs
from cli.conftest import Ran
from cli.scenes import XYLOPHONE, End, Scene
from cli.test_said_of_coils import program, tune
from firmware.building import need
from gpio.fake_pi import FakePi
from gpio.playing import wait_for
from xylophone.backends.contract import Coils
from xylophone.running.playing import ANSWER
from xylophone.wiring import HONEST_PINS

__all__ = ["program"]  # a fixture

STRANGER = 54321
"""A user that no machine knows."""

AS_STRANGER = [
    *("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),  # Python may lie in a private folder
]

ROOT = os.geteuid() == 0
"""Whether file systems can be mounted, and others be impersonated."""


AT_ONCE = 3
"""Cases that run at the same time: each of them mostly waits."""

Case = Callable[[Scene], None]
CASES: dict[str, Case] = {}


def at_once(case: Case) -> Callable[[dict[str, Future[None]]], None]:
    """Have a case run beside the others, on a scene of its own; return the test that looks at it."""

    def test(ran: dict[str, Future[None]]) -> None:
        ran[case.__name__].result()

    CASES[case.__name__] = case
    test.__doc__ = case.__doc__
    return test


@pytest.fixture(scope="module")
def ran(
    request: pytest.FixtureRequest, program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """Run all cases that were asked for."""
    folder = tmp_path_factory.mktemp("scenes")

    def run(name: str) -> None:
        scene = Scene(program, folder / name)
        try:
            CASES[name](scene)
        finally:
            scene.close()

    asked = [item.name for item in request.session.items if item.name in CASES]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(run, name) for name in asked}


@contextmanager
def disk_of(scene: Scene) -> Iterator[Path]:
    """Make a small disk, for the state folder."""
    folder = scene.folder / "disk"
    folder.mkdir()
    programs.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", folder], check=True)
    scene.environment["XDG_STATE_HOME"] = str(folder)
    try:
        yield folder
    finally:
        programs.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> None:
    """Leave no room on a disk."""
    with (disk / "full").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert os.statvfs(disk).f_bavail == 0


def is_silenced(scene: Scene, off: End) -> None:
    """Assert that `off` has done what it is for, and has said so."""
    assert scene.player is not None
    scene.player.wait()
    killed = scene.player.returncode == -signal.SIGKILL  # also where a busy machine lets it answer too late
    assert not killed or off.took >= ANSWER
    words = f"{'killed' if killed else 'ended'} process {scene.player.pid}"
    assert f"{Coils.OFF} ({scene.url}); {words}" in off.said
    assert off.code == 0, off.said
    assert "Traceback" not in off.said
    scene.wait(lambda: scene.outputs() == 0)
    if not killed:
        assert scene.ended().code == 4


def one_line(ran: End, *words: str) -> None:
    """Assert that a command was refused in one line with these words."""
    assert (ran.code, ran.said.count("\n")) == (1, 1), ran.said
    for word in words:
        assert word in ran.said


@at_once
def test_it_silences_what_was_played_on_last_when_nothing_plays(scene: Scene) -> None:
    scene.play(str(tune(scene.folder, 60)))
    assert scene.player is not None
    scene.player.kill()
    scene.player.wait()  # until it has left, it is found playing
    off = scene.run("off")
    assert (off.code, off.said) == (0, f"{Coils.OFF} ({scene.url})\n")
    scene.wait(lambda: scene.outputs() == 0)
    assert scene.run("strike", "C6", "--backend", "sim:", "--mute").code == 0
    assert scene.run("off").said == f"{Coils.OFF} ({scene.url})\n"  # what strikes nothing is not remembered


@at_once
def test_a_player_that_stands_still_is_stopped_on_its_own_port(scene: Scene) -> None:
    scene.play(str(tune(scene.folder, 60)))
    assert scene.player is not None
    programs.stand_still(scene.player.pid)
    is_silenced(scene, scene.run("off"))
    assert scene.player.returncode == -signal.SIGKILL


@at_once
def test_two_at_once_do_not_end_each_other(scene: Scene) -> None:
    scene.play(str(tune(scene.folder, 60)))
    both = [scene.start("off", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    said = [one.communicate()[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert all(f"{Coils.OFF} ({scene.url})" in words for words in said)
    scene.wait(lambda: scene.outputs() == 0)


@at_once
def test_a_configuration_that_cannot_be_read_does_not_keep_it(scene: Scene) -> None:
    scene.play(str(tune(scene.folder, 60)))
    (scene.folder / "xylophone.toml").write_text("[nonsense")
    off = scene.run("off")
    assert "xylophone.toml: this is no TOML" in off.said
    is_silenced(scene, off)


@at_once
def test_a_full_output_does_not_keep_it(scene: Scene) -> None:
    scene.play(str(tune(scene.folder, 60)))
    with Path("/dev/full").open("w") as full:
        one_line(scene.run("off", stdout=full), "cannot write the output")
    assert scene.ended().code == 4
    scene.wait(lambda: scene.outputs() == 0)


@contextmanager
def waiting(scene: Scene) -> Iterator[str]:
    """Have a player wait for a board that is not there; give its URL."""
    url = f"serial://{scene.folder / 'nowhere'}"
    words = ["play", "twinkle", "--wait", "--backend", url]
    with scene.start(*words, stderr=subprocess.PIPE, text=True) as player:
        assert player.stderr is not None
        try:
            assert "waiting for the board" in player.stderr.readline()
            yield url
            assert player.stderr.read() == "xylophone: stopped by xylophone off\n"
            assert player.wait() == 4
        finally:
            player.kill()


@at_once
def test_whatever_is_asked_for_what_played_is_silenced_and_the_worst_is_the_exit_code(scene: Scene) -> None:
    with waiting(scene) as absent:
        off = scene.run("off", "--backend", "serial:///dev/null")
    unconfirmed, away = off.said.splitlines()[::-1]
    assert "serial:///dev/null" in unconfirmed
    assert str(Coils.UNCONFIRMED) in unconfirmed
    assert absent in away
    assert str(Coils.OFF_BY_LIMIT) in away
    assert off.code == 1


@at_once
def test_an_output_that_nobody_reads_keeps_no_board_from_being_silenced(scene: Scene) -> None:
    read, write = os.pipe()
    os.close(read)
    with waiting(scene) as absent:
        off = scene.run("off", "--backend", scene.url, stdout=write)
    os.close(write)
    told = off.said.splitlines()
    assert len(told) == 1
    assert absent in told[0]
    assert off.code == 3


def test_known_boards_that_cannot_be_read_keep_no_player_alive_and_are_no_confirmation(
    xylophone: Callable[..., Ran], tmp_path: Path
) -> None:
    boards = tmp_path / "home" / "xylophone" / "boards.txt"
    boards.parent.mkdir(parents=True)
    boards.write_bytes(b"\xff")
    hold = "\n".join(
        (
            "import signal",
            "from xylophone.running.playing import playing",
            "with playing('serial:auto'): signal.pause()",
        )
    )
    with programs.Program([sys.executable, "-c", hold]) as player:
        try:
            locks = boards.parent / "running"
            assert wait_for(lambda: any(lock.stat().st_size for lock in locks.glob("*.lock")))
            programs.stand_still(player.pid)
            off = xylophone("off")
        finally:
            player.kill()
    one_line(
        End(off.code, off.out + off.err), "boards.txt", str(Coils.UNCONFIRMED), f"killed process {player.pid}"
    )


@at_once
def test_a_port_with_a_name_of_300_characters(scene: Scene) -> None:
    deep = scene.folder / ("a" * 150)
    deep.mkdir()
    rest = 300 - len(str(deep)) - 1
    scene.url = f"serial://{deep / ('b' * rest)}"
    (deep / ("b" * rest)).symlink_to(os.readlink(scene.link))
    scene.play(str(tune(scene.folder, 60)))
    is_silenced(scene, scene.run("off"))


@at_once
def test_without_any_folder_to_write_in_only_off_works(scene: Scene) -> None:
    scene.play(str(tune(scene.folder, 60)))
    scene.environment |= {"XDG_STATE_HOME": "/proc/nowhere", "TMPDIR": "/proc/nowhere"}
    one_line(scene.run("strike", "C6"), "cannot write /proc/nowhere/xylophone/running/sim-", "XDG_STATE_HOME")
    asked = scene.run("off", "--backend", scene.url)  # whoever plays cannot be found: the port is in use
    assert (asked.code, "holds this port" in asked.said) == (1, True)
    assert str(Coils.UNCONFIRMED) in asked.said
    assert scene.player is not None
    scene.player.kill()
    scene.player.wait()
    off = scene.run("off", "--backend", scene.url)
    lock = "going on without a lock: cannot write /proc/nowhere/xylophone/running/serial-"
    assert (off.code, lock in off.said, f"{Coils.OFF} ({scene.url})" in off.said) == (0, True, True)


if ROOT:

    @at_once
    def test_a_disk_that_is_full_does_not_keep_it(scene: Scene) -> None:
        with disk_of(scene) as disk:
            scene.play(str(tune(scene.folder, 60)))
            fill(disk)
            is_silenced(scene, scene.run("off"))

    @at_once
    def test_a_disk_that_is_full_is_named_by_who_plays(scene: Scene) -> None:
        with disk_of(scene) as disk:
            scene.environment["TMPDIR"] = str(disk)
            fill(disk)
            one_line(
                scene.run("play", "twinkle"), f"cannot write {disk}/xylophone/running/sim-", "No space left"
            )
            off = scene.run("off", "--backend", scene.url)
        assert off.code == 0
        assert f"going on without a lock: cannot write {disk}/xylophone/running/serial-" in off.said
        assert "No space left on device" in off.said

    @at_once
    def test_a_disk_that_is_read_only_does_not_keep_it(scene: Scene) -> None:
        with disk_of(scene) as disk:
            programs.run(["mount", "-o", "remount,ro", disk], check=True)
            scene.play(str(tune(scene.folder, 60)))
            is_silenced(scene, scene.run("off"))

    @at_once
    def test_a_folder_of_another_user_is_not_used(scene: Scene) -> None:
        foreign = scene.folder / "foreign" / "xylophone" / "running"
        foreign.mkdir(parents=True)
        os.chown(foreign, STRANGER, STRANGER)
        scene.environment["XDG_STATE_HOME"] = str(scene.folder / "foreign")
        scene.play(str(tune(scene.folder, 60)))
        is_silenced(scene, scene.run("off"))
        assert not list(foreign.iterdir())

    @at_once
    def test_a_user_without_home_and_without_a_name(scene: Scene) -> None:
        need("setpriv")
        del scene.environment["HOME"]
        scene.prefix = AS_STRANGER
        del scene.environment["XDG_CACHE_HOME"]
        for place in (scene.folder, os.readlink(scene.link)):
            os.chown(place, STRANGER, STRANGER)
        scene.play(str(tune(scene.folder, 60)))
        is_silenced(scene, scene.run("off"))
        assert not (scene.folder / "~").exists()


@pytest.mark.parametrize("kind", ["mcp23017", "pins"])
def test_on_a_pi_a_player_that_stands_still_is_killed_and_its_coils_are_off(
    tmp_path: Path, kind: str
) -> None:
    pi = FakePi(tmp_path, pins=HONEST_PINS if kind == "pins" else ())
    homes = {name: str(tmp_path / "home") for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "TMPDIR")}
    (tmp_path / "home").mkdir()
    own = os.environ | homes | pi.environment
    layout = '[instrument]\nlayout = "diatonic-15"\n'
    (tmp_path / "xylophone.toml").write_text(f'[backend]\nurl = "gpio:{kind}"\n{layout}')
    strike = [*XYLOPHONE, "strike", "C6", "--mute", "--times", "100"]
    with programs.Program(strike, env=own, cwd=tmp_path) as player:
        assert wait_for(lambda: pi.state.logged > 4 and pi.coils(kind) != 0)
        programs.stand_still(player.pid)
        off = programs.run([*XYLOPHONE, "off"], env=own, cwd="/", capture_output=True, text=True, check=False)
        assert player.wait() == -signal.SIGKILL
    assert off.returncode == 0, off.stderr
    assert off.stdout == f"{Coils.OFF} (gpio:{kind}); killed process {player.pid}\n"  # from another folder
    assert pi.coils(kind) == 0
