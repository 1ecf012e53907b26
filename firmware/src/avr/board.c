/* The board of the core: Arduino Mega 2560, 16 MHz. Pins and timing are in edges.h. */
#include "../core/board.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>
#include <util/atomic.h>

#include "edges.h"
#include "port.h"

struct edge *volatile edge_next = edges;
volatile uint8_t edges_pending, rx_tail, rx_overruns, rx_stamp_index, tx_head, tx_tail;
volatile uint16_t rx_stamp;
volatile uint32_t clock_base;

static uint8_t taken; /* place in the ring of the byte taken last */

void port_outputs_off(void)
{
    PORTA = 0;
    PORTC = 0;
    PORTF = 0;
    PORTL = 0;
    PORTD &= (uint8_t)~_BV(PORTD7);
    GPIOR0 &= (uint8_t)~_BV(ENABLED);
}

void port_enable(bool enable)
{
    if (!enable && !(PORTA | PORTC | PORTF | PORTL)) {
        GPIOR0 &= (uint8_t)~_BV(ENABLED);
        PORTD &= (uint8_t)~_BV(PORTD7);
    } else if (enable && !(GPIOR0 & _BV(ENABLED))) {
        ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
        {
            if (!(GPIOR0 & (_BV(STOPPED) | _BV(TRIPPED))))
                GPIOR0 |= _BV(ENABLED);
        }
    }
}

/* Interrupts are off. A raw stop has made the pin low without more ado. */
static void alternate(void)
{
    if ((GPIOR0 & _BV(ENABLED)) && !(GPIOR0 & _BV(STOPPED)))
        PORTD ^= _BV(PORTD7);
}

void port_sleep(void)
{
    cli();
    if (rx_tail == GPIOR1) {
        sei(); /* the next instruction still runs: nothing is missed */
        __asm__ volatile("sleep");
    }
    sei();
}

struct moment {
    uint32_t base; /* ticks at the last wrap of the timer */
    uint16_t count; /* cycles since then */
};

/* The present. The wrap may be so fresh that its interrupt has not run; interrupts are off as shortly as can be. */
static inline __attribute__((always_inline)) struct moment present(void)
{
    struct moment moment;
    uint8_t flags;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        moment.count = TCNT1;
        flags = TIFR1;
        moment.base = clock_base;
    }
    if ((flags & _BV(TOV1)) && moment.count < 0x8000)
        moment.base += 0x2000;
    return moment;
}

uint32_t board_clock(struct board *board)
{
    (void)board;
    struct moment now = present();
    return now.base + (now.count >> 3);
}

int16_t board_receive(struct board *board)
{
    (void)board;
    uint8_t place = rx_tail;
    if (place == GPIOR1)
        return -1;
    uint8_t byte = rx_ring[place];
    taken = (uint8_t)(place + 1);
    rx_tail = taken;
    return byte;
}

/* A byte that arrives while this looks makes its answer no: another 00 has taken the stamp's place. */
bool board_stamp(struct board *board, uint32_t *clock)
{
    (void)board;
    uint8_t index = rx_stamp_index;
    uint16_t stamp;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        stamp = rx_stamp;
    }
    struct moment now = present();
    if (stamp > now.count) /* from before the last wrap */
        now.base -= 0x2000;
    *clock = now.base + (stamp >> 3);
    return index == taken && index == rx_stamp_index;
}

uint8_t board_overruns(struct board *board)
{
    (void)board;
    uint8_t count;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        count = rx_overruns;
        rx_overruns = 0;
    }
    return count;
}

uint8_t board_send_room(struct board *board)
{
    (void)board;
    return (uint8_t)(tx_tail - tx_head - 1);
}

void board_send(struct board *board, const uint8_t *bytes, uint8_t count)
{
    (void)board;
    uint8_t place = tx_head;
    for (const uint8_t *end = bytes + count; bytes < end; bytes++)
        tx_ring[place++] = *bytes;
    tx_head = place;
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0) | _BV(UDRIE0);
}

_Static_assert(EDGES == BOARD_EDGES, "interrupts.S knows the room too");

static inline bool after(const struct edge *edge, uint16_t cycle)
{
    return (int16_t)(edge->at - cycle) > 0;
}

/* The last edge at or before a cycle, or 0. Edges whose time comes meanwhile keep their `next`, and may be returned. The
 * search begins at one that is likely to be near. */
static struct edge *last_before(struct edge *likely, uint16_t cycle)
{
    struct edge *place;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        place = edges_pending ? edge_next : 0;
    }
    if (likely->taken && !after(likely, cycle))
        place = likely;
    if (!place || after(place, cycle))
        return 0;
    while (place->next && !after(place->next, cycle))
        place = place->next;
    return place;
}

static inline void set_port(struct edge *edge, uint8_t port, uint8_t on, uint8_t off)
{
    edge->port[port].on = on;
    edge->port[port].keep = (uint8_t)~off;
}

/* An edge that is not in use, filled; there is one. */
static struct edge *new_edge(uint16_t cycle, uint32_t on, uint32_t off)
{
    static struct edge *edge = edges;
    while (edge->taken)
        edge = edge == &edges[EDGES - 1] ? edges : edge + 1;
    edge->at = cycle;
    set_port(edge, 0, (uint8_t)on, (uint8_t)off);
    set_port(edge, 1, (uint8_t)(on >> 8), (uint8_t)(off >> 8));
    set_port(edge, 2, (uint8_t)(on >> 16), (uint8_t)(off >> 16));
    set_port(edge, 3, (uint8_t)(on >> 24), (uint8_t)(off >> 24));
    return edge;
}

/* Put an edge behind another one, or first when that has come by now, or is 0; its interrupt comes at once when its time
 * is past. False when it must be in time and is not. As few cycles as can be: interrupts are off. */
static bool insert(struct edge *edge, struct edge *place, bool punctual)
{
    bool inserted = false;
    const uint16_t wake = (uint16_t)(edge->at - LEAD);
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        uint16_t soon = (uint16_t)(TCNT1 + 64);
        bool late = (int16_t)(wake - soon) < 0;
        if (!late || !punctual) {
            if (place && place->taken) {
                edge->next = place->next;
                place->next = edge;
            } else {
                edge->next = edges_pending ? edge_next : 0;
                edge_next = edge;
                OCR1A = late ? soon : wake;
                TIMSK1 = _BV(TOIE1) | _BV(OCIE1A);
            }
            edge->taken = inserted = true;
            edges_pending++;
        }
    }
    return inserted;
}

static inline void join_port(struct edge *edge, uint8_t port, uint8_t on, uint8_t off)
{
    edge->port[port].on |= on;
    edge->port[port].keep &= (uint8_t)~off;
}

/* Add to an edge that waits for its time; false when that has come. */
static bool join(struct edge *edge, uint32_t on, uint32_t off)
{
    bool joined = false;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        if (edge->taken) {
            join_port(edge, 0, (uint8_t)on, (uint8_t)off);
            join_port(edge, 1, (uint8_t)(on >> 8), (uint8_t)(off >> 8));
            join_port(edge, 2, (uint8_t)(on >> 16), (uint8_t)(off >> 16));
            join_port(edge, 3, (uint8_t)(on >> 24), (uint8_t)(off >> 24));
            joined = true;
        }
    }
    return joined;
}

bool board_edge(struct board *board, uint32_t at, uint32_t on, uint32_t off)
{
    static struct edge *latest_on = edges, *latest_off = edges;
    (void)board;
    if (edges_pending >= (on ? EDGES - BOARD_OFF_EDGES : EDGES))
        return false;
    uint16_t cycle = (uint16_t)((uint16_t)at << 3);
    struct edge **latest = on ? &latest_on : &latest_off, *place = last_before(*latest, cycle);
    if (place && place->at == cycle && join(place, on, off))
        return true;
    struct edge *edge = new_edge(cycle, on, off);
    *latest = edge;
    return insert(edge, place, on);
}

void board_all_off(struct board *board)
{
    (void)board;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        TIMSK1 = _BV(TOIE1);
        edges_pending = 0;
        port_outputs_off();
    }
    for (uint8_t n = 0; n < EDGES; n++)
        edges[n].taken = 0;
}

_Static_assert(_BV(STOPPED) >> STOPPED == TRIPPED_STOP && _BV(TRIPPED) >> STOPPED == TRIPPED_SUPERVISOR, "the flags are in this order");

uint8_t board_tripped(struct board *board)
{
    uint8_t flags = GPIOR0 & (_BV(STOPPED) | _BV(TRIPPED));
    if (!flags)
        return 0;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        board_all_off(board); /* first, so that no edge is left when the flags are gone */
        flags = GPIOR0 & (_BV(STOPPED) | _BV(TRIPPED));
        GPIOR0 &= (uint8_t)~(_BV(STOPPED) | _BV(TRIPPED));
    }
    return (uint8_t)(flags >> STOPPED);
}

void board_alive(struct board *board)
{
    (void)board;
    if (GPIOR0 & _BV(BEAT)) {
        ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
        {
            GPIOR0 &= (uint8_t)~_BV(BEAT);
            alternate();
        }
        wdt_reset();
    }
}
