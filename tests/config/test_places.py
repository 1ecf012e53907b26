from __future__ import annotations

import os
from pathlib import Path

import pytest

from xylophone.config.places import (
    CALIBRATION_NAME,
    FILE_NAME,
    WORKING,
    Place,
    calibration_home,
    check_found_links,
    check_found_url,
    find_calibration,
    find_config,
    user_folder,
)
from xylophone.errors import ConfigError, FileError


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("work", "user"):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE_NAME).touch()
        (tmp_path / name / CALIBRATION_NAME).touch()
    return tmp_path / "work", tmp_path / "user"


def test_the_configuration_is_looked_for_in_this_order(folders: tuple[Path, Path]) -> None:
    work, user = folders
    named = {"XYLOPHONE_CONFIG": "named.toml"}
    assert find_config(Path("a.toml"), named, work, user) == Place(Path("a.toml"), "--config")
    assert find_config(None, named, work, user) == Place(Path("named.toml"), "XYLOPHONE_CONFIG")
    assert find_config(None, {}, work, user) == Place(work / FILE_NAME, "working folder")
    (work / FILE_NAME).unlink()
    assert find_config(None, {"XYLOPHONE_CONFIG": ""}, work, user) == Place(user / FILE_NAME, "user's folder")
    (user / FILE_NAME).unlink()
    assert find_config(None, {}, work, user) is None
    assert find_config(None, {}, work, None) is None


def test_a_link_to_nowhere_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).symlink_to("none")
    assert find_config(None, {}, tmp_path, None) == Place(tmp_path / FILE_NAME, "working folder")


def test_calibration_lies_beside_the_configuration_in_use(folders: tuple[Path, Path]) -> None:
    work, user = folders
    mine = Place(work / FILE_NAME, "working folder")
    beside = Place(work / CALIBRATION_NAME, "beside the configuration")
    assert find_calibration(Path("c.toml"), mine, user) == Place(Path("c.toml"), "--calibration")
    assert find_calibration(None, mine, user) == beside
    assert find_calibration(None, None, user) == Place(user / CALIBRATION_NAME, "user's folder")
    (work / CALIBRATION_NAME).unlink()
    assert find_calibration(None, mine, user) is None
    assert find_calibration(None, None, None) is None


def test_tuning_writes_where_calibration_is_looked_for(folders: tuple[Path, Path]) -> None:
    work, user = folders
    assert calibration_home(Place(work / FILE_NAME, "--config"), user) == work / CALIBRATION_NAME
    assert calibration_home(None, user) == user / CALIBRATION_NAME
    assert calibration_home(None, None) is None


@pytest.mark.parametrize(
    ("config", "backend", "name"),
    [
        ("xylophone.toml", "gpio:595", "calibration.toml"),
        ("xylophone.toml", "sim:", "calibration-sim.toml"),
        ("xylophone.toml", "sim:?realtime=1&scatter=0", "calibration-sim.toml"),
        ("xylophone.toml", "sim:?seed=3", "calibration-sim-seed-3.toml"),
        ("alma.toml", "serial:auto", "alma.calibration.toml"),
        ("alma.toml", "sim:?tolerance=0.5&seed=3", "alma.calibration-sim-seed-3-tolerance-0.5.toml"),
        ("alma", "sim:?seed=../x", "alma.calibration-sim-seed-..-x.toml"),
    ],
)
def test_each_configuration_and_each_set_of_hammers_has_a_calibration_of_its_own(
    config: str, backend: str, name: str
) -> None:
    assert calibration_home(Place(Path("here", config), "--config"), None, backend) == Path("here", name)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.config/xylophone"),
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/etc/ada"}, "/etc/ada/xylophone"),
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": "not/absolute"}, "/home/ada/.config/xylophone"),
    ],
)
def test_the_users_folder_follows_the_xdg_rule_on_linux(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], folder: str
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert user_folder(environ) == Path(folder)


def test_the_users_folder_is_the_one_that_platformdirs_names() -> None:
    from platformdirs import user_config_path

    assert user_folder(os.environ) == user_config_path("xylophone", appauthor=False)


@pytest.mark.parametrize(
    "url",
    [
        "sim:",
        "sim:?seed=3",
        "gpio:",
        "gpio:595",
        "serial:auto",
        "serial:COM3",
        "serial:///dev/ttyACM0",
        "serial:/dev/ttyUSB1",
        "serial:///dev/serial/by-id/usb-Arduino_Mega_7573-if00",
        "serial:///dev/cu.usbmodem1101",
    ],
)
def test_a_configuration_that_was_found_may_name_the_usual_backends(url: str) -> None:
    check_found_url(url, Place(Path(FILE_NAME), WORKING))


@pytest.mark.parametrize(
    "url",
    [
        "serial:spy:///dev/ttyACM0?file=/home/ada/thesis.txt",
        "serial:socket://example.org:7000",
        "serial:rfc2217://example.org:7000",
        "serial:hwgrep://.",
        "serial:alt:///dev/ttyACM0?class=os.system",
        "serial:///home/ada/thesis.txt",
        "serial:thesis.txt",
        "serial:///dev/tty",
        "serial:///dev/pts/3",
        "serial:///dev/watchdog",
        "serial:///dev/ttyACM0/../../home/ada/thesis.txt",
        "serial:///dev/serial/by-id/../../../home/ada/thesis.txt",
        "serial:///dev/ttyACM0?file=x",
        "gpio:null?trace=/home/ada/thesis.txt",
        "elsewhere:",
    ],
)
def test_one_that_was_found_asks_for_nothing_else_but_a_named_one_may(url: str) -> None:
    with pytest.raises(ConfigError, match="--backend, or name the file with --config"):
        check_found_url(url, Place(Path(FILE_NAME), WORKING))
    for source in ("--config", "XYLOPHONE_CONFIG", "user's folder"):
        check_found_url(url, Place(Path(FILE_NAME), source))


def test_what_tuning_writes_beside_a_found_configuration_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "calibration-sim.versions").mkdir()
    version, lock = "calibration-sim.versions/1-after-0.toml", ".xylophone-0123abcd.lock"
    files = [tmp_path / name for name in (CALIBRATION_NAME, "calibration.history.jsonl", version, lock)]
    for path in files:
        path.touch()
    check_found_links(tmp_path)
    for path in files:
        path.unlink()
        path.symlink_to("/nowhere")
        with pytest.raises(FileError, match="is a link"):
            check_found_links(tmp_path)
        path.unlink()


def test_a_pipe_is_not_waited_for(folders: tuple[Path, Path]) -> None:
    work, user = folders
    for name in (FILE_NAME, CALIBRATION_NAME):
        (work / name).unlink()
        os.mkfifo(work / name)
    with pytest.raises(FileError, match="a pipe or a device"):
        find_config(None, {}, work, user)
    with pytest.raises(FileError, match="a pipe or a device"):
        find_calibration(None, Place(work / FILE_NAME, WORKING), user)
