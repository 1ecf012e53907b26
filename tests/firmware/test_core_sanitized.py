"""The core under address and undefined-behaviour sanitizers: its tests again, and any frames."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from firmware.building import make, need, run

FRAMES = 100_000
HERE = Path(__file__).parent


def test_the_tests_of_the_core_run_clean() -> None:
    """Python itself is not built with the sanitizer, whose library therefore has to be loaded first."""
    need("cc", "make")
    checks = run(["cc", "-print-file-name=libasan.so"]).strip()
    environment = os.environ | {"SANITIZE": "1", "LD_PRELOAD": checks, "ASAN_OPTIONS": "detect_leaks=0"}
    tests = [str(HERE / f"test_core_{name}.py") for name in ("link", "limits", "order", "snapping")]
    said = run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--hypothesis-profile=quick",
            *tests,
        ],
        environment,
    )
    assert " passed" in said
    assert "skipped" not in said


def test_any_frames_good_damaged_and_noise(tmp_path: Path) -> None:
    """The program aborts when a coil is on twice, too long, with too many others, or while disarmed."""
    make(tmp_path, "fuzz", SANITIZE="1")
    said = run([str(tmp_path / "fuzz"), str(FRAMES)])
    frames, pulses = (int(word) for word in said.split() if word.isdigit()), said.split()[2]
    assert next(frames) == FRAMES
    assert int(pulses) > FRAMES / 20
