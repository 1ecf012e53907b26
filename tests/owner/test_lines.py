"""Lines of the owner's socket: cut where they end, read strictly, refused in one line."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from counts import examples
from xylophone.errors import OptionError
from xylophone.owner.lines import MOST_BYTES, Lines, _once, read, written

FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)


def taken(lines: Lines) -> list[bytes | str]:
    """Return all lines that are whole, and the words of those that are refused."""
    found: list[bytes | str] = []
    while True:
        try:
            line = lines.take()
        except OptionError as error:
            found.append(str(error))
            continue
        if line is None:
            return found
        found.append(line)


def fed(content: bytes, cuts: list[int], most: int) -> list[bytes | str]:
    """Return what comes of bytes that arrive in pieces."""
    lines, found = Lines(most), list[bytes | str]()
    for begin, end in pairwise([0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]):
        lines.feed(content[begin:end])
        found += taken(lines)
    return found


@given(OBJECTS)
def test_what_is_written_is_read_again(value):
    line = written(value)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert read(line[:-1]) == value


def test_a_file_name_that_is_no_text_arrives_as_it_was():
    name = b"/songs/\xff\xfe.mid".decode(errors="surrogateescape")
    assert read(written({"path": name})[:-1]) == {"path": name}


@given(st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b""))), st.lists(st.integers(0)))
def test_however_bytes_arrive_the_lines_are_the_same(lines, cuts):
    content = b"".join(line + b"\n" for line in lines)
    assert fed(content, cuts, 100) == lines


@examples(200)
@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b""))), st.lists(st.integers(0)))
def test_each_line_that_is_too_long_is_refused_once_and_the_others_are_taken(lines, cuts):
    content = b"".join(line + b"\n" for line in lines)
    assert [len(line) < 10 and line for line in lines] == [
        isinstance(line, bytes) and line for line in fed(content, cuts, 10)
    ]


def test_a_line_of_the_most_bytes_is_taken_and_one_of_a_byte_more_is_not():
    lines = Lines()
    lines.feed(b"a" * (MOST_BYTES - 1) + b"\n")
    assert lines.take() == b"a" * (MOST_BYTES - 1)
    lines.feed(b"a" * MOST_BYTES)
    with pytest.raises(OptionError, match="longer than 65536 bytes: send less"):
        lines.take()
    assert lines.begun
    lines.feed(b"b" * 10**6)
    assert lines.take() is None
    lines.feed(b"\nc\n")
    assert lines.take() == b"c"
    assert not lines.begun


@examples(300)
@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_are_refused_in_one_line(content):
    told = "an object"
    try:
        assert isinstance(read(content), dict)
    except OptionError as error:
        told = str(error)
    assert told
    assert told.isprintable()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "this line is no JSON, Expecting value at character 1"),
        (b"{", "this line is no JSON"),
        (b"[1]", "this line holds a list: send one object"),
        (b"12", "this line holds 12"),
        (b'{"a":1,"a":2}', "the key a stands twice"),
        (b'{"b":{"a":1,"a":2}}', "the key a stands twice"),
        (b'{"a":NaN}', "NaN is no number"),
        (b'{"a":-Infinity}', "-Infinity is no number"),
        (b'{"a":1e999}', "1e999 is beyond all bounds"),
        (b'{"a":' + b"9" * 5000 + b"}", "has 5000 digits"),
        (b"[" * 60000, "nested too deep"),
        (b'{"a":' * 10000, "nested too deep"),
        (b'{"a":"\xff"}', "byte 6 of the line is no UTF-8"),
    ],
)
def test_what_is_no_line_is_refused_with_its_reason(line, words):
    with pytest.raises(OptionError, match=words.replace("(", r"\(")) as error:
        read(line)
    assert "\n" not in str(error.value)


def test_no_line_holds_what_is_no_number():
    with pytest.raises(ValueError, match="JSON"):
        written({"a": float("nan")})
    assert json.loads(written({"a": "é\n"})) == {"a": "é\n"}


def test_a_key_that_stands_twice_is_found_without_comparing_all_with_all() -> None:
    compared = 0

    class Key(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    with pytest.raises(OptionError, match="the key 999 stands twice"):
        _once([(Key(number), 0) for number in (*range(1000), 999)])
    assert compared < 10_000
