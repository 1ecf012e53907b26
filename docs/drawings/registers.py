"""Four 74HC595 on a Raspberry Pi: the chain, and the line that switches all of it off."""

from __future__ import annotations

import schemdraw.elements as elm
from sheet import Sheet

CHIPS = ("channels 0..7", "channels 8..15", "channels 16..23", "channels 24..29")
LINES = {"SRCLK": -4.2, "RCLK": -5.2, "/OE": -6.2}
"""Heights of the wires that all chips share."""

BACK = -7.2
"""Height of the wire that leads what was written before back to the Pi."""

PITCH, SIDE, HEIGHT = 7.4, 5.4, 4.6
"""From chip to chip, and the sides of one."""

FIRST, MIDDLE = 3.0, 0.7
"""Left side of the first chip, and the height of the wires from chip to chip."""

PI = -1.0
"""Right side of the Pi."""


def draw() -> str:
    """Return the drawing."""
    sheet = Sheet()
    feet: list[float] = []
    for number, channels in enumerate(CHIPS):
        feet = _chip(sheet, FIRST + PITCH * number, channels, last=number == len(CHIPS) - 1)
    _pi(sheet)
    for foot, height in zip(feet, LINES.values(), strict=True):
        sheet.wire((PI, height), (foot, height))
    right = FIRST + PITCH * len(CHIPS) - 1
    sheet.wire((right - 0.5, MIDDLE), (right, MIDDLE), (right, BACK), (PI, BACK))
    sheet.say(
        (4, BACK - 0.7), "what was written before comes back: leave this wire out where the chips have 5 V"
    )
    sheet.say((4, BACK - 1.4), "VCC and /SRCLR of every chip at 3.3 V, 100 nF beside it; GND to ground;")
    sheet.say(
        (4, BACK - 2.0), "QA..QH to 150 Ω and a gate each; RCLK also to the one-shot of the master enable"
    )
    return sheet.picture()


def _chip(sheet: Sheet, left: float, channels: str, last: bool) -> list[float]:
    """One chip, its chain to the next and its wires to the lines below; return where these are."""
    pins = [
        elm.IcPin("SER", side="left", anchorname="SER"),
        elm.IcPin("QH'", side="right", anchorname="next"),
        elm.IcPin("QA..QH", side="top", anchorname="outputs"),
        *(
            elm.IcPin(name, side="bottom", pos=at, anchorname=f"to{place}")
            for place, (name, at) in enumerate(zip(LINES, (0.16, 0.56, 0.92), strict=True))
        ),
    ]
    chip = sheet.add(elm.Ic(pins=pins, size=(SIDE, HEIGHT)).right().at((left - 0.5, MIDDLE)).anchor("SER"))
    middle = chip.outputs[0]
    sheet.say((middle, MIDDLE), "74HC595", small=False, to="center")
    sheet.say((middle, chip.outputs[1] + 0.5), channels, to="center")
    feet = [getattr(chip, f"to{place}") for place in range(len(LINES))]
    for (x, y), height in zip(feet, LINES.values(), strict=True):
        sheet.wire((x, y), (x, height))
        if not last:
            sheet.dot((x, height))
    if not last:
        sheet.wire((chip.next[0], MIDDLE), (left + PITCH - 0.5, MIDDLE))
    return [float(x) for x, _ in feet]


def _pi(sheet: Sheet) -> None:
    """The Pi's pins, and the pull-up that keeps the outputs off while nobody drives /OE."""
    heights = {
        "MOSI, GPIO10": MIDDLE,
        "3.3 V": -1.9,
        "SCLK, GPIO11": LINES["SRCLK"],
        "CE0, GPIO8": LINES["RCLK"],
        "GPIO25": LINES["/OE"],
        "MISO, GPIO9": BACK,
    }
    corners = ((PI, 3), (PI, BACK - 0.8), (-6, BACK - 0.8), (-6, 3), (PI, 3))
    sheet.wire(*corners)
    sheet.say((-3.5, 2.2), "Raspberry Pi", small=False, to="center")
    for words, height in heights.items():
        sheet.say((PI - 0.3, height), words, to="right")
    sheet.wire((PI, MIDDLE), (FIRST - 0.5, MIDDLE))
    sheet.wire((PI, -1.9), (1, -1.9))
    sheet.part(elm.ResistorIEC(), (1, -1.9), (1, -3.4))
    sheet.wire((1, -3.4), (1, LINES["/OE"]))
    sheet.dot((1, LINES["/OE"]))
    sheet.say((1.6, -2.6), "10 kΩ")
