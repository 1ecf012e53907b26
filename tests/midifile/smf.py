"""Standard MIDI Files written byte by byte, also such as no program should write."""

from __future__ import annotations

END = b"\x00\xff\x2f\x00"


def number(value: int) -> bytes:
    """A number of variable length."""
    parts = [value & 127]
    while value := value >> 7:
        parts.append(value & 127 | 128)
    return bytes(reversed(parts))


def meta(kind: int, content: bytes = b"", delta: int = 0) -> bytes:
    return number(delta) + bytes((0xFF, kind)) + number(len(content)) + content


def tempo(micros: int, delta: int = 0) -> bytes:
    return meta(0x51, micros.to_bytes(3, "big"), delta)


def meter(numerator: int, power: int, delta: int = 0) -> bytes:
    return meta(0x58, bytes((numerator, power, 24, 8)), delta)


def on(pitch: int, velocity: int = 64, delta: int = 0, channel: int = 0) -> bytes:
    return number(delta) + bytes((0x90 | channel, pitch, velocity))


def off(pitch: int, delta: int = 0, channel: int = 0) -> bytes:
    return number(delta) + bytes((0x80 | channel, pitch, 0))


def control(controller: int, value: int, delta: int = 0, channel: int = 0) -> bytes:
    return number(delta) + bytes((0xB0 | channel, controller, value))


def program(value: int, delta: int = 0, channel: int = 0) -> bytes:
    return number(delta) + bytes((0xC0 | channel, value))


def note(pitch: int, ticks: int = 480, velocity: int = 64, delta: int = 0, channel: int = 0) -> bytes:
    return on(pitch, velocity, delta, channel) + off(pitch, ticks, channel)


def chunk(content: bytes, name: bytes = b"MTrk", length: int | None = None) -> bytes:
    """A chunk, whose length may lie."""
    return name + (len(content) if length is None else length).to_bytes(4, "big") + content


def track(*messages: bytes, length: int | None = None) -> bytes:
    """A track with its end."""
    return chunk(b"".join((*messages, END)), length=length)


def header(format: int = 1, tracks: int = 1, division: int = 480) -> bytes:
    return chunk(b"".join(value.to_bytes(2, "big") for value in (format, tracks, division)), b"MThd")


def song(*tracks: bytes, format: int = 1, division: int = 480) -> bytes:
    """A whole file of chunks."""
    return header(format, len(tracks), division) + b"".join(tracks)
