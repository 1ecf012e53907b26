"""`xylophone arrange`: what it writes, and what it saves beside a song."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xylophone import build_instrument, load_song, songs as own_songs
from xylophone.arranger import arrange
from xylophone.arranger.account import describe

Run = Callable[..., Any]
Midi = Callable[..., Path]

SCALE = [(72 + n, 0.5 * n, 0.4, 80, 0) for n in range(8)]
CHORDS = [(48, 2.0 * n, 1.5, 60, 1) for n in range(2)]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A song of the project in the folder where the test runs: tracks 1 and 2."""
    (path,) = [entry.path for entry in own_songs() if entry.name == "sakura"]
    return Path(shutil.copy(path, tmp_path / "sakura.mid"))


def one_line(ran: Any, code: int, *words: str) -> None:
    """Assert that a run failed with this code and one line on stderr that holds these words."""
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.count("\n") == 1, ran.err
    for word in words:
        assert word in ran.err


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "home")


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (2, 48_000, 2)
        frames = sound.readframes(sound.getnframes())
    return np.frombuffer(frames, "<i2").astype(float)


def test_without_an_output_it_says_what_info_says(xylophone: Run, song: Path) -> None:
    ran = xylophone("arrange", song)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("score:        100 of 100\nin words:     melody from track 1 'Melody'\n")
    assert ran.out in xylophone("info", song).out
    for phrase in describe(arrange(load_song(song), build_instrument())):
        assert phrase in ran.out


def test_the_file_that_it_writes_is_played_as_it_is(xylophone: Run, song: Path, tmp_path: Path) -> None:
    ran = xylophone("arrange", song, "-o", "out.mid", "--instrument", "diatonic-15")
    arrangement = arrange(load_song(song), build_instrument("diatonic-15"))
    assert (ran.code, ran.out) == (0, f"wrote out.mid: {len(arrangement)} strikes\n")
    report = xylophone("info", "out.mid", "--json", "--instrument", "diatonic-15").json
    assert (report["notes"], report["kept"], report["transpose"]) == (len(arrangement), len(arrangement), 0)
    assert report["title"] == arrangement.song.title
    written = load_song(tmp_path / "out.mid")
    assert [track.name for track in written.tracks] == ["Melody", "Inner voices"]
    assert np.sort(written.notes["onset"]) == pytest.approx(arrangement.notes["onset"], abs=0.001)


def test_a_song_from_standard_input_is_arranged(
    xylophone: Run, song: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with song.open("rb") as content:
        monkeypatch.setattr("sys.stdin", type("In", (), {"buffer": content})())
        ran = xylophone("arrange", "-", "-o", "out.mid")
    assert (ran.code, ran.err) == (0, "")
    assert load_song(tmp_path / "out.mid").title == load_song(song).title
    one_line(
        xylophone("arrange", "-", "--save", "--drums"), 2, "standard input has no place", "name the song"
    )


def test_json_tells_every_note_and_every_strike(xylophone: Run, midi: Midi) -> None:
    ran = xylophone("arrange", midi(*SCALE, (36, 0, 1, 90, 9)), "--json", "--transpose", "0")
    report = ran.json
    keys = ["title", "instrument", "transpose", "shifts", "score", "costs", "notes", "strikes"]
    assert list(report) == keys
    assert [(note["pitch"], note["struck"], note["why"]) for note in report["notes"]] == [
        (36, None, "drums") if pitch == 36 else (pitch, pitch, None)
        for pitch in sorted([36, *range(72, 80)], key=lambda pitch: (max(pitch, 72), pitch != 72))
    ]
    assert [(strike["time"], strike["pitch"]) for strike in report["strikes"]] == [
        (0.25 * n, 72 + n) for n in range(8)
    ]


def test_json_goes_to_stdout_alone(xylophone: Run, midi: Midi) -> None:
    """What is damaged and what was written is told on stderr, so that the output is JSON and nothing else."""
    path = midi(*SCALE)
    path.write_bytes(path.read_bytes()[:-4])
    ran = xylophone("arrange", path, "--json", "-o", "out.mid", "--save")
    assert ran.json["title"] == "Tune"
    assert "wrote out.mid" in ran.err
    assert "nothing was chosen" in ran.err
    assert "warning: tune.mid" in ran.err


def test_before_and_after_can_be_compared_by_ear(xylophone: Run, midi: Midi, tmp_path: Path) -> None:
    """The chords are beneath all bars: they sound before, and an octave and more higher after."""
    path = midi(*SCALE, *CHORDS, (36, 0, 1, 90, 9))
    ran = xylophone("arrange", path, "--compare", "tune", "--transpose", "0")
    assert (ran.code, ran.out) == (0, "wrote tune-before.wav and tune-after.wav\n")
    before, after = samples(tmp_path / "tune-before.wav"), samples(tmp_path / "tune-after.wav")
    assert len(before) == len(after)
    assert len(before) / 2 / 48_000 == pytest.approx(1.75 + 5.0, abs=0.05)
    assert min(np.abs(before).max(), np.abs(after).max()) > 1000

    def low(sound: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(sound[::2][: 2 * 48_000]))
        return float(spectrum[200:300].max() / spectrum[1000:1200].max())  # C3 is 131 Hz, C5 523 Hz

    assert low(before) > 10 * low(after)


def test_both_are_written_into_a_folder(xylophone: Run, midi: Midi, tmp_path: Path) -> None:
    (tmp_path / "ears").mkdir()
    xylophone("arrange", midi(*SCALE), "--compare", "ears")
    assert files(tmp_path / "ears") == ["after.wav", "before.wav"]


def test_a_song_that_fits_sounds_alike_before_and_after(xylophone: Run, midi: Midi, tmp_path: Path) -> None:
    """Of the same loudness: the mean powers differ by less than a decibel."""
    xylophone("arrange", midi(*SCALE), "--compare", "x")
    powers = [float(np.mean(samples(tmp_path / f"x-{name}.wav") ** 2)) for name in ("before", "after")]
    assert abs(10 * np.log10(powers[0] / powers[1])) < 1.0


def test_a_picture_is_drawn(xylophone: Run, song: Path, tmp_path: Path) -> None:
    ran = xylophone("arrange", song, "--plot", "out.svg", "--plot", "roll.svg")
    assert ran.out == "wrote roll.svg\n"
    assert "inner voices" in (tmp_path / "roll.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-o", "out.wav"], 2, ["out.wav", "must end in .mid or .midi"]),
        (["-o", "no/out.mid"], 1, ["no/out.mid", "its folder does not exist"]),
        (["-o", "folder.mid"], 1, ["folder.mid", "it is a folder"]),
        (["-o", "sakura.mid"], 2, ["sakura.mid", "it is the song itself"]),
        (["-o", "./link.mid"], 2, ["link.mid", "it is the song itself"]),
        (["--plot", "out.gif"], 2, ["out.gif", ".svg or .png"]),
        (["--plot", "no/out.svg"], 1, ["no/out.svg", "its folder does not exist"]),
        (["--compare", "no/out"], 1, ["no/out-before.wav", "its folder does not exist"]),
        (["--save", "--forget"], 2, ["--save and --forget"]),
        (["--preset", "lively"], 2, ["'lively'", "auto, faithful, polyphonic, music-box, solo, virtuoso"]),
        (["--octave", "1"], 2, ["'1'", "3:-1"]),
        (["--octave", "1:x"], 2, ["'1:x'", "3:-1"]),
        (["--octave", "1:11", "--save"], 2, ["track 1", "11 octaves", "-10..10"]),
        (["--octave", "7:1", "--save"], 2, ["track 7 has no notes", "tracks with notes are 1, 2"]),
        (["--tracks", "7"], 2, ["track 7 has no notes"]),
        (["--channels", "16", "-o", "out.mid"], 1, ["not chosen", "choose others"]),
        (["--channels", "16", "--compare", "x"], 1, ["not chosen"]),
    ],
)
def test_what_cannot_be_done_leaves_nothing_behind(
    xylophone: Run, song: Path, tmp_path: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    """Together with outputs that could be written."""
    (tmp_path / "folder.mid").mkdir()
    (tmp_path / "link.mid").symlink_to(song)
    content = song.read_bytes()
    one_line(xylophone("arrange", song, "--plot", "good.svg", *arguments), code, *words)
    assert files(tmp_path) == ["folder.mid", "link.mid", "sakura.mid"]
    assert song.read_bytes() == content


def test_octaves_and_presets_reach_every_command(xylophone: Run, midi: Midi) -> None:
    path = midi(*SCALE)
    moved = xylophone("info", path, "--json", "--octave", "0:1").json
    assert (moved["transpose"], moved["kept"], moved["folded"]) == (0, 0, 8)
    strikes = xylophone("simulate", path, "--json", "--octave", "0:1").json["strikes"]
    assert [strike["pitch"] for strike in strikes] == [84 + n for n in range(8)]
    held = midi((72, 0, 24, 80, 0), name="held.mid")
    assert len(xylophone("simulate", held, "--json").json["strikes"]) == 1
    assert len(xylophone("simulate", held, "--json", "--preset", "virtuoso").json["strikes"]) > 20


def test_the_configured_preset_holds_unless_another_is_named(
    xylophone: Run, midi: Midi, tmp_path: Path
) -> None:
    """A preset that is named takes the place of the whole table."""
    held = midi((72, 0, 24, 80, 0), (60, 0, 24, 80, 1), name="held.mid")

    def strikes(*options: str) -> int:
        return len(xylophone("arrange", held, "--json", *options).json["strikes"])

    (tmp_path / "xylophone.toml").write_text('[arrange]\npreset = "solo"\ntremolo = true\n')
    assert strikes() > 20
    assert strikes("--preset", "solo") == 1
    assert strikes("--preset", "faithful") == 2
    assert "arrange:      preset solo, tremolo true (xylophone.toml)" in xylophone("info").out


def saved(folder: Path) -> str:
    """Return what is saved, without its comment."""
    return (folder / "sakura.arrange.toml").read_text().split("\n", 1)[1]


def test_what_is_saved_is_taken_up_by_all_commands(xylophone: Run, song: Path, tmp_path: Path) -> None:
    ran = xylophone("arrange", song, "--mute-tracks", "2", "--octave", "1:-1", "--save")
    assert (ran.code, ran.out) == (0, f"saved {tmp_path / 'sakura.arrange.toml'}\n")
    assert saved(tmp_path) == "mute_tracks = [2]\n\n[octaves]\n1 = -1\n"
    asked = ["--mute-tracks", "2", "--octave", "1:-1", "--no-saved"]
    for command, *options in (["arrange", "--json"], ["simulate", "--json"]):
        told = xylophone(command, song, *options).out
        assert told == xylophone(command, song, *options, *asked).out
        assert told != xylophone(command, song, *options, "--no-saved").out
    report = xylophone("info", song, "--json").json
    assert (report["saved"], report["dropped"]) == (str(tmp_path / "sakura.arrange.toml"), {"muted": 98})
    assert "sakura.arrange.toml is taken up" in xylophone("info", song).out
    assert "is taken up" not in xylophone("info", song, "--no-saved").out


def test_play_takes_it_up_too(xylophone: Run, midi: Midi) -> None:
    path = midi((72, 0, 0.1, 90, 0), (74, 0.25, 0.1, 90, 0), (76, 0.5, 0.1, 90, 3))
    assert xylophone("arrange", path, "--mute-channels", "4", "--save").code == 0
    play = ["play", path, "--mute", "--speed", "10"]
    assert "played 2 strikes" in xylophone(*play).out
    assert "played 3 strikes" in xylophone(*play, "--no-saved").out


def test_options_come_before_what_is_saved_key_by_key(xylophone: Run, song: Path, tmp_path: Path) -> None:
    xylophone("arrange", song, "--mute-tracks", "2", "--octave", "1:-1", "--transpose", "3", "--save")
    report = xylophone("info", song, "--json", "--mute-tracks", "1").json
    assert (report["transpose"], report["dropped"]) == (3, {"muted": 145})
    report = xylophone("info", song, "--json", "--octave", "1:0", "--transpose", "0").json
    assert (report["transpose"], report["kept"], report["dropped"]) == (0, 145, {"muted": 98})
    xylophone("arrange", song, "--octave", "2:1", "--transpose", "0", "--preset", "solo", "--save")
    assert saved(tmp_path) == (
        'mute_tracks = [2]\ntranspose = 0\npreset = "solo"\n\n[octaves]\n1 = -1\n2 = 1\n'
    )
    xylophone("arrange", song, "--no-saved", "--no-drums", "--save")
    assert saved(tmp_path) == "drums = false\n"


def test_saving_nothing_removes_nothing(xylophone: Run, song: Path, tmp_path: Path) -> None:
    ran = xylophone("arrange", song, "--save")
    assert ran.out.startswith("nothing was chosen: nothing is saved")
    assert files(tmp_path) == ["sakura.mid"]
    xylophone("arrange", song, "--drums", "--save")
    before = saved(tmp_path)
    ran = xylophone("arrange", song, "--save")
    assert ran.code == 0
    assert "sakura.arrange.toml stays as it is" in ran.out
    assert saved(tmp_path) == before


def test_what_is_saved_can_be_forgotten(xylophone: Run, song: Path, tmp_path: Path) -> None:
    xylophone("arrange", song, "--mute-tracks", "2", "--save")
    ran = xylophone("arrange", song, "--forget", "-o", "out.mid")
    assert ran.out == f"deleted {tmp_path / 'sakura.arrange.toml'}\nwrote out.mid: 243 strikes\n"
    assert files(tmp_path) == ["out.mid", "sakura.mid"]
    assert xylophone("arrange", song, "--forget").out == f"nothing is saved beside {song}\n"


def test_a_damaged_file_is_one_line_that_says_how_to_go_on(
    xylophone: Run, song: Path, tmp_path: Path
) -> None:
    path = tmp_path / "sakura.arrange.toml"
    for text, words in (
        ("mute_track = [2]", ["line 1", "unknown key mute_track", "did you mean mute_tracks?"]),
        ("tracks = [9]", ["no notes in track 9", "its tracks are 1, 2", "--no-saved"]),
        ("tracks = [", ["this is no TOML", "mend or delete"]),
    ):
        path.write_text(text)
        for command in (["arrange"], ["info"], ["simulate"], ["play", "--mute"]):
            one_line(xylophone(*command, song), 1, "sakura.arrange.toml", *words)
        assert xylophone("info", song, "--no-saved").code == 0
        one_line(xylophone("arrange", song, "--drums", "--save"), 1, "sakura.arrange.toml")
        assert path.read_text() == text
    assert xylophone("arrange", song, "--forget").code == 0
    assert files(tmp_path) == ["sakura.mid"]


def test_a_scan_takes_nothing_up(xylophone: Run, midi: Midi, tmp_path: Path) -> None:
    path = midi(*SCALE)
    xylophone("arrange", path, "--transpose", "5", "--save")
    (found,) = xylophone("songs", "scan", tmp_path, "--json", "--jobs", "1").json
    assert found["transpose"] == 0
    assert "--preset" in xylophone("songs", "scan", "--help").out


def test_the_picture_of_a_song_without_a_title_is_headed_by_the_name_of_its_file(
    xylophone: Run, midi: Callable[..., Path], tmp_path: Path
) -> None:
    song = midi((72, 0, 0.5, 80, 0), name="no_name.mid", title="")
    ran = xylophone("arrange", song, "--plot", "roll.svg", "-o", "out.mid")
    assert (ran.code, ran.out) == (0, "wrote out.mid: 1 strike\nwrote roll.svg\n")
    assert "no_name.mid" in (tmp_path / "roll.svg").read_text()
    assert load_song(tmp_path / "out.mid").title == ""
