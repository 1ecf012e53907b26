"""What all tests share: where the project stands, how long hypothesis may take, and which are quick."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from counts import FEW, USUAL
from firmware.building import BUILDS
from quick import is_quick

# Before numpy is there: the tests have processes for all cores, so linear algebra needs no threads besides.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Nobody's own owner is found by a test, far less stopped: it is looked for where none is.
os.environ["XYLOPHONE_OWNER"] = f"{tempfile.gettempdir()}/xylophone-tests-{os.getpid()}/owner.sock"

# An example may be slow on a busy machine; that is no fault of what is tested.
settings.register_profile("xylophone", deadline=None, max_examples=USUAL)
settings.register_profile("quick", deadline=None, max_examples=FEW)
settings.load_profile("xylophone")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="only tests that start no program, and wait for and tune nothing"
    )


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # until all tests are collected: there is no garbage
    if not hasattr(config, "workerinput"):
        builds = tempfile.TemporaryDirectory(prefix="xylophone-builds-")
        os.environ[BUILDS] = builds.name
        config.add_cleanup(builds.cleanup)
    os.environ["XDG_DATA_HOME"] = os.path.join(os.environ[BUILDS], f"data-{os.getpid()}")  # nobody's home.db
    if config.getoption("--quick"):
        settings.load_profile("quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return two processes for each core, since much of the suite waits; one where nothing does."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if config.getoption("--quick") else 2 * cores


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out of the first circle, before it is imported, what does not belong to it."""
    if not config.getoption("--quick") or not collection_path.match("test_*.py"):
        return None
    return None if is_quick(collection_path) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: is_quick(item.path))  # what waits first, so that others work meanwhile


def pytest_collection_finish() -> None:
    """Let the garbage collector never again look through what was collected here, which stays."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]
