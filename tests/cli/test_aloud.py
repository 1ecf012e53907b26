"""What may not wait for a screen: all is said in order, or counted."""

from __future__ import annotations

from threading import Event

from xylophone.cli.aloud import MOST_WAITING, Aloud


def test_lines_are_said_in_order_to_the_last() -> None:
    said: list[str] = []
    with Aloud(said.append, 60) as aloud:
        for number in range(100):
            aloud(str(number))
    assert said == [str(number) for number in range(100)]


def test_who_says_more_than_a_screen_takes_never_waits_and_it_is_counted() -> None:
    said: list[str] = []
    begun, goes_on = Event(), Event()

    def speak(line: str) -> None:
        begun.set()
        assert goes_on.wait(60)
        said.append(line)

    with Aloud(speak, 60) as aloud:
        aloud("first")
        assert begun.wait(60)
        for number in range(MOST_WAITING + 3):
            aloud(str(number))
        goes_on.set()
    assert said[:-1] == ["first", *map(str, range(MOST_WAITING))]
    assert said[-1] == "3 lines were left out here: nobody read what came before"
