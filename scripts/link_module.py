"""Links one distribution of this Python's into another environment: its modules and its metadata, no more.

    python3 scripts/link_module.py ENVIRONMENT/bin/python DISTRIBUTION MODULE,MODULE

The links stay only if the modules can be imported there. Prints the folder they come from; exit code 1 with
the reason on stderr when there is nothing to link or what is there cannot be imported. ./xylo calls it for
what no wheel brings.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

SITE_PACKAGES = "import sysconfig; print(sysconfig.get_path('platlib'))"


def places_of(distribution: str, modules: list[str]) -> list[Path]:
    """Return what stands for the modules and their metadata in this Python's own packages."""
    found = [spec for name in modules if (spec := importlib.util.find_spec(name)) and spec.origin]
    if len(found) < len(modules):
        raise LookupError(f"this Python has no {' or no '.join(modules)}")
    origins = [Path(spec.origin) for spec in found]
    places = [origin.parent if origin.name == "__init__.py" else origin for origin in origins]
    metadata = places[0].parent.glob(f"{distribution.replace('-', '_')}-*.*-info")
    return [*places, *metadata]


def link(python: Path, places: list[Path], modules: list[str]) -> None:
    """Link the places into the environment of `python`, unless the modules cannot be imported there."""
    asked = subprocess.run([python, "-P", "-c", SITE_PACKAGES], capture_output=True, text=True, check=True)
    links = [Path(asked.stdout.strip()) / place.name for place in places]
    for new, place in zip(links, places, strict=True):
        new.symlink_to(place)
    tried = subprocess.run(
        [python, "-P", "-c", f"import {','.join(modules)}"], capture_output=True, text=True
    )
    if tried.returncode:
        for new in links:
            new.unlink()
        raise LookupError(f"what {places[0].parent} holds cannot be imported: {tried.stderr.strip()}")


def main() -> None:
    """Link what the command line names."""
    python, distribution, modules = Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
    try:
        places = places_of(distribution, modules)
        link(python, places, modules)
    except (LookupError, OSError) as error:
        sys.exit(str(error))
    print(places[0].parent)


if __name__ == "__main__":
    main()
