"""A change cut short by a power failure: what strace(1) saw it ask of the disk, and what may be there then.

The model is the least that POSIX promises. What a file holds is on the disk once the file was synced; a name
in a folder (made, changed, deleted) once the folder was. Until then each single write and each single name
may be there or not, in any order, and of a write perhaps only the first half.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import programs
from cuts import changes

Tree = dict[str, bytes | None]
"""Files and what they hold, by path; None for a folder."""

MOST = 12
"""So many things at most that no sync has covered: of so many every choice is tried."""

_CALLS = (
    "open,openat,creat,close,dup,dup2,dup3,fcntl,lseek,write,pwrite64,writev,pwritev,sendfile,copy_file_range,"
    "splice,truncate,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,"
    "mkdirat,link,linkat,symlink,symlinkat,mknod,mknodat"
)
_HARMLESS = {"close", "fcntl", "lseek"}
_LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Disk:
    """What was asked of the disk so far, from the folder `root` on; nodes are files and folders by number."""

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root)
        self.files: dict[int, bytes] = {}
        self.folders: dict[int, dict[str, int]] = {0: {}}
        self.pending: list[tuple[int, object]] = []  # of which node, and how it changes that
        self.opened: dict[int, tuple[int, int]] = {}  # node and offset by descriptor
        self._now: dict[int, dict[str, int]] = {}
        self._numbers = itertools.count(1)
        self._chance = random.Random(1)
        self._load(root, 0)
        self._now = {number: dict(names) for number, names in self.folders.items()}

    def _load(self, folder: Path, number: int) -> None:
        for path in folder.iterdir():
            self.folders[number][path.name] = node = next(self._numbers)
            if path.is_dir():
                self.folders[node] = {}
                self._load(path, node)
            else:
                self.files[node] = path.read_bytes()

    def place(self, path: str) -> tuple[int, str] | None:
        """Return a path's folder and its name there, None outside of the root."""
        if path != self.root and not path.startswith(self.root + "/"):
            return None
        *above, name = path[len(self.root) + 1 :].split("/")
        node = 0
        for part in above:
            node = self._now[node][part]
        return node, name

    def write(self, node: int, offset: int | None, written: bytes = b"") -> None:
        """Write into a file or, at the offset None, empty it."""
        self.pending.append((node, (offset, written)))

    def name(self, folder: int, changed: dict[str, int | None]) -> None:
        """Give, move or take names in a folder, all of it at once."""
        self.pending.append((folder, changed))
        for name, node in changed.items():
            if node is None:
                self._now[folder].pop(name, None)
            else:
                self._now[folder][name] = node

    def make(self, folder: int, name: str, is_folder: bool) -> int:
        """Make a file or folder, and return its number."""
        node = next(self._numbers)
        if is_folder:
            self.folders[node], self._now[node] = {}, {}
        else:
            self.files[node] = b""
        self.name(folder, {name: node})
        return node

    def look_up(self, folder: int, name: str) -> int | None:
        """Return the number of what has a name, as every program sees it."""
        return 0 if (folder, name) == (0, "") else self._now[folder].get(name)

    def shorten(self, node: int, length: int) -> None:
        """Cut a file off, or fill it up with zeros, to a length."""
        self.pending.append((node, (length, None)))

    def sync(self, node: int) -> None:
        """Bring what was asked of a file, or of the names in a folder, onto the disk."""
        for one in [one for one in self.pending if one[0] == node]:
            self._apply(self.files, self.folders, one, whole=True)
            self.pending.remove(one)

    def cuts(self, tries: int = 0) -> Iterator[Tree]:
        """Yield whatever the disk may hold if the power failed now; for `tries`, so many of all at random."""
        choices = [(0, 2) if isinstance(how, dict) else (0, 1, 2) for _, how in self.pending]
        assert tries or len(choices) <= MOST, f"{len(choices)} changes wait for a sync: too many to try"
        drawn = (tuple(map(self._chance.choice, choices)) for _ in range(tries))
        ends = [tuple(0 for _ in choices), tuple(2 for _ in choices)]
        for chosen in [*ends, *drawn] if tries else itertools.product(*choices):
            files = dict(self.files)
            folders = {number: dict(names) for number, names in self.folders.items()}
            for one, how in zip(self.pending, chosen, strict=True):
                if how:
                    self._apply(files, folders, one, whole=how == 2)
            yield dict(_tree(files, folders, 0, ""))

    @staticmethod
    def _apply(
        files: dict[int, bytes], folders: dict[int, dict[str, int]], one: tuple[int, object], whole: bool
    ) -> None:
        node, how = one
        if isinstance(how, dict):
            folders[node] = {k: v for k, v in (folders[node] | how).items() if v is not None}
            return
        assert isinstance(how, tuple)
        offset, written = how
        if offset is None or written is None:
            files[node] = files[node][: offset or 0].ljust(offset or 0, b"\0")
            return
        written = written if whole else written[: len(written) // 2]
        held = files[node].ljust(offset, b"\0")
        files[node] = held[:offset] + written + held[offset + len(written) :]


def _tree(
    files: dict[int, bytes], folders: dict[int, dict[str, int]], node: int, at: str
) -> Iterator[tuple[str, bytes | None]]:
    for name, number in folders[node].items():
        if number in folders:
            yield f"{at}{name}", None
            yield from _tree(files, folders, number, f"{at}{name}/")
        else:
            yield f"{at}{name}", files[number]


def record(name: str, folder: Path, log: Path) -> list[tuple[str, list[str | bytes], str, int]]:
    """Do a change in a folder, and return its system calls: name, texts, all arguments, result."""
    command = [
        "strace",
        "-f",
        "-xx",
        "-s",
        "1000000",
        "-e",
        "trace=" + ",".join(f"?{call}" for call in _CALLS.split(",")),
        "-e",
        "signal=none",
        "-o",
        str(log),
    ]
    paths = os.pathsep.join([str(Path(changes.__file__).parents[1]), *filter(None, sys.path)])
    programs.run(
        [*command, sys.executable, changes.__file__, name, str(folder)],
        check=True,
        env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    lines = log.read_text().splitlines()
    assert not [line for line in lines if "unfinished" in line], "two threads at once: not in this model"
    found = [_LINE.match(line) for line in lines]
    return [
        (m[1], [bytes.fromhex(t.replace("\\x", "")) for t in _TEXT.findall(m[2])], m[2], int(m[3]))
        for m in found
        if m
    ]


def power_cuts(name: str, folder: Path, log: Path, tries: int = 0) -> Iterator[tuple[bool, Tree]]:
    """Do a change in a folder, and yield each content that a power failure may leave; once for each.

    With it comes whether the change had been done by then, and the program had gone on. For `tries`, so many
    of all contents at random after each system call.
    """
    disk = Disk(folder)
    seen: set[tuple[bool, frozenset[tuple[str, bytes | None]]]] = set()
    calls = record(name, folder, log)
    for call in [None, *calls, None]:
        if call is not None and call[3] >= 0:
            _replay(disk, *call)
        done = call is None and bool(seen)
        for tree in disk.cuts(tries):
            if (mark := (done, frozenset(tree.items()))) not in seen:
                seen.add(mark)
                yield done, tree
    assert len(calls) > 10


def _replay(disk: Disk, call: str, texts: list[bytes], arguments: str, result: int) -> None:
    """Let a system call change the disk; AssertionError for one that this model does not know."""
    places = [disk.place(os.fsdecode(text)) for text in texts]
    descriptor = int(found[0]) if (found := re.match(r"\d+", arguments)) else -1
    if call in ("open", "openat", "creat"):
        disk.opened.pop(result, None)
        if places[0] is not None:
            _open(disk, places[0], arguments, result)
    elif call in ("write", "fsync", "fdatasync", "lseek") and descriptor in disk.opened:
        node, offset = disk.opened[descriptor]
        if call == "write":
            assert len(texts[0]) >= result
            disk.write(node, offset, texts[0][:result])
            disk.opened[descriptor] = node, offset + result
        elif call == "lseek":
            disk.opened[descriptor] = node, result
        else:
            disk.sync(node)
    elif call == "pwrite64" and descriptor in disk.opened:
        at = int(arguments.rpartition(",")[2], 0)
        disk.write(disk.opened[descriptor][0], at, texts[0][:result])
    elif call == "ftruncate" and descriptor in disk.opened:
        disk.shorten(disk.opened[descriptor][0], int(arguments.rpartition(",")[2], 0))
    elif call == "truncate" and places[0]:
        node = disk.look_up(*places[0])
        assert node is not None
        disk.shorten(node, int(arguments.rpartition(",")[2], 0))
    elif any(places):
        _rename(disk, call, places)
    else:
        assert descriptor not in disk.opened or call in _HARMLESS, (call, arguments)


def _open(disk: Disk, place: tuple[int, str], arguments: str, result: int) -> None:
    node = disk.look_up(*place)
    if node is None:
        assert "O_CREAT" in arguments
        node = disk.make(*place, is_folder=False)
    elif "O_TRUNC" in arguments:
        disk.write(node, None)
    assert "O_APPEND" not in arguments
    disk.opened[result] = node, 0


def _rename(disk: Disk, call: str, places: list[tuple[int, str] | None]) -> None:
    (folder, name), *others = [place for place in places if place]
    if call in ("mkdir", "mkdirat"):
        disk.make(folder, name, is_folder=True)
    elif call in ("unlink", "unlinkat", "rmdir"):
        disk.name(folder, {name: None})
    else:
        assert call in ("rename", "renameat", "renameat2"), call
        ((to, new),) = others
        assert to == folder, "from folder to folder: not in this model"
        disk.name(folder, {name: None, new: disk.look_up(folder, name)})


def lay_out(tree: Tree, folder: Path) -> None:
    """Make a folder that holds a tree."""
    folder.mkdir()
    for name, held in tree.items():
        if held is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(held)
