"""One of thirty channels: fuse, coil, flyback diode, MOSFET, the resistors at its gate."""

from __future__ import annotations

import schemdraw.elements as elm
from sheet import Sheet


def draw() -> str:
    """Return the drawing."""
    sheet = Sheet()
    sheet.wire((-3, 9.6), (7, 9.6))
    sheet.say((-3, 10.2), "plus of all coils, from the master enable", small=False)
    sheet.part(elm.FuseIEC(), (3, 9.6), (3, 7.2))
    sheet.say((3.6, 8.4), "fuse of this coil: its rating", "in the table by kind")
    _coil(sheet)
    _gate(sheet)
    sheet.wire((-10, -3), (7, -3))
    sheet.say((-10, -3.7), "coil supply -, ground of everything, joined at the MOSFETs", small=False)
    sheet.dot((3, 9.6), (3, 7.2), (3, 4.2), (-1, 1.4), (-1, -3), (3, -3), (-8, -3))
    return sheet.picture()


def _coil(sheet: Sheet) -> None:
    """The coil, and its diode across it alone: both are behind the fuse."""
    sheet.part(elm.Inductor2(loops=4), (3, 7.2), (3, 4.2))
    sheet.say((2.1, 5.7), "coil of the", "hammer", to="right", small=False)
    sheet.wire((3, 7.2), (5, 7.2), (5, 6.6))
    sheet.part(elm.Diode(), (5, 4.8), (5, 6.6))
    sheet.wire((5, 4.8), (5, 4.2), (3, 4.2))
    sheet.say((5.7, 5.7), "flyback diode", small=False)


def _gate(sheet: Sheet) -> None:
    """The board's pin, the gate's resistors and the MOSFET."""
    pins = [
        elm.IcPin("D22", side="right", slot="2/3", anchorname="gate"),
        elm.IcPin("D38", side="right", slot="3/3", anchorname="enable"),
    ]
    board = sheet.add(elm.Ic(pins=pins, size=(4.4, 5)).right().at((-5.6, 1.4)).anchor("gate"))
    sheet.say((-10, 4.9), "Arduino Mega, or a chip", small=False)
    sheet.say((-9.6, 0.2), "USB: to the host")
    sheet.wire((board.enable[0], board.enable[1]), (-4.6, board.enable[1]))
    sheet.say((-4.4, board.enable[1]), "trigger of the one-shot")
    sheet.part(elm.ResistorIEC(), (-4.6, 1.4), (-2, 1.4))
    sheet.wire((board.gate[0], 1.4), (-4.6, 1.4))
    sheet.say((-4, 2.1), "150 Ω")
    fet = sheet.add(elm.NFet(bulk=True).right().reverse().at((3, 2.15)).anchor("drain"))
    sheet.wire((3, 4.2), (3, 2.15))
    sheet.wire((-2, 1.4), (fet.gate[0], fet.gate[1]))
    sheet.part(elm.ResistorIEC(), (-1, 1.4), (-1, -1.4))
    sheet.wire((-1, -1.4), (-1, -3))
    sheet.say((-0.4, 0), "10 kΩ,", "gate pull-down")
    sheet.wire((fet.source[0], fet.source[1]), (3, -3))
    sheet.say((3.6, 1.4), "logic-level MOSFET", small=False)
    sheet.wire((-8, -1.1), (-8, -3))
