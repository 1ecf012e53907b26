"""What a backup holds: a zip file with a manifest, the home database, and what belongs to the instrument.

Nothing in it is believed before it is checked: only names that a backup has, only plain files, no more bytes
than its manifest says and its kind may have, and each with its digest.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError

from ..errors import FileError
from ..files import MOST_TEXT_BYTES
from ..midifile import MOST_SONG_BYTES

MANIFEST = "manifest.json"
VERSION = 1

DATABASE = "home.db"
CONFIG = "xylophone.toml"
CALIBRATION = "calibration.toml"
HISTORY = "calibration.history.jsonl"
VERSIONS = "calibration.versions"
CHOICES = "choices"
SONGS = "songs"

_MOST = 2**31
KINDS: tuple[tuple[str, int], ...] = (
    (re.escape(DATABASE), 2**30),
    (re.escape(CONFIG), MOST_TEXT_BYTES),
    (re.escape(CALIBRATION), MOST_TEXT_BYTES),
    (re.escape(HISTORY), MOST_TEXT_BYTES),
    (rf"{re.escape(VERSIONS)}/[0-9]{{1,9}}-after-[0-9]{{1,9}}\.toml", MOST_TEXT_BYTES),
    (rf"{CHOICES}/\w[\w-]{{0,99}}\.arrange\.toml", MOST_TEXT_BYTES),
    (rf"{SONGS}/[0-9a-f]{{64}}\.mid", MOST_SONG_BYTES),
    (rf"{SONGS}/[0-9a-f]{{64}}\.arrange\.toml", MOST_TEXT_BYTES),
)
"""Names that members may have, and how many bytes each may at most; all together _MOST."""

MOST_MEMBERS = 200_000

_CHUNK = 2**20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    StructError,
)


@dataclass(frozen=True)
class Manifest:
    """When a backup was made, as text, and of each member the size in bytes and the SHA-256."""

    made: str
    members: Mapping[str, tuple[int, str]]

    @classmethod
    def read(cls, text: bytes) -> Manifest:
        """Read a manifest; ValueError where it is none, or of a newer version."""
        said = json.loads(text)
        if not isinstance(said, dict) or not isinstance(said.get("members"), dict):
            raise ValueError("its manifest is none")
        if said.get("xylophone") != VERSION:
            raise ValueError(f"it is of version {said.get('xylophone')!r}, this program reads {VERSION}")
        members = {name: (int(size), str(digest)) for name, (size, digest) in said["members"].items()}
        return cls(str(said.get("made"))[:40], members)

    def text(self) -> bytes:
        """Return the manifest as it is written."""
        return json.dumps(
            {"xylophone": VERSION, "made": self.made, "members": self.members}, indent=1
        ).encode()


def belongs(name: str) -> bool:
    """Tell whether a member may have a name."""
    return _most_bytes(name) > 0


def unpack(path: Path, into: Path) -> Manifest:
    """Write the members of a backup into an empty folder, checked; FileError where anything in it is odd."""
    with _told(path):
        about = path.stat()  # before it is opened: a pipe would be waited for
        if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST:
            raise ValueError("it is no file, or too large")
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
            manifest = Manifest.read(_read(archive, members.pop(MANIFEST, None)))
            if set(manifest.members) != set(members):
                raise ValueError("what it holds is not what its manifest says")
            _check_sizes(manifest)
            for name, info in members.items():
                _extract(archive, info, into / name, *manifest.members[name])
    return manifest


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name; ValueError for links, folders, doubled, encrypted and unknown ones."""
    found: dict[str, zipfile.ZipInfo] = {}
    if len(archive.infolist()) > MOST_MEMBERS:
        raise ValueError("it has too many members")
    for info in archive.infolist():
        kind, name = stat.S_IFMT(info.external_attr >> 16), info.filename
        known = name == MANIFEST or belongs(name)
        if not known or name in found or kind not in (0, stat.S_IFREG) or info.flag_bits & 1:
            raise ValueError(f"a member {name[:100]!r} does not belong in a backup")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"a member {name!r} is packed in a way that a backup never is")
        found[name] = info
    return found


def _most_bytes(name: str) -> int:
    return next((most for pattern, most in KINDS if re.fullmatch(pattern, name, re.ASCII)), 0)


def _check_sizes(manifest: Manifest) -> None:
    for name, (size, _) in manifest.members.items():
        if not 0 <= size <= _most_bytes(name):
            raise ValueError(f"{name} is said to have {size} B, which it may not")
    if sum(size for size, _ in manifest.members.values()) > _MOST:
        raise ValueError("it holds more than a backup may")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo | None) -> bytes:
    if info is None:
        raise ValueError("it has no manifest")
    with archive.open(info) as member:
        content = member.read(MOST_TEXT_BYTES * 16 + 1)
    if len(content) > MOST_TEXT_BYTES * 16:
        raise ValueError("its manifest is too long")
    return content


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, size: int, digest: str) -> None:
    """Write a member; ValueError where it is not what the manifest says, found before more is written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    said, left = hashlib.sha256(), size
    with archive.open(info) as member, target.open("xb") as out:
        while chunk := member.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            said.update(chunk)
            out.write(chunk)
    if left or said.hexdigest() != digest:
        raise ValueError(f"{info.filename} is not what it was when the backup was made")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{error.strerror or error}: check the name, and that there is room"
        raise FileError(f"cannot read {path}: {reason}") from error
    except _BROKEN as error:
        raise FileError(f"{path} is no whole backup: {error}: take another one") from error
