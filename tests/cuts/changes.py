"""Changes of files that are cut short: how a folder is before, what is done in it, and what must be whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from xylophone.calibration.file import default_calibration
from xylophone.calibration.values import CURVES
from xylophone.config.beside import Chosen, saved_place, write_saved
from xylophone.files import alone_with, remove_file, write_text
from xylophone.instrument import Instrument, build_instrument, hammers_of
from xylophone.owner.last import LastQueue
from xylophone.owner.latch import NAME as LATCH, Latch
from xylophone.owner.restarts import Restarts
from xylophone.shelf.entries import About, Play
from xylophone.shelf.replacing import replace_together, take_back as take_restored_back
from xylophone.shelf.store import Store
from xylophone.tuning.checking import Heard, Measured, add_entry, read_history
from xylophone.tuning.edits import later
from xylophone.tuning.keeping import Versions, hold

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KIND = build_instrument().kind
INSTRUMENT = Instrument("two", KIND, hammers_of((84, 86), KIND), KIND.supply_limit)
WHOLE = default_calibration(INSTRUMENT)
FEW = {key: getattr(WHOLE, key)[:, ::9] for key in ("level", *CURVES)}
DEFAULT = replace(WHOLE, **FEW)
"""Of two hammers and four knots: what a file holds changes nothing in how it is written."""


@dataclass(frozen=True)
class Change:
    """What `before` makes of an empty folder, `act` changes at once; `state` tells what is in the folder."""

    before: Callable[[Path], object]
    act: Callable[[Path], object]
    state: Callable[[Path], object]


def calibration(folder: Path) -> Path:
    return folder / "calibration.toml"


def keep(folder: Path, *numbers: int) -> None:
    """Put so many calibrations in force, one after the other."""
    for number in numbers:
        with hold(calibration(folder)) as held:
            held.keep(later(DEFAULT, 0, 1e-4 * number), NOON, "gpio:null")


def take_back(folder: Path, to: int | None = None) -> None:
    with hold(calibration(folder)) as held:
        wanted = Versions.read(calibration(folder)).before() if to is None else to
        held.take_back(wanted, INSTRUMENT)


def edited(folder: Path) -> None:
    """Let somebody edit the calibration that is in force."""
    keep(folder, 1)
    calibration(folder).write_bytes(calibration(folder).read_bytes() + b"# a remark\n")


def versions(folder: Path) -> object:
    """Return what is in force, and what can be returned to: numbers, what each was made from, contents."""
    path = calibration(folder)
    kept = Versions.read(path)
    known = [(one.number, one.made_from, one.file.read_bytes()) for one in kept.known]
    return kept.present, path.read_bytes() if path.exists() else None, known


def content(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).read_bytes() if (folder / name).exists() else None


def nothing(folder: Path) -> None:
    """Leave the folder empty."""


def add(folder: Path, *latencies: float) -> None:
    for latency in latencies:
        add_entry(folder / "history", Measured(NOON, "auto", {"C6": Heard(latency, -8.0)}))


def forget(folder: Path) -> None:
    with alone_with(folder / "a"):
        remove_file(folder / "a")


def save(folder: Path, preset: str) -> None:
    """Save what was chosen for a song."""
    with alone_with(saved_place(folder / "tune.mid")):
        write_saved(folder / "tune.mid", Chosen(preset=preset))


def crash(folder: Path, *moments: float) -> None:
    """Begin as an owner that nobody ends in order."""
    for moment in moments:
        Restarts(folder).begin(moment)


def begun_home(folder: Path) -> None:
    """Make a home of two files, one that a backup takes away, and what the backup holds."""
    for name in ("a", "b", "home.db-wal"):
        write_text(folder / name, f"old {name}")
    for name in ("a", "b", "c"):
        write_text(folder / f"{name}.new", f"new {name}")


def restored(folder: Path, stays: bool = True) -> None:
    """Replace two files, add one and take one away, all of which comes up or does not."""
    new: dict[Path, Path | None] = {folder / name: folder / f"{name}.new" for name in ("a", "b", "c")}
    assert replace_together(folder, {folder / "home.db-wal": None} | new, lambda: stays) == stays


def home_of(folder: Path) -> object:
    """Return what the files are for whoever opens the home next."""
    take_restored_back(folder)
    return [content(name)(folder) for name in ("a", "b", "c", "home.db-wal")]


def apart(act: Callable[[Path], object]) -> Callable[[Path], object]:
    """Return an act in a home that is beside the files, and keeps its word beside them too."""

    def acting(folder: Path) -> object:
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "home").mkdir(exist_ok=True)
        return act(folder)

    return acting


def restored_apart(folder: Path) -> None:
    """Replace a file, and add one, that do not lie in the home."""
    assert replace_together(folder / "home", {folder / name: folder / f"{name}.new" for name in ("a", "c")})


def home_apart(folder: Path) -> object:
    """Return what those files are for whoever opens that home next."""
    take_restored_back(folder / "home")
    return content("a")(folder), content("c")(folder)


def stopped(folder: Path) -> object:
    return Latch(folder).read(), content(LATCH)(folder)


CHANGES = {
    "a new file": Change(nothing, lambda to: write_text(to / "a", "new"), content("a")),
    "a file replaced": Change(
        lambda to: write_text(to / "a", "old"), lambda to: write_text(to / "a", "new" * 9000), content("a")
    ),
    "a file deleted": Change(lambda to: write_text(to / "a", "old"), forget, content("a")),
    "choices saved": Change(
        lambda to: save(to, "solo"), lambda to: save(to, "virtuoso"), content("tune.arrange.toml")
    ),
    "history": Change(
        lambda to: add(to, 0.018), lambda to: add(to, 0.019), lambda to: read_history(to / "history")
    ),
    "the first kept": Change(nothing, lambda to: keep(to, 1), versions),
    "another kept": Change(lambda to: keep(to, 1, 2), lambda to: keep(to, 3), versions),
    "kept over an edited one": Change(edited, lambda to: keep(to, 2), versions),
    "kept after undo": Change(
        lambda to: (keep(to, 1, 2), take_back(to)), lambda to: keep(to, 3), versions
    ),
    "undo": Change(lambda to: keep(to, 1, 2, 3), take_back, versions),
    "undo of the first": Change(lambda to: keep(to, 1), take_back, versions),
    "undo of an edited one": Change(edited, take_back, versions),
    "return": Change(
        lambda to: (keep(to, 1, 2), take_back(to, 0)), lambda to: take_back(to, 2), versions
    ),
    "the latch put on": Change(nothing, lambda to: Latch(to).set("anna", NOON, "smoke"), stopped),
    "the latch taken off": Change(
        lambda to: Latch(to).set("anna", NOON, "smoke"), lambda to: Latch(to).clear(), stopped
    ),
    "the queue kept": Change(
        lambda to: LastQueue([{"path": "/a.mid"}]).write(to),
        lambda to: LastQueue([{"path": "/b.mid"}], repeat=True).write(to),
        content("queue.json"),
    ),
    "a backup restored": Change(begun_home, restored, home_of),
    "a backup restored apart": Change(apart(begun_home), apart(restored_apart), apart(home_apart)),
    "a crash counted": Change(
        lambda to: crash(to, 1.0), lambda to: crash(to, 2.0), content("crashes.json")
    ),
}  # fmt: skip
"""All that must happen wholly or not at all, by name."""


def noted(folder: Path, *numbers: int) -> None:
    """Note that songs were played, in a database of this folder."""
    with Store.open(folder / "home.db") as store:
        for number in numbers:
            about = About(bytes([number] * 32), f"Song {number}" * 20, 60.0)
            store.note(about, folder / f"{number}.mid", Play(about.digest, NOON, 60.0, finished=True))


def plays_of(folder: Path) -> object:
    """Return which songs were played by the database, whole and checked; none where it is not made yet."""
    if not (folder / "home.db").exists():
        return []
    with Store.open(folder / "home.db") as store:
        store.check()
        return sorted(play.digest[0] for play, _ in store.plays())


DATABASE = {
    "a play noted": Change(lambda to: noted(to, 1), lambda to: noted(to, 2), plays_of),
    "the first play": Change(nothing, lambda to: noted(to, 1), plays_of),
}
"""Changes of the home database, which SQLite writes."""


UNDONE = {"a backup taken back": Change(begun_home, lambda to: restored(to, stays=False), home_of)}
"""Changes after which all is as it was before."""


def unsynced(folder: Path) -> None:
    """Replace a file without any sync."""
    (folder / "b").write_bytes(b"new")
    (folder / "b").rename(folder / "a")


def in_place(folder: Path) -> None:
    """Write over a file."""
    with (folder / "a").open("wb") as out:
        out.write(b"new")
        out.flush()
        os.fsync(out.fileno())


CARELESS = {
    "no sync": Change(lambda to: write_text(to / "a", "old"), unsynced, content("a")),
    "in place": Change(lambda to: write_text(to / "a", "old"), in_place, content("a")),
}
"""What is not safe, to see that it is found out."""


def main(name: str, folder: str) -> None:
    """Do a change in a folder, for whoever watches this process."""
    (CHANGES | DATABASE | UNDONE | CARELESS)[name].act(Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
