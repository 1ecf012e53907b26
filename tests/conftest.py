"""What all tests share: where the project stands, how long hypothesis may take, and which are quick."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

from quick import is_quick

# Before numpy is there: the tests have processes for all cores, so linear algebra needs no threads besides.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# An example may be slow on a busy machine; that is no fault of what is tested.
settings.register_profile("xylophone", deadline=None, max_examples=40)
settings.register_profile("quick", deadline=None, max_examples=10)
settings.load_profile("xylophone")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="only tests that start no program, and wait for and tune nothing"
    )


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # until all tests are collected: there is no garbage
    if config.getoption("--quick"):
        settings.load_profile("quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return two processes for each core, since much of the suite waits; one where nothing does."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if config.getoption("--quick") else 2 * cores


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        left_out = [item for item in items if not is_quick(item.path)]
        items[:] = [item for item in items if is_quick(item.path)]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: is_quick(item.path))  # what waits first, so that others work meanwhile


def pytest_collection_finish() -> None:
    """Let the garbage collector never again look through what was collected here, which stays."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]
