"""What is saved beside a song: written and read again, merged with what is asked, and strict."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from xylophone.arranger import PRESETS
from xylophone.collection.library import songs
from xylophone.config import Chosen, forget_saved, read_saved, saved_place, write_saved
from xylophone.errors import ConfigError, FileError

TRACKS = st.lists(st.integers(0, 65535), max_size=4).map(tuple)
CHANNELS = st.lists(st.integers(1, 16), max_size=4).map(tuple)
choices = st.builds(
    Chosen,
    tracks=st.none() | TRACKS,
    channels=st.none() | CHANNELS,
    mute_tracks=st.none() | TRACKS,
    mute_channels=st.none() | CHANNELS,
    drums=st.none() | st.booleans(),
    transpose=st.none() | st.integers(-127, 127),
    preset=st.none() | st.sampled_from(sorted(PRESETS)),
    octaves=st.dictionaries(st.integers(0, 65535), st.integers(-10, 10).filter(bool), max_size=3),
)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("songs") / "tune.mid"


@given(first=choices, then=choices)
def test_what_was_written_last_is_read_whatever_was_there(song: Path, first: Chosen, then: Chosen) -> None:
    forget_saved(song)
    assert read_saved(song) is None
    for chosen in (first, then):
        assert write_saved(song, chosen) == saved_place(song)
        saved = read_saved(song)
        assert saved is not None
        assert (saved.path, saved.chosen) == (song.with_name("tune.arrange.toml"), chosen)


@given(mine=choices, other=choices)
def test_choices_over_others_keep_all_that_they_say(mine: Chosen, other: Chosen) -> None:
    both = mine.over(other)
    for name in ("tracks", "channels", "mute_tracks", "mute_channels", "drums", "transpose", "preset"):
        own, theirs = getattr(mine, name), getattr(other, name)
        assert getattr(both, name) == (theirs if own is None else own)
    assert both.octaves == {**other.octaves, **mine.octaves}


def test_nothing_chosen_is_nothing(tmp_path: Path) -> None:
    assert not Chosen()
    assert Chosen(drums=False)
    assert Chosen(transpose=0)
    write_saved(tmp_path / "tune.mid", Chosen(octaves={2: 0}))
    saved = read_saved(tmp_path / "tune.mid")
    assert saved
    assert not saved.chosen


def test_comments_of_somebody_who_edits_the_file_stay(tmp_path: Path) -> None:
    song, path = tmp_path / "tune.mid", tmp_path / "tune.arrange.toml"
    path.write_text("# the cello is too loud\nmute_tracks = [3]  # cello\n\n[octaves]\n1 = 1\n")
    write_saved(song, Chosen(mute_tracks=(3, 4), transpose=-2, octaves={1: 2}))
    text = path.read_text()
    assert "# the cello is too loud" in text
    assert "mute_tracks = [3, 4]" in text
    saved = read_saved(song)
    assert saved
    assert saved.chosen == Chosen(mute_tracks=(3, 4), transpose=-2, octaves={1: 2})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("mute_track = [3]", ", line 1: unknown key mute_track: did you mean mute_tracks?"),
        ("gap = 1", ", line 1: unknown key gap: known here: tracks, channels, mute_tracks, mute_channels,"),
        ("tracks = [-1]", ", line 1: tracks[0] is -1: it must be a list of tracks as xylophone info numbers"),
        ("\nchannels = [0]", ", line 2: channels[0] is 0: it must be a list of channels 1..16"),
        ("tracks = 3", ", line 1: tracks is 3: it must be a list of tracks"),
        ("drums = 1", ", line 1: drums is 1: it must be true or false"),
        ("transpose = 128", ", line 1: transpose is 128: it must be a number -127..127 semitones"),
        ("preset = 'musicbox'", ", line 1: preset is 'musicbox': no preset: did you mean music-box?"),
        ("octaves = 1", ", line 1: octaves is 1: it must be octaves -10..10 by track, such as 2 = -1"),
        ("[octaves]\n2 = -11", ", line 2: octaves.2 is -11: it must be octaves -10..10 by track"),
        ("[octaves]\ncello = 1", ", line 2: octaves.cello is 'cello': it must be octaves -10..10 by track"),
        ("tracks = [", ": this is no TOML"),
    ],
)
def test_a_mistake_is_told_with_line_value_rule_and_remedy(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "tune.arrange.toml"
    path.write_text(text)
    for act in (read_saved, lambda song: write_saved(song, Chosen(drums=True))):
        with pytest.raises(ConfigError) as caught:
            act(tmp_path / "tune.mid")
        assert str(caught.value).startswith(f"{path}{complaint}")
        assert "\n" not in str(caught.value)
    assert path.read_text() == text


def test_tracks_that_the_song_has_not_are_named_with_the_file(tmp_path: Path) -> None:
    song = tmp_path / "tune.mid"
    write_saved(song, Chosen(mute_tracks=(2,), octaves={5: 1}))
    saved = read_saved(song)
    assert saved
    saved.check_tracks([2, 5])
    with pytest.raises(
        ConfigError, match=r"tune\.arrange\.toml: the song has no notes in track 5, its tracks"
    ):
        saved.check_tracks([1, 2])


def test_what_cannot_be_read_or_deleted_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "tune.arrange.toml").mkdir()
    with pytest.raises(FileError, match=r"cannot read .*tune\.arrange\.toml: it is a folder"):
        read_saved(tmp_path / "tune.mid")
    with pytest.raises(FileError, match=r"cannot delete .*tune\.arrange\.toml"):
        forget_saved(tmp_path / "tune.mid")


def test_forgetting_says_what_was_deleted(tmp_path: Path) -> None:
    song = tmp_path / "tune.mid"
    assert forget_saved(song) is None
    path = write_saved(song, Chosen(preset="solo"))
    assert forget_saved(song) == path
    assert list(tmp_path.iterdir()) == []


def test_choices_for_the_project_s_own_songs_are_kept_in_the_user_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    song = songs()[0].path
    path = write_saved(song, Chosen(transpose=3))
    assert path == tmp_path / "xylophone" / "songs" / f"{song.stem}.arrange.toml"
    saved = read_saved(song)
    assert saved is not None
    assert saved.chosen.transpose == 3
    assert forget_saved(song) == path
    assert not path.exists()
    assert not song.with_name(path.name).exists()
