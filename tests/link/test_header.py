"""The C header of the messages is the one that is written from the message table."""

from __future__ import annotations

import importlib.util
import re
import struct
from pathlib import Path
from types import ModuleType

import pytest

from xylophone.link import messages as m


@pytest.fixture(scope="module")
def writer(root: Path) -> ModuleType:
    """firmware/messages.py."""
    spec = importlib.util.spec_from_file_location("header_writer", root / "firmware" / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def constants(root: Path) -> dict[str, int]:
    """Every constant of the committed header, by name."""
    text = (root / "firmware/src/core/messages.h").read_text(encoding="utf-8")
    found = re.findall(r"^#define (\w+) (0x[0-9A-F]+|\d+)u", text, re.M) + re.findall(
        r"^ +(\w+) = (\d+),", text, re.M
    )
    return {name: int(value, 0) for name, value in found}


def test_the_header_is_fresh(writer, root: Path):
    there = (root / "firmware/src/core/messages.h").read_text(encoding="utf-8")
    assert there == writer.header(), "run python firmware/messages.py"


def test_a_stale_header_is_told(writer, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(writer, "HEADER", tmp_path / "messages.h")
    assert writer.main(["--check"]) == 1
    assert writer.main([]) == 0
    assert writer.main(["--check"]) == 0
    (tmp_path / "messages.h").write_text(writer.header().replace("MSG_SYNC 0x02u", "MSG_SYNC 0x03u"))
    assert writer.main(["--check"]) == 1
    assert "run python firmware/messages.py" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [*m.TO_BOARD.values(), *m.TO_HOST.values()], ids=lambda kind: kind.__name__)
def test_every_message_is_there(constants, kind):
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Message")).upper()
    assert constants[f"MSG_{name}"] == kind.CODE
    if kind is not m.StrikesMessage:
        assert constants[f"SIZE_{name}"] == kind.layout().size


def test_places_of_fields_are_those_of_the_packed_payload(constants):
    reply = m.SyncReply(1, 0x11223344, 5, 6, 7, 8, 9, 10, 0xABCD).pack()
    place = constants["AT_SYNC_REPLY_RECEIVED"]
    assert struct.unpack_from("<I", reply, place)[0] == 0x11223344
    assert reply[constants["AT_SYNC_REPLY_FAULT"]] == 9
    assert struct.unpack_from("<H", reply, constants["AT_SYNC_REPLY_REFUSED"])[0] == 0xABCD


def test_limits_are_in_the_units_of_the_wire(constants):
    assert constants["LINK_LONGEST_PULSE"] == 50_000  # 100 ms of 2 us
    assert constants["LINK_SHORTEST_PULSE"] == 50
    assert constants["LINK_SILENCE"] == 2_000_000
    assert constants["LINK_BOOT_EVERY"] == 500_000
    assert [constants[f"LINK_RAW_STOP_{n}"] for n in range(4)] == list(m.RAW_STOP)


def test_refusals_are_in_the_order_of_the_counters(constants):
    first = constants["AT_STATUS_REPLY_CHANNEL"]
    for name in m.REFUSALS:
        counter = constants[f"AT_STATUS_REPLY_{name.upper()}"]
        assert counter == first + 2 * constants[f"REFUSED_{name.upper()}"]
