"""Write the C header of the serial link's messages, src/core/messages.h, from xylophone/link/messages.py.

python firmware/messages.py            write it
python firmware/messages.py --check    prove that what is there equals a fresh one, byte for byte
"""

from __future__ import annotations

import re
import struct
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from enum import IntEnum, IntFlag
from inspect import cleandoc
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))  # the checkout this script belongs to, installed or not

from xylophone.link import messages as link  # noqa: E402

HEADER = FOLDER / "src" / "core" / "messages.h"
WIDTH = 110

CONSTANTS: tuple[tuple[str, int, str], ...] = (
    ("LINK_PROTOCOL", link.PROTOCOL, "version of all that follows"),
    ("LINK_BAUD", link.BAUD, ""),
    ("LINK_TICK_RATE", link.TICK_RATE, "ticks a second"),
    ("LINK_WIDTH_TICKS", link.WIDTH_TICKS, "ticks in a unit of pulse width"),
    ("LINK_SHORTEST_PULSE", round(link.SHORTEST_PULSE * link.WIDTH_RATE), "units of pulse width"),
    ("LINK_LONGEST_PULSE", round(link.LONGEST_PULSE * link.WIDTH_RATE), "units of pulse width"),
    ("LINK_LEAST_REST", link.LEAST_REST_UNITS, "units of pulse width"),
    ("LINK_MOST_REFILL", link.MOST_REFILL_FRACTION, "1/65536 of a second a second"),
    ("LINK_MOST_CAPACITY", link.MOST_CAPACITY_TICKS, "ticks"),
    ("LINK_CEILINGS_AT", link.CEILINGS_AT, "address in EEPROM"),
    ("LINK_SILENCE", round(link.SILENCE * link.TICK_RATE), "ticks without a valid frame that disarm"),
    ("LINK_BOOT_EVERY", round(link.BOOT_EVERY * link.TICK_RATE), "ticks between two BOOT until HELLO"),
    ("LINK_JOIN", link.JOIN, "ticks after a group's own tick within which a strike joins it"),
    ("LINK_GRID", link.GRID, "ticks between two moments at which coils may go off"),
    ("LINK_NEAR", link.NEAR, "ticks around such a moment: nearer, a new group goes to the moment itself"),
    ("LINK_LONGEST_PAYLOAD", link.LONGEST_PAYLOAD, "bytes"),
    ("LINK_STRIKES_IN_FRAME", link.STRIKES_IN_FRAME, "at most"),
    ("LINK_UNSEQUENCED", link.UNSEQUENCED, "sequence byte of a message that is never repeated"),
    ("LINK_RAW_STOP_0", link.RAW_STOP[0], "the emergency stop below all frames, byte by byte"),
    ("LINK_RAW_STOP_1", link.RAW_STOP[1], ""),
    ("LINK_RAW_STOP_2", link.RAW_STOP[2], ""),
    ("LINK_RAW_STOP_3", link.RAW_STOP[3], ""),
)


def constant_case(name: str) -> str:
    """Return a class's name as C spells constants: 'SyncReply' -> 'SYNC_REPLY'; 'Message' at its end goes."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Message")).upper()


def meaning(kind: type) -> str:
    """Return the first sentence of a docstring; ValueError when there is none."""
    found = re.match(r".*?[.](?=\s|$)", cleandoc(kind.__doc__ or ""), re.DOTALL)
    if found is None or "*/" in found[0]:
        raise ValueError(f"{kind.__name__} needs a docstring: its first sentence goes into messages.h")
    return " ".join(found[0].split())


def comment(text: str) -> list[str]:
    """Return a C comment in lines."""
    lines = textwrap.wrap(f"/* {text}", WIDTH - len(" */"), subsequent_indent=" * ")
    return [*lines[:-1], f"{lines[-1]} */"]


def define(name: str, value: int, note: str = "") -> str:
    """Return the line that gives a constant its value, unsigned."""
    digits = f"0x{value:02X}" if name.startswith(("MSG_", "LINK_RAW", "LINK_UNSEQ")) else str(value)
    return f"#define {name} {digits}u" + (f" /* {note} */" if note else "")


def message_lines(kind: type[link.Message], towards: str) -> Iterator[str]:
    """Yield a message's code, the length of its payload and the place of each field in it."""
    name = constant_case(kind.__name__)
    yield ""
    yield from comment(f"{towards}: {meaning(kind)}")
    yield define(f"MSG_{name}", kind.CODE)
    if kind is link.StrikesMessage:
        yield define(f"SIZE_{name}", link.LONGEST_PAYLOAD, "at most: 1..8 strikes of SIZE_STRIKE")
        yield from strike_lines()
        return
    layout = kind.layout()
    yield define(f"SIZE_{name}", layout.size)
    place = 0
    for field, code in zip(fields(kind), layout.format[1:], strict=True):
        yield define(f"AT_{name}_{field.name.upper()}", place, f"u{8 * struct.calcsize(code)}")
        place += struct.calcsize(f"<{code}")


def strike_lines() -> Iterator[str]:
    """Yield the length of one strike in STRIKES, and the place of each of its fields."""
    kind = link.STRIKE_ON_WIRE
    yield define("SIZE_STRIKE", kind.itemsize)
    for name, (each, place, *_) in (kind.fields or {}).items():
        yield define(f"AT_STRIKE_{name.upper()}", place, f"u{8 * each.itemsize}")


def table_lines() -> Iterator[str]:
    """Yield the X-macro of what the board takes."""
    yield ""
    yield from comment(
        "All that a board takes, as X(name, code, size, sequenced): bytes of payload (for STRIKES at most so "
        "many); sequenced is 1 or 0."
    )
    yield "#define LINK_MESSAGES_TO_BOARD(X) \\"
    rows = []
    for code, kind in link.TO_BOARD.items():
        name = constant_case(kind.__name__)
        rows.append(f"    X({name}, 0x{code:02X}u, SIZE_{name}, {int(kind.SEQUENCED)})")
    yield " \\\n".join(rows)


def enum_lines(kind: type[IntEnum] | type[IntFlag], prefix: str) -> Iterator[str]:
    """Yield an enumeration."""
    yield ""
    yield from comment(meaning(kind))
    yield "enum {"
    yield from (f"    {prefix}_{each.name} = {each.value}," for each in kind)
    yield "};"


def refusal_lines() -> Iterator[str]:
    """Yield the reasons for which strikes are refused, in the order of STATUS_REPLY's counters."""
    yield ""
    yield from comment("Why a board refuses a strike, in the order of the counters in STATUS_REPLY.")
    yield "enum {"
    yield from (f"    REFUSED_{each.upper()} = {number}," for number, each in enumerate(link.REFUSALS))
    yield f"    REFUSED_KINDS = {len(link.REFUSALS)},"
    yield "};"


def header() -> str:
    """Return the whole header."""
    lines = [
        *comment(
            "The messages of the serial link: little endian, widths in units of 2 us, ticks of 0.5 us. "
            "Written by firmware/messages.py from messages.py of xylophone/link: change them there."
        ),
        "#ifndef XYLOPHONE_MESSAGES_H",
        "#define XYLOPHONE_MESSAGES_H",
        "",
        *(define(*constant) for constant in CONSTANTS),
        *(line for kind in link.TO_BOARD.values() for line in message_lines(kind, "To the board")),
        *table_lines(),
        *(line for kind in link.TO_HOST.values() for line in message_lines(kind, "To the host")),
        *enum_lines(link.Nak, "NAK"),
        *enum_lines(link.BoardFault, "FAULT"),
        *enum_lines(link.BoardState, "STATE"),
        *enum_lines(link.Cause, "CAUSE"),
        *enum_lines(link.BoardType, "BOARD"),
        *refusal_lines(),
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the header, or with --check compare it; return the exit code."""
    fresh = header()
    if arguments == ["--check"]:
        same = HEADER.is_file() and HEADER.read_text(encoding="utf-8") == fresh
        print("messages.h as written" if same else "messages.h is stale: run python firmware/messages.py")
        return 0 if same else 1
    HEADER.write_text(fresh, encoding="utf-8", newline="\n")
    print(f"messages.h: {len(fresh.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
