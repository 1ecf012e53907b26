"""Titles, names and lyrics, whatever the bytes were written in."""

from __future__ import annotations

import pytest

from midifile.smf import meta, note, song, track
from xylophone import parse_song
from xylophone.midifile.texts import FEW, decoded, encoding_of, one_line

FILES = {
    "cp932": ("津軽海峡冬景色", "メロディー", "ベース", "ストリングス", "ドラム"),
    "euc_jp": ("川の流れのように", "ピアノソナタ 第14番", "主旋律", "伴奏"),
    "gbk": ("春江花月夜", "主旋律", "钢琴伴奏", "小提琴", "打击乐器"),
    "big5": ("何日君再來", "主旋律", "鋼琴伴奏", "綠島小夜曲"),
    "euc_kr": ("고향의 봄", "멜로디", "피아노 반주", "베이스"),
    "koi8_r": ("Подмосковные вечера", "Мелодия", "Бас-гитара"),
    "cp1251": ("Прощание славянки", "Мелодия", "Ударные"),
    "cp1252": ("Ännchen von Tharau – “für Élise”", "Mélodie", "Flöte", "Baß", "Größe: Noël à Genève, où l’été brûle, ça"),
    "utf_8": ("さくら さくら", "Mélodie", "Бас"),
}  # fmt: skip
"""Texts such as a file has: a title and the names of its tracks."""


def named(*names: bytes, before: bytes = b"") -> bytes:
    return song(*(track(before if not n else b"", meta(3, name), note(60)) for n, name in enumerate(names)))


@pytest.mark.parametrize("encoding", FILES)
def test_all_texts_of_a_file_are_judged_together(encoding):
    names = FILES[encoding]
    parsed = parse_song(named(*(name.encode(encoding) for name in names)))
    assert parsed.title == names[0]
    assert tuple(row.name for row in parsed.tracks) == names
    beyond = sum(byte > 127 for name in names for byte in name.encode(encoding))
    assert parsed.encoding.guessed == (beyond < FEW and encoding != "utf_8")


@pytest.mark.parametrize("encoding", FILES)
def test_a_short_title_alone_is_right_or_told_to_be_a_guess(encoding):
    right = 0
    for name in FILES[encoding]:
        content = name.encode(encoding)
        found = encoding_of([content])
        right += decoded(content, found.name) == name
        assert found.guessed or decoded(content, found.name) == name
    assert right >= 0.6 * len(FILES[encoding])


@pytest.mark.parametrize(
    ("before", "title"),
    [(meta(5, b"{@JP}"), "さくら"), (meta(1, b"@LJAPN"), "さくら"), (meta(1, b"@LRUSS"), "Ночь"), (meta(5, b"{@LATIN}"), "Für")],
)  # fmt: skip
def test_what_a_file_names_is_believed(before, title):
    encoding = {"さくら": "cp932", "Ночь": "cp1251", "Für": "cp1252"}[title]
    parsed = parse_song(named(title.encode(encoding), before=before))
    assert (parsed.title, parsed.encoding.guessed) == (title, False)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_mark_says_more_than_the_rest_of_the_file(encoding):
    parsed = parse_song(named("さくら".encode(encoding), "Ночная мелодия".encode("cp1251")))
    assert [row.name for row in parsed.tracks] == ["さくら", "Ночная мелодия"]


def test_an_encoding_can_be_given():
    content = "夜来香".encode("gbk")
    assert parse_song(named(content), encoding="gbk").title == "夜来香"


@pytest.mark.parametrize("letter", ["ä", "さ", "𝄞"])
def test_a_long_text_is_cut_between_letters(letter):
    assert parse_song(named(("x" + letter * 400).encode())).title == "x" + letter * 199


def test_a_text_that_was_cut_within_a_letter_is_still_what_it_was():
    assert parse_song(named(("x" + "ä" * 30).encode()[:-1])).title == "x" + "ä" * 29


def test_line_breaks_and_tabs_are_spaces_and_controls_are_nothing():
    assert one_line(" Line one\r\nLine\ttwo\x00\x1b[31m ") == "Line one Line two[31m"
