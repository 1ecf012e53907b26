"""The host's end of the link against a plain one: any messages, answers, damage and times, byte for byte."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from link.test_connection import ack, hello_reply, strikes, sync_reply
from xylophone.link import messages as m
from xylophone.link.connection import Connection
from xylophone.link.frames import FrameReader, encode_frame

BYTE = 40e-6


@dataclass(eq=False)
class Under:
    """A frame under way."""

    frame: bytes
    strikes: int
    left: float = 0.0
    times: int = 0


@dataclass
class PlainLink:
    """Go-back-N as docs/protocol.md has it; one board, always configured."""

    open: bool = False
    held: bool = False
    base: int = 0
    credit: int = 0
    retransmits: int = 0
    urgent: list[m.Message] = field(default_factory=list)
    queue: list[m.Message] = field(default_factory=list)
    under_way: list[Under] = field(default_factory=list)
    place: int = 0  # among those under way, of the next one to be sent again
    stop: bool = False
    led: bool = True
    line_free: float = 0.0
    deaf_until: float = -math.inf
    trouble: float = 0.0
    smooth: float = 0.02
    variation: float = 0.01
    measured: bool = False
    patience: float = 1.0
    since: float = -math.inf
    now: float = 0.0
    syncs: dict[int, float] = field(default_factory=dict)

    def hello(self, now: float, nonce: int) -> None:
        self.open, self.held, self.base, self.credit, self.place = False, False, 0, 0, 0
        self.urgent, self.queue, self.under_way = [m.Hello(nonce)], [], []
        self.led, self.deaf_until, self.patience, self.now = True, -math.inf, 1.0, now

    def send(self, message: m.Message) -> None:
        if message.SEQUENCED:
            self.queue.append(message)
        else:
            self.urgent.insert(0 if isinstance(message, m.Estop) else len(self.urgent), message)

    def taken_back(self) -> list[int]:
        back = [message for message in self.queue if isinstance(message, m.StrikesMessage)]
        self.queue = [message for message in self.queue if message not in back]
        return [clock for message in back for clock in message.rows["clock"].tolist()]

    def wants(self, sequence: int, now: float, free: int) -> None:
        """The board wants this frame next, and has room for so many strikes."""
        count = (sequence - self.base) % 128
        if 0 < count <= len(self.under_way):
            arrived, self.under_way = self.under_way[:count], self.under_way[count:]
            self.place, self.base = max(0, self.place - count), sequence
            for each in arrived:
                self.trouble += ((each.times > 1) - self.trouble) / 16
            if arrived[-1].times == 1:
                self.learn(max(0.0, now - arrived[-1].left))
            self.patience, self.since, self.deaf_until = 1.0, now, -math.inf
        if self.base == sequence:
            self.credit = free

    def learn(self, trip: float) -> None:
        if self.measured:
            self.variation += (abs(trip - self.smooth) - self.variation) / 4
            self.smooth += (trip - self.smooth) / 8
        else:
            self.smooth, self.variation, self.measured = trip, trip / 2, True

    def refused(self, now: float) -> None:
        if self.under_way and now >= self.deaf_until:
            self.again()

    def again(self) -> None:
        self.place, self.led, self.deaf_until = 0, True, math.inf

    @property
    def deadline(self) -> float:
        return self.since + min(0.2, self.patience * max(0.025, self.smooth + 4 * self.variation))

    def take(self, now: float) -> bytes:
        self.now = now
        self.led |= now - self.line_free > 0.05
        all_sent = self.under_way and self.place == len(self.under_way)
        if all_sent and not self.held and now >= self.deadline:
            self.patience *= 2
            self.again()
        out = bytearray()
        if self.stop:
            out, self.stop = bytearray(m.RAW_STOP), False
        while self.urgent and not (isinstance(self.urgent[0], m.Sync) and self.line_free > now):
            message = self.urgent.pop(0)
            begin = now + (len(out) + self.led) * BYTE
            self.put(out, encode_frame(m.UNSEQUENCED, message.CODE, message.pack()))
            if isinstance(message, m.Sync):
                self.syncs = {token: sent for token, sent in self.syncs.items() if sent > begin - 2.0}
                self.syncs[message.token] = begin
        while not self.urgent and (each := self.next()) is not None:
            self.put(out, each.frame)
            self.sent(each, max(self.line_free, now) + len(out) * BYTE)
        self.line_free = max(self.line_free, now) + len(out) * BYTE
        return bytes(out)

    def put(self, out: bytearray, frame: bytes) -> None:
        out += (b"\0" if self.led else b"") + frame
        self.led = False

    def sent(self, each: Under, left: float) -> None:
        each.left, each.times = left, each.times + 1
        if each.times == 1:
            self.under_way.append(each)
            message = self.queue.pop(0)
            if each.strikes and each.strikes < len(message.rows):
                self.queue.insert(0, m.StrikesMessage(message.rows[each.strikes :]))
        else:
            self.retransmits += 1
            if self.place == 0:
                self.deaf_until = left + self.smooth - len(each.frame) * BYTE / 2
        if self.place == 0:
            self.since = left
        self.place += 1

    def next(self) -> Under | None:
        if not self.open or self.held:
            return None
        if self.place < len(self.under_way):
            each = self.under_way[self.place]
        elif self.queue and len(self.under_way) < 8:
            each = self.made(self.queue[0])
            if sum(len(other.frame) for other in (*self.under_way, each)) > 192:
                return None
        else:
            return None
        before = sum(other.strikes for other in self.under_way[: self.place])
        return each if not each.strikes or before + each.strikes <= self.credit else None

    def made(self, message: m.Message) -> Under:
        count = 0
        if isinstance(message, m.StrikesMessage):
            message = m.StrikesMessage(message.rows[: 4 if self.trouble > 0.15 else 8])
            count = len(message.rows)
        number = (self.base + len(self.under_way)) % 128
        return Under(encode_frame(number, message.CODE, message.pack()), count)

    def next_time(self) -> float:
        if self.stop:
            return self.now
        if self.urgent:
            return max(self.now, self.line_free) if isinstance(self.urgent[0], m.Sync) else self.now
        if self.next() is not None:
            return self.now
        return self.deadline if self.under_way and not self.held else math.inf


MESSAGES = [m.Disarm(), m.Clear(), m.Cancel(7), m.Status(), m.Estop()]


def one_act(rng: np.random.Generator, link: Connection, plain: PlainLink, now: float) -> None:
    """Do the same with both, drawn at random."""
    act = rng.choice(["send", "strikes", "sync", "answer", "answer", "answer", "nak", "rare"])
    sent_up_to = (plain.base + rng.integers(0, 1 + len(plain.under_way))) % 128
    if act == "send":
        say(link, plain, MESSAGES[rng.integers(len(MESSAGES))])
    elif act == "strikes":
        for _ in range(rng.integers(1, 4)):
            say(link, plain, strikes(int(rng.integers(1, 9)), int(rng.integers(100))))
    elif act == "sync":
        say(link, plain, m.Sync(int(rng.integers(20))))
    elif act == "answer":
        wanted, free = int(rng.choice([sent_up_to, sent_up_to, rng.integers(128)])), int(rng.integers(0, 40))
        link.receive(sync_reply(wanted, free=free) if rng.integers(2) else ack(wanted, free=free), now)
        if plain.open:
            plain.wants(wanted, now, free)
    elif act == "nak":
        free = int(rng.integers(0, 40))
        link.receive(ack(int(sent_up_to), int(rng.integers(1, 4)), free), now)
        if plain.open:
            plain.wants(int(sent_up_to), now, free)
            plain.refused(now)
    else:
        one_rare_act(rng, link, plain, now)


def say(link: Connection, plain: PlainLink, message: m.Message) -> None:
    for each in (link, plain):
        each.send(message)


def one_rare_act(rng: np.random.Generator, link: Connection, plain: PlainLink, now: float) -> None:
    match int(rng.integers(5)):
        case 0:
            link.raw_stop()
            plain.stop = plain.led = True
        case 1:
            held = not plain.held
            link.hold(held)
            plain.held, plain.led = held, True
        case 2:
            assert link.take_back_strikes()["clock"].tolist() == plain.taken_back()
        case 3 if rng.integers(3) == 0:
            for each in (link, plain):
                each.hello(now, 9)
        case _:
            link.receive(hello_reply(9, 30), now)
            if not plain.open:
                plain.open, plain.credit = True, 30


@examples(80)
@given(st.integers(0, 10**6))
def test_the_link_sends_what_the_plain_one_sends(seed: int) -> None:
    early = Connection(5.0)
    early.raw_stop()
    assert (early.next_time(), early.last_heard, early.bytes_to_send(5.0)) == (5.0, 5.0, m.RAW_STOP)
    rng, now = np.random.default_rng(seed), 0.0
    link, plain = Connection(0.0), PlainLink()
    assert (link.greeted, link.idle, link.next_time()) == (False, True, math.inf)
    say(link, plain, m.Disarm())
    assert link.bytes_to_send(0.0) == plain.take(0.0) == b""  # nobody has been greeted
    for each in (link, plain):
        each.hello(now, 9)
    for _ in range(60):
        now += float(rng.choice([0.0, 0.001, 0.004, 0.02, 0.06]))
        if now < plain.next_time() < math.inf and rng.integers(2):
            now = link.next_time()  # when something is due, to the instant
        if now < plain.deaf_until < math.inf and rng.integers(2):
            now = plain.deaf_until
        if rng.integers(3):
            one_act(rng, link, plain, now)
        else:
            assert link.bytes_to_send(now) == plain.take(now)
        assert link.next_time() == pytest.approx(plain.next_time())
        assert link.line_free == pytest.approx(plain.line_free)
        assert link.timeout.smooth == pytest.approx(plain.smooth)
        assert (link.greeted, link.held, link.retransmits) == (plain.open, plain.held, plain.retransmits)
        assert link.waiting == len(plain.queue) + len(plain.under_way)
        assert link.idle == (not (link.waiting or plain.urgent or plain.stop))
        assert link.free == max(0, plain.credit - sum(each.strikes for each in plain.under_way))
        assert [link.sent_at(token) for token in range(20)] == [plain.syncs.get(n) for n in range(20)]


@pytest.mark.parametrize("bad", [2, 3, 10])
def test_frames_are_shorter_from_a_share_of_trouble_on_and_as_long_as_before_after_it(bad: int) -> None:
    link, now, trouble = Connection(0.0), 0.0, 0.0
    link.hello(0.0, 9)
    link.bytes_to_send(0.0)
    link.receive(hello_reply(9), 0.0)
    for number in range(60):
        now += 0.01
        link.send(strikes(8))
        content = link.bytes_to_send(now)
        wanted = [4, 4] if trouble > 0.15 else [8]
        found = [len(m.StrikesMessage.unpack(frame.payload).rows) for frame in FrameReader().feed(content)]
        assert found == wanted, number
        if again := number < bad:
            link.receive(ack(int(link.base), m.Nak.DAMAGED), now + 0.004)
            link.bytes_to_send(now + 0.004)
        link.receive(ack((link.base + len(found)) % 128), now + 0.008)
        for _ in found:
            trouble += (again - trouble) / 16
    assert trouble < 0.15
