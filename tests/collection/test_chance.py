"""What may come unasked on a day: seasonal songs in their season, anthems and chimes never."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from xylophone.collection.chance import ONLY_BY_NAME, SEASONS, by_chance, in_season, not_by_chance
from xylophone.collection.library import songs

YEAR = [date(2027, 1, 1) + timedelta(day) for day in range(365)]


@pytest.mark.parametrize(
    ("occasion", "day", "there"),
    [
        ("christmas", date(2026, 11, 30), False),
        ("christmas", date(2026, 12, 1), True),
        ("christmas", date(2026, 12, 31), True),
        ("christmas", date(2027, 1, 6), True),
        ("christmas", date(2027, 1, 7), False),
        ("new year", date(2026, 12, 26), False),
        ("new year", date(2026, 12, 27), True),
        ("new year", date(2027, 1, 6), True),
        ("children", date(2027, 7, 1), True),
    ],
)
def test_a_season_has_a_first_and_a_last_day(occasion: str, day: date, there: bool) -> None:
    assert in_season(occasion, day) is there


def test_every_season_is_some_songs_and_ends() -> None:
    for occasion in SEASONS:
        assert any(occasion in song.occasion for song in songs())
        assert 0 < sum(in_season(occasion, day) for day in YEAR) < 60


def test_a_song_of_a_season_comes_in_its_season_only_and_others_every_day() -> None:
    for day in (YEAR[0], YEAR[180], YEAR[350], YEAR[362]):
        drawn = by_chance(songs(), day)
        for song in songs():
            seasons = SEASONS.keys() & set(song.occasion)
            if not ONLY_BY_NAME & set(song.occasion):
                on = not seasons or any(in_season(season, day) for season in seasons)
                assert (song.name in drawn) is on


def test_by_chance_keeps_the_order() -> None:
    names = [song.name for song in songs()]
    drawn = by_chance(songs(), date(2027, 12, 28))
    assert list(drawn) == [name for name in names if name in drawn]
    assert "silent_night" in drawn
    assert "silent_night" not in by_chance(songs(), date(2027, 8, 1))


def test_anthems_and_chimes_never_come_by_chance() -> None:
    kept = {song.name for song in songs() if ONLY_BY_NAME & set(song.occasion)}
    assert {"la_marseillaise", "westminster_1"} <= kept
    for day in YEAR:
        assert not kept & set(by_chance(songs(), day))


def test_of_files_only_songs_of_the_project_are_kept_back(tmp_path: Path) -> None:
    christmas = [song.path for song in songs() if song.occasion == ("christmas",)]
    anthems = [song.path for song in songs() if "anthem" in song.occasion]
    others = [tmp_path / "jingle_bells.mid", next(song.path for song in songs() if not song.occasion)]
    assert christmas
    assert anthems
    paths = (*christmas, *anthems, *others)
    assert not_by_chance(paths, songs(), date(2027, 7, 1)) == {*christmas, *anthems}
    assert not_by_chance(paths, songs(), date(2027, 12, 24)) == set(anthems)
