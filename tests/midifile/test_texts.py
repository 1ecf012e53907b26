"""Titles, names and lyrics, whatever the bytes were written in."""

from __future__ import annotations

import pytest

from midifile.smf import control, meta, note, song, track
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
    "cp1252": ("Ännchen von Tharau", "Mélodie", "Flöte", "Baß", "Noël à Genève \u2013 où l\u2019été brûle"),
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


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xa9 1998", "© 1998"),
        (b"\xc6" * 30 + b" \xa9 1998", "Æ" * 30 + " © 1998"),
        (b"non \xe8 lontana", "non è lontana"),
        (b"pi\xf9 s\xec \xe8 gi\xe0 " * 8, "più sì è già " * 8),
        (b"B\xe8o da\xf2t m\xe2y tr\xf4i, Ly\xec ng\xfd\xf2a \xf4 " * 3, "Bèo dạt mây trôi, Lý ngựa ô " * 3),
        ("Größe".encode().replace("ö".encode(), "o\u0308".encode()), "Größe"),
    ],
)
def test_signs_and_single_letters_are_no_cyrillic_and_tones_stand_on_vowels(content, text):
    assert decoded(content, encoding_of([content], [content]).name) == text


def test_of_short_texts_alone_most_are_right_and_all_wrong_ones_are_guesses():
    texts = [(text, encoding) for encoding, names in FILES.items() for text in names]
    found = [
        (text, text.encode(encoding), encoding_of([text.encode(encoding)], [text.encode(encoding)]))
        for text, encoding in texts
    ]
    right = [decoded(content, encoding.name) == text for text, content, encoding in found]
    assert sum(right) >= 0.8 * len(right)
    assert all(encoding.guessed for (_, _, encoding), good in zip(found, right, strict=True) if not good)


@pytest.mark.parametrize(
    ("before", "title"),
    [
        (meta(5, b"{@JP}"), "さくら"),
        (meta(1, b"@LJAPN"), "さくら"),
        (meta(1, b"@LRUSS"), "Ночь"),
        (meta(5, b"{@LATIN}"), "Für"),
    ],
)
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


LINES = (meta(5, b"Sa", 0), meta(5, b"ku\r", 480), meta(5, b"ra", 480))


def test_lyrics_have_the_times_at_which_they_are_sung():
    parsed = parse_song(song(track(*LINES), track(note(60, 1440))))
    assert [(row.time, row.text) for row in parsed.lyrics] == [(0.0, "Sa"), (0.5, "ku\n"), (1.0, "ra")]


def test_in_a_karaoke_file_texts_are_lyrics_and_signs_are_line_breaks():
    words = (
        meta(1, b"@KMIDI KARAOKE FILE"),
        meta(1, b"@TTune"),
        meta(1, b"\\Should "),
        meta(1, b"/auld ", 480),
    )
    assert [row.text for row in parse_song(song(track(*words))).lyrics] == ["\n\nShould ", "\nauld "]
    assert parse_song(song(track(*words[1:]))).lyrics == ()


def test_a_name_behind_a_channel_prefix_is_that_of_the_channel():
    messages = (meta(3, b"Song"), meta(0x20, b"\3"), meta(3, b"Flute"), note(60), meta(3, b"late"))
    (row,) = parse_song(song(track(*messages))).tracks
    assert (row.name, row.channel_names) == ("Song", ((3, "Flute"),))


@pytest.mark.parametrize(
    ("messages", "loop"),
    [
        ((note(60),), None),
        ((note(60), control(111, 0), note(62)), (0.5, 1.0)),
        ((note(60), meta(6, b"loopStart"), note(62), meta(6, b"loopEnd"), note(64)), (0.5, 1.0)),
        ((note(60), meta(6, b"LoopEnd"), note(62)), (0.0, 0.5)),
        ((note(60), meta(6, b"Chorus"), note(62)), None),
    ],
)
def test_a_file_says_where_its_loop_is(messages, loop):
    assert parse_song(song(track(*messages))).loop == loop


def test_key_signatures_hold_from_their_places():
    keys = (
        meta(0x59, b"\xfc\0"),
        meta(0x59, b"\x04\0"),
        meta(0x59, b"\x00\1", 480),
        meta(0x59, b"\x09\0", 480),
    )
    parsed = parse_song(song(track(*keys, note(60))))
    assert parsed.keys.tolist() == [(0.0, 4, False), (0.5, 0, True)]


def test_a_guess_is_not_told_where_nobody_sees_it():
    parsed = parse_song(song(track(meta(2, "© 1999".encode("cp1252")), meta(3, b"Tune"), note(60))))
    assert (parsed.title, parsed.encoding.guessed) == ("Tune", False)
