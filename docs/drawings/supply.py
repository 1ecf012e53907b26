"""The supply of the coils: fuse, emergency stop, master enable with its driver, pre-charge and comparator."""

from __future__ import annotations

import schemdraw.elements as elm
from sheet import Sheet

GATE = 1.85
"""Height of the gate of Q1."""


def draw() -> str:
    """Return the drawing."""
    sheet = Sheet()
    _plus(sheet)
    _driver(sheet)
    _comparator(sheet)
    _one_shot(sheet)
    return sheet.picture()


def _plus(sheet: Sheet) -> None:
    """From the supply to the rail of the coils."""
    sheet.wire((-12, 9), (-8, 9))
    sheet.say((-12, 9.7), "coil supply +", small=False)
    sheet.part(elm.FuseIEC(), (-8, 9), (-5.5, 9))
    sheet.say((-7.4, 9.7), "fuse F1", small=False)
    sheet.part(elm.Button(nc=True), (-5, 9), (-2.5, 9))
    sheet.wire((-5.5, 9), (-5, 9))
    sheet.say((-5.2, 9.8), "emergency stop S1", small=False)
    sheet.say((-5.4, 7.6), "breaks the current of F1,", "as DC, at the supply's", "voltage; latching")
    sheet.wire((-2.5, 9), (3, 9))
    sheet.part(elm.Switch(), (3, 9), (6, 9))
    sheet.say((2.6, 8.2), "contact of relay K1")
    sheet.wire((6, 9), (17.5, 9))
    sheet.wire((3, 9), (3, 11), (3.4, 11))
    sheet.part(elm.ResistorIEC(), (3.4, 11), (5.6, 11))
    sheet.wire((5.6, 11), (6, 11), (6, 9))
    sheet.say((2.6, 11.9), "pre-charge R1: 1 kΩ, 1 W", small=False)
    sheet.say((11, 9.7), "plus of all coils", small=False)
    sheet.part(elm.Capacitor2(polar=True), (14.5, 9), (14.5, 6.5))
    sheet.ground((14.5, 6.5))
    sheet.say((15.2, 7.8), "470 µF", "4 times")
    sheet.dot((3, 9), (6, 9), (14.5, 9))


def _driver(sheet: Sheet) -> None:
    """The relay's coil with its diode and transistor."""
    sheet.wire((0, 9), (0, 6))
    sheet.wire((0, 6), (1.8, 6), (1.8, 5.4))
    sheet.part(elm.Inductor2(loops=3), (0, 6), (0, 3.4))
    sheet.say((-1, 4.7), "coil", "of K1", to="right")
    sheet.part(elm.Diode(), (1.8, 3.8), (1.8, 5.4))
    sheet.wire((1.8, 3.8), (1.8, 3.4), (0, 3.4))
    sheet.say((2.4, 4.6), "D1", "1N4007")
    fet = sheet.add(elm.NFet(bulk=True).right().reverse().at((0, 2.6)).anchor("drain"))
    sheet.wire((0, 3.4), (0, 2.6))
    source, gate = fet.source, fet.gate
    sheet.ground((source[0], source[1]))
    sheet.say((0.5, 1.7), "Q1, as", "for a coil")
    sheet.wire((gate[0], GATE), (-2, GATE))
    sheet.part(elm.ResistorIEC(), (-2, GATE), (-2, -1.2))
    sheet.ground((-2, -1.2))
    sheet.say((-1.4, 0.2), "10 kΩ")
    sheet.dot((0, 9), (0, 6), (0, 3.4), (-2, GATE), (-3, GATE))
    sheet.part(elm.ResistorIEC(), (-5.2, GATE), (-2.6, GATE))
    sheet.wire((-2.6, GATE), (-2, GATE))
    sheet.say((-4.5, GATE + 0.7), "1 kΩ")


def _comparator(sheet: Sheet) -> None:
    """Both sides of the relay's contact, compared: they are equal unless current flows through R1."""
    for x, upper, lower in ((8, "15 kΩ", "10 kΩ"), (12, "10 kΩ", "10 kΩ")):
        sheet.part(elm.ResistorIEC(), (x, 6.4), (x, 3.9))
        sheet.part(elm.ResistorIEC(), (x, 3.9), (x, 1.4))
        sheet.ground((x, 1.4))
        sheet.say((x + 0.6, 5.2), upper)
        sheet.say((x + 0.6, 2.6), lower)
    sheet.wire((12, 6.4), (12, 9))
    sheet.wire((8, 6.4), (8, 7.2), (0, 7.2))
    amp = sheet.add(elm.Opamp().left().flip().at((7, -1.6)).anchor("in2"))
    sheet.wire((8, 3.9), (7.2, 3.9), (7.2, amp.in1[1]), (amp.in1[0], amp.in1[1]))
    sheet.wire((12, 3.9), (10.9, 3.9), (10.9, amp.in2[1]), (amp.in2[0], amp.in2[1]))
    sheet.wire((amp.out[0], amp.out[1]), (2.6, amp.out[1]), (2.6, -2.6), (-3, -2.6), (-3, GATE))
    sheet.say((3.2, 1.6), "comparator U1", small=False)
    sheet.say(
        (7.8, -3.6),
        "½ LM393, open collector: low while the coils'",
        "plus is below 80 % of the supply, so that a coil",
        "which is on with all outputs off, or capacitors",
        "that are not charged, keep K1 open; its supply",
        "is taken from in front of K1, 100 nF beside it",
    )
    sheet.dot((12, 9), (0, 7.2), (8, 3.9), (12, 3.9))


def _one_shot(sheet: Sheet) -> None:
    """What keeps the master enable on only while it is triggered."""
    pins = [
        elm.IcPin("B", side="left", slot="2/2", anchorname="B"),
        elm.IcPin("/CLR", side="left", slot="1/2", anchorname="CLR"),
        elm.IcPin("Q", side="right", anchorname="Q"),
    ]
    chip = sheet.add(elm.Ic(pins=pins, size=(3.2, 3)).right().at((-6.6, GATE)).anchor("Q"))
    sheet.wire((-6.6, GATE), (-5.2, GATE))
    for pin, words in ((chip.B, "trigger"), (chip.CLR, "enable")):
        sheet.say((pin[0] - 0.2, pin[1]), words, to="right", small=False)
    sheet.say((-10.2, 4.1), "one-shot U2: ½ 74HC123", small=False)
    sheet.say((-12.2, -0.6), "A to ground; 680 kΩ and 1 µF: 0.3 s", "5 V at a Mega, 3.3 V at a Pi with 12 V")
    sheet.say(
        (-12.2, -3.6),
        "Mega: trigger D38, enable 5 V",
        "gpio:595: trigger RCLK, enable GPIO23",
        "gpio:mcp23017: trigger SCL, enable GPIO23",
        "gpio:pins: no one-shot; GPIO23 to the 1 kΩ",
    )
