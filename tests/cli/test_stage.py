"""The stage: which backend is opened, and with which hammers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xylophone.cli.stage import open_stage
from xylophone.config import load_settings


def test_a_twin_that_a_url_asks_for_is_otherwise_as_configured(tmp_path: Path) -> None:
    config = tmp_path / "xylophone.toml"
    config.write_text("[simulation]\ntolerance = 0\nscatter_ms = 2\n")
    with open_stage(load_settings(config, backend="sim:?seed=5")) as stage:
        assert stage.twin is not None
        assert stage.twin.chance.seed == 5
        assert stage.twin.chance.time == 0.002
        assert np.ptp(stage.twin.hammers.gap) == 0.0
