from __future__ import annotations

from pathlib import Path

import pytest

from xylophone.config.places import (
    CALIBRATION_NAME,
    FILE_NAME,
    Place,
    calibration_home,
    find_calibration,
    find_config,
    user_folder,
)


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
    import os

    from platformdirs import user_config_path

    assert user_folder(os.environ) == user_config_path("xylophone", appauthor=False)
