"""A scan scores every file once, names what it cannot score, and goes on where it was stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from midifile import smf
from scanning import melody, tune_bytes, write
from xylophone import FileError, OptionError, build_instrument
from xylophone.collection.catalogue import Catalogue, Scored, open_catalogue
from xylophone.collection.scanner import ScanSetting, fit_of, midi_files, same_tunes, scan
from xylophone.midifile.foreign import ENDINGS

BELL = ScanSetting(build_instrument())


@contextmanager
def catalogue_of(folder: Path, setting: ScanSetting = BELL) -> Iterator[Catalogue]:
    with open_catalogue(folder.parent / "scan.sqlite", setting.key) as catalogue:
        catalogue.list_files(midi_files([folder], print), [folder])
        yield catalogue


def scored(folder: Path, setting: ScanSetting = BELL, jobs: int = 1) -> int:
    """Scan a folder; return how many files were scored this time."""
    steps: list[None] = []
    with catalogue_of(folder, setting) as catalogue:
        scan(catalogue, setting, jobs, lambda: steps.append(None))
    return len(steps)


def known(folder: Path) -> dict[str, Scored]:
    with catalogue_of(folder) as catalogue:
        return {Path(file.path).name: fit for file, fit in catalogue.fits()}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Three tunes and four files that cannot be scored."""
    folder = tmp_path / "music"
    for seed in range(3):
        write(folder / "deep" / f"{seed}.mid", tune_bytes(melody(seed)))
    write(folder / "empty.mid", b"")
    write(folder / "text.kar", b"la la la")
    write(folder / "silent.MIDI", smf.song(smf.track()))
    write(folder / "drums.mid", smf.song(smf.track(smf.note(40, channel=9))))
    return folder


def test_files_are_found_by_their_endings_however_deep(music: Path) -> None:
    write(music / "cover.png", b"")
    write(music / "a" / "b" / "x.RMI", b"")
    (music / "folder.mid").mkdir()
    (music / "gone.mid").symlink_to(music / "nowhere")
    (music / "again").symlink_to(music)
    names = sorted(os.path.relpath(file.path, music) for file in midi_files([music], print))
    assert names == sorted(
        [
            "a/b/x.RMI",
            "deep/0.mid",
            "deep/1.mid",
            "deep/2.mid",
            "drums.mid",
            "empty.mid",
            "silent.MIDI",
            "text.kar",
        ]
    )
    assert set(ENDINGS) == {".mid", ".midi", ".kar", ".rmi"}


@pytest.mark.parametrize(
    ("name", "words"), [("nowhere", "not there"), ("empty.mid", "a file: name its folder")]
)
def test_a_folder_that_is_none_is_an_error(music: Path, name: str, words: str) -> None:
    with pytest.raises(FileError, match=words):
        list(midi_files([music / name], print))


def test_a_folder_that_cannot_be_read_is_told(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, *, real: Callable[[str], Iterator[os.DirEntry[str]]] = os.scandir) -> object:
        if str(path).endswith("deep"):  # permissions do not stop a test that root runs
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    told: list[str] = []
    assert len(list(midi_files([music], told.append))) == 4
    assert told == [f"{music / 'deep'}: Permission denied: change its permissions, and scan again"]


def test_a_fit_tells_what_becomes_of_the_notes(music: Path) -> None:
    fit = fit_of(str(music / "deep" / "0.mid"), BELL)
    assert (fit.title, fit.notes, fit.reason) == ("Tune", 60, "")
    assert fit.kept is not None
    assert fit.folded is not None
    assert fit.kept + fit.folded + (fit.merged or 0) + (fit.dropped or 0) == 60
    assert fit.score is not None
    assert 0 <= fit.score <= 100
    assert len(fit.tune) % 4 == 0 < len(fit.tune)


def test_every_file_is_scored_or_named_with_its_reason(music: Path) -> None:
    assert scored(music, jobs=2) == 7
    fits = known(music)
    assert sorted(name for name, fit in fits.items() if fit.score is not None) == ["0.mid", "1.mid", "2.mid"]
    assert fits["empty.mid"].reason == "this is no MIDI file but empty: give a Standard MIDI File (.mid)"
    assert "but text" in fits["text.kar"].reason
    assert "the song has no notes" in fits["silent.MIDI"].reason
    assert "drums" in fits["drums.mid"].reason
    assert fits["drums.mid"].notes == 1


def test_what_was_scored_is_not_scored_again(music: Path) -> None:
    assert [scored(music), scored(music)] == [7, 0]
    write(music / "deep" / "1.mid", tune_bytes(melody(7)))
    write(music / "new.mid", tune_bytes(melody(8)))
    (music / "empty.mid").unlink()
    assert [scored(music), scored(music)] == [2, 0]
    assert len(known(music)) == 7


def test_a_scan_that_ends_early_goes_on_where_it_was(music: Path) -> None:
    steps: list[None] = []

    def step() -> None:
        steps.append(None)
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), catalogue_of(music) as catalogue:
        scan(catalogue, BELL, 1, step)
    assert [scored(music), scored(music)] == [4, 0]


def test_a_file_that_could_not_be_read_is_tried_again(music: Path) -> None:
    with catalogue_of(music) as catalogue:
        (music / "deep" / "1.mid").unlink()  # between the listing and the reading
        scan(catalogue, BELL, 1, lambda: None)
        reasons = {Path(file.path).name: fit.reason for file, fit in catalogue.fits()}
    assert "there is no such file" in reasons["1.mid"]
    write(music / "deep" / "1.mid", tune_bytes(melody(1)))
    assert [scored(music), scored(music)] == [1, 0]


def test_another_instrument_and_other_options_are_scored_for_themselves(music: Path) -> None:
    others = [ScanSetting(build_instrument("diatonic-15")), ScanSetting(build_instrument(), {"drums": True})]
    assert len({setting.key for setting in (BELL, *others)}) == 3
    assert ScanSetting(build_instrument(), {}).key == BELL.key
    assert [scored(music, setting) for setting in (BELL, *others, BELL)] == [7, 7, 7, 0]


def test_options_that_no_song_can_have_are_refused_before_the_scan() -> None:
    with pytest.raises(OptionError, match="channel 257"):
        ScanSetting(build_instrument(), {"channels": (257,)}).check()
    ScanSetting(build_instrument(), {"tracks": (3,), "mute_tracks": (9,)}).check()


def test_a_track_that_one_file_has_not_is_its_reason(music: Path) -> None:
    fit = fit_of(str(music / "deep" / "0.mid"), ScanSetting(build_instrument(), {"tracks": (7,)}))
    assert (fit.score, "track 7 has no notes" in fit.reason) == (None, True)


def test_the_same_tune_is_found_in_other_guises(music: Path) -> None:
    other = {"micros": 640_000, "program": 73, "words": b"la la", "title": b"Another"}
    write(music / "other.mid", tune_bytes(melody(1), higher=5, chords=(0, 5, 7), **other))  # type: ignore[arg-type]
    write(music / "short.mid", tune_bytes(melody(5)[:5]))
    write(music / "short copy.mid", tune_bytes(melody(5)[:5]))
    scored(music)
    with catalogue_of(music) as catalogue:
        names = [Path(file.path).name for file, fit in catalogue.fits() if fit.score is not None]
        leaders = same_tunes(catalogue)
    groups: dict[str, set[str]] = {}
    for name, leader in zip(names, leaders, strict=True):
        groups.setdefault(names[leader], set()).add(name)
    shared = sorted(sorted(group) for group in groups.values() if len(group) > 1)
    assert shared == [["1.mid", "other.mid"], ["short copy.mid", "short.mid"]]
