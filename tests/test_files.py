from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from xylophone.errors import ConfigError, FileError, did_you_mean
from xylophone.files import (
    MOST_TEXT_BYTES,
    alone_with,
    is_there,
    make_folder,
    read_bytes,
    read_text,
    read_toml,
    remove_file,
    replace_file,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half(path: Path, fault: BaseException) -> None:
    with replace_file(path) as out:
        out.write(b"half")
        raise fault


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    with replace_file(tmp_path / "a.bin") as out:
        out.write(b"head")
        out.seek(0)
        out.write(b"H")
    assert (tmp_path / "a.bin").read_bytes() == b"Head"
    assert names(tmp_path) == ["a.bin"]


def test_the_old_file_is_there_until_the_new_one_is_complete(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    with replace_file(tmp_path / "a") as out:
        out.write(b"new")
        out.flush()
        assert (tmp_path / "a").read_text() == "old"
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError, MemoryError])
def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, fault: type[BaseException]
) -> None:
    write_text(tmp_path / "a", "old")
    with pytest.raises(fault):
        write_half(tmp_path / "a", fault())
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_full_disk_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileError, match=r"cannot write .*a\.wav: the disk is full: make room"):
        write_half(tmp_path / "a.wav", full)
    assert names(tmp_path) == []


def test_an_error_of_the_project_in_the_block_passes_unchanged(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"^of another file$"):
        write_half(tmp_path / "a", FileError("of another file"))


def test_a_new_file_has_the_mode_that_the_umask_asks_for(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_text(tmp_path / "a", "x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("mode", [0o640, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    write_text(tmp_path / "a", "old")
    (tmp_path / "a").chmod(mode)
    before = (tmp_path / "a").stat().st_mode
    write_text(tmp_path / "a", "new")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(before)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    write_text(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_what_is_read_unasked_is_no_pipe_and_no_device(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert is_there(tmp_path / "file")
    assert is_there(tmp_path / "link")
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "none")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(FileError, match="a pipe or a device, no file"):
            is_there(path)


def test_a_folder_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b", "never said")
    make_folder(tmp_path / "a" / "b", "never said")
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"cannot make the folder .*file/c: Not a directory: go elsewhere"):
        make_folder(tmp_path / "file" / "c", "go elsewhere")


def test_a_key_of_thousands_of_parts_is_refused_before_it_takes_all_memory(
    tmp_path: Path,
) -> None:
    for text in ("{} = 1", "[{}]", "x = {{ {} = 1 }}"):
        (tmp_path / "a.toml").write_text("ok = 1\n" + text.format(".".join("a" * 50_000)))
        with pytest.raises(ConfigError, match="line 2 has a key of more than 100 parts: shorten it"):
            read_toml(tmp_path / "a.toml", ConfigError)
    numbers = ", ".join(["1.5"] * 500)
    (tmp_path / "a.toml").write_text(f"a.b.c = [{numbers},\n{numbers}]\n")
    assert read_toml(tmp_path / "a.toml", ConfigError)["a"]["b"]["c"] == [1.5] * 1000


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_text(os.devnull, "gone")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none/a.svg", "its folder does not exist: make the folder first"),
        ("folder", "it is a folder: name a file in it"),
        ("file/a.svg", "a part of its path is a file"),
        ("x" * 300, "the name is too long"),
    ],
)
def test_what_cannot_be_written_is_named_with_its_remedy(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=reason) as caught:
        write_text(tmp_path / name, "x")
    assert str(tmp_path / name) in str(caught.value)
    assert names(tmp_path) == ["file", "folder"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none", "there is no such file"),
        (".", "it is a folder"),
        ("file/a", "a part of its path is a file"),
        ("a\0b", "is no file name"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_remedy(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=reason):
        read_bytes(tmp_path / name)


def test_what_is_held_is_alone_and_nothing_stays_of_that(tmp_path: Path) -> None:
    with alone_with(tmp_path / "a"):
        with pytest.raises(FileError, match=r"cannot change .*a: another program has held it for 0 s"):
            alone_with(tmp_path / "a", patience=0).__enter__()
        with alone_with(tmp_path / "b"):
            write_text(tmp_path / "a", "new")
    assert names(tmp_path) == ["a"]


def test_who_holds_a_file_clears_what_killed_writers_left(tmp_path: Path) -> None:
    left = {}
    for name in ("a", "b"):
        with replace_file(tmp_path / name) as out:
            left[name] = Path(out.name)
        left[name].touch()  # as if the writer had been killed
    with alone_with(tmp_path / "a"):
        assert (left["a"].exists(), left["b"].exists()) == (False, True)


@pytest.mark.parametrize("folder", ["none", "file"])
def test_what_cannot_be_held_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=rf"cannot write .*{folder}/a: "):
        alone_with(tmp_path / folder / "a").__enter__()
    assert names(tmp_path) == ["file"]


def test_a_folder_is_made_with_those_above_it_or_named(tmp_path: Path) -> None:
    make_folder(tmp_path / "one" / "two", "go elsewhere")
    make_folder(tmp_path / "one" / "two", "go elsewhere")
    assert (tmp_path / "one" / "two").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"cannot make .*two: .*: go elsewhere"):
        make_folder(tmp_path / "file" / "two", "go elsewhere")


def test_what_cannot_be_deleted_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot delete .*none"):
        remove_file(tmp_path / "none")


def test_an_empty_name_is_no_file() -> None:
    with pytest.raises(FileError, match="'' is no file name"):
        read_text("")


def test_text_is_read_as_utf8_with_or_without_its_mark(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf\xc3\xa9")
    assert read_text(tmp_path / "a") == "é"


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ab\xff")
    with pytest.raises(FileError, match="byte 2 is no UTF-8 text: save the file as UTF-8"):
        read_text(tmp_path / "a")


def test_a_text_file_has_a_largest_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"#" * (MOST_TEXT_BYTES + 1))
    with pytest.raises(FileError, match="more than 4000000 bytes"):
        read_text(tmp_path / "a")


def test_broken_toml_is_named_with_line_and_column(tmp_path: Path) -> None:
    write_text(tmp_path / "a.toml", 'good = 1\nbad = "\n')
    with pytest.raises(ConfigError, match=r"a\.toml: this is no TOML.*line 2, column"):
        read_toml(tmp_path / "a.toml", ConfigError)


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000, "a = " + "9" * 5_000, "a = 2024-13-45"])
def test_toml_made_to_break_a_parser_is_one_line(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / "a.toml", text)
    with pytest.raises(ConfigError) as caught:
        read_toml(tmp_path / "a.toml", ConfigError)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_did_you_mean_names_the_nearest_or_all() -> None:
    assert did_you_mean("chanel", ["channel", "current"]) == "did you mean channel?"
    assert did_you_mean("zz", ["channel", "current"]) == "known here: channel, current"


def test_what_was_written_is_on_the_disk_before_its_name_and_the_name_before_the_program_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no strace: the calls of one change, in order, by the files and folders that they are about."""
    calls: list[tuple[str, int]] = []
    sync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        calls.append(("sync", os.fstat(descriptor).st_ino))
        sync(descriptor)

    def replaced(old: Path, new: Path) -> None:
        calls.append(("name", os.stat(old).st_ino))
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    target = tmp_path / "a.txt"
    for text in ("new", "newer"):
        calls.clear()
        write_text(target, text)
        file, folder = target.stat().st_ino, tmp_path.stat().st_ino
        assert calls == [("sync", file), ("name", file), ("sync", folder)]
