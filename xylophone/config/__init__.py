"""Configuration: where files are looked for, what `xylophone.toml` may say, and what is in force.

People write `xylophone.toml`; the program writes `calibration.toml` beside it. Without a
configuration file nothing here imports a checking library.
"""

from __future__ import annotations

from .places import (
    BACKEND_VARIABLE,
    CONFIG_VARIABLE,
    FILE_NAME,
    Place,
    cache_folder,
    find_calibration,
    find_config,
)
from .settings import Settings, load_instrument, load_settings
from .template import initial_config, write_initial_config
from .values import DEFAULT_BACKEND, PlayerSettings, SimulationSettings

__all__ = [
    "BACKEND_VARIABLE",
    "CONFIG_VARIABLE",
    "DEFAULT_BACKEND",
    "FILE_NAME",
    "Place",
    "PlayerSettings",
    "Settings",
    "SimulationSettings",
    "cache_folder",
    "find_calibration",
    "find_config",
    "initial_config",
    "load_instrument",
    "load_settings",
    "write_initial_config",
]
