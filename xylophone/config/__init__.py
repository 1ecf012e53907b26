"""Configuration: where files are looked for, what `xylophone.toml` may say, and what is in force.

People write `xylophone.toml`; the program writes `calibration.toml` beside it. Without a
configuration file nothing here imports a checking library. A name is imported from its module when it is
first used, so that who only looks for a place does not wait for tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .beside import (
        Chosen as Chosen,
        Saved as Saved,
        forget_saved as forget_saved,
        make_place as make_place,
        read_saved as read_saved,
        saved_place as saved_place,
        write_saved as write_saved,
    )
    from .places import cache_folder as cache_folder
    from .settings import (
        Settings as Settings,
        load_instrument as load_instrument,
        load_settings as load_settings,
    )
    from .template import initial_config as initial_config, write_initial_config as write_initial_config
    from .values import (
        DEFAULT_BACKEND as DEFAULT_BACKEND,
        ArrangeSettings as ArrangeSettings,
        PlayerSettings as PlayerSettings,
        SimulationSettings as SimulationSettings,
    )

__all__ = [
    "DEFAULT_BACKEND",
    "ArrangeSettings",
    "Chosen",
    "PlayerSettings",
    "Saved",
    "Settings",
    "SimulationSettings",
    "cache_folder",
    "forget_saved",
    "initial_config",
    "load_instrument",
    "load_settings",
    "make_place",
    "read_saved",
    "saved_place",
    "write_initial_config",
    "write_saved",
]

_MODULES = {
    "beside": "Chosen Saved forget_saved make_place read_saved saved_place write_saved",
    "places": "cache_folder",
    "settings": "Settings load_instrument load_settings",
    "template": "initial_config write_initial_config",
    "values": "DEFAULT_BACKEND ArrangeSettings PlayerSettings SimulationSettings",
}
"""Module, and what it gives to the door."""

_HOMES = {name: home for home, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Import a name of the door when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'xylophone.config' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
