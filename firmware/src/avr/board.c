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

static struct edge *edge_free = edges;
static uint8_t taken; /* place in the ring of the byte taken last */

void port_outputs_off(void)
{
    PORTA = 0;
    PORTC = 0;
    PORTF = 0;
    PORTL = 0;
    PORTD &= (uint8_t)~_BV(PORTD7);
}

void port_enable(bool enable)
{
    if (!enable && !(PORTA | PORTC | PORTF | PORTL))
        PORTD &= (uint8_t)~_BV(PORTD7);
    else if (enable && !(PORTD & _BV(PORTD7)))
        ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
        {
            if (!(GPIOR0 & (_BV(STOPPED) | _BV(TRIPPED))))
                PORTD |= _BV(PORTD7);
        }
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
static struct moment present(void)
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

void board_send(struct board *board, uint8_t byte)
{
    (void)board;
    uint8_t place = tx_head;
    tx_ring[place] = byte;
    tx_head = (uint8_t)(place + 1);
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0) | _BV(UDRIE0);
}

/* Have the interrupt come for an edge, or soon when that is past; interrupts are off. */
static inline void arm(uint16_t wake)
{
    uint16_t soon = (uint16_t)(TCNT1 + 64);
    OCR1A = (int16_t)(wake - soon) < 0 ? soon : wake;
    TIMSK1 = _BV(TOIE1) | _BV(OCIE1A);
}

bool board_edge(struct board *board, uint32_t at, uint32_t on, uint32_t off)
{
    (void)board;
    if (edges_pending == EDGES)
        return false;
    struct edge *edge = edge_free;
    uint16_t cycle = (uint16_t)((uint16_t)at << 3), wake = (uint16_t)(cycle - LEAD);
    edge->at = cycle;
    for (uint8_t n = 0; n < 4; n++, on >>= 8, off >>= 8) {
        edge->port[n].on = (uint8_t)on;
        edge->port[n].keep = (uint8_t)~off;
    }
    edge_free = edge == &edges[EDGES - 1] ? edges : edge + 1;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        if (edges_pending++ == 0)
            arm(wake);
    }
    return true;
}

void board_all_off(struct board *board)
{
    (void)board;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        TIMSK1 = _BV(TOIE1);
        edges_pending = 0;
        edge_free = edge_next;
        port_outputs_off();
    }
}

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
        }
        wdt_reset();
    }
}
