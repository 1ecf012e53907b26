/* What the interrupts (interrupts.S) and the C code of this port share; read by both.
 *
 * Channel n is bit n % 8 of port A, C, F, L: the four bytes of a mask of outputs are the four port bytes.
 *
 *   channel   0 ..  7   PA0..PA7   pins 22, 23, 24, 25, 26, 27, 28, 29
 *   channel   8 .. 15   PC0..PC7   pins 37, 36, 35, 34, 33, 32, 31, 30
 *   channel  16 .. 23   PF0..PF7   pins A0, A1, A2, A3, A4, A5, A6, A7
 *   channel  24 .. 29   PL0..PL5   pins 49, 48, 47, 46, 45, 44
 *   master enable       PD7        pin 38
 *
 * Timer 1 counts cycles, 8 to a tick. An edge is known by the low 16 bits of its cycle, so it must be
 * handed over less than 32,768 cycles (2 ms) ahead: BOARD_HORIZON is 1.5 ms.
 */
#ifndef XYLOPHONE_AVR_EDGES_H
#define XYLOPHONE_AVR_EDGES_H

#define EDGES 36     /* BOARD_EDGES */
#define EDGE_NEXT 10 /* place of `next` in one */
#define EDGE_TAKEN 12
#define EDGE_SIZE 13

/* Cycles before an edge at which its interrupt comes: the longest that another interrupt or the main loop
 * blocks (75), entry, registers and masks (95), and WRITE_DELAY, with some to spare; no whole number of ticks,
 * since simavr 1.6 never compares with a count of 0. */
#define LEAD 212

/* Cycles before an edge from which nothing may interrupt any more once interrupts were open: two that come just
 * before (70 + 45), looking at the counter (25), the masks and the shortest wait (75), with some to spare. */
#define GUARD 232

/* Cycles before an edge at which it is worth leaving and coming back: registers (65), two interrupts meanwhile
 * (70 + 45), and from entry to the write (111), with some to spare. */
#define RETURN 312

/* Cycles from reading the counter to the first port write, when there is nothing to wait for. */
#define WRITE_DELAY 16

/* Bits of GPIOR0, which single instructions can test. The first three are how much of the raw stop has
 * arrived: 00, FF, E5. */
#define AFTER_00 0
#define AFTER_FF 1
#define AFTER_E5 2
#define STOPPED 3 /* a raw stop switched everything off, and the core does not know yet */
#define TRIPPED 4 /* so did the supervisor */
#define BEAT 5    /* the supervisor has run since the watchdog was kicked */
#define ENABLED 6 /* the master enable alternates */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct edge {
    uint16_t at; /* cycle, low 16 bits */
    struct {
        uint8_t on;
        uint8_t keep; /* all bits but those that go off */
    } port[4];
    struct edge *next; /* in order of time, 0 for none; left as it is when the edge has come */
    uint8_t taken;     /* it waits for its time; else it may be used again */
};

_Static_assert(sizeof(struct edge) == EDGE_SIZE && offsetof(struct edge, next) == EDGE_NEXT &&
                   offsetof(struct edge, taken) == EDGE_TAKEN,
               "interrupts.S knows what an edge looks like");

extern struct edge edges[EDGES];
extern struct edge *volatile edge_next;    /* the one that is due next, while any is pending */
extern volatile uint8_t edges_pending;
extern volatile uint8_t rx_ring[256];      /* head in GPIOR1 */
extern volatile uint8_t rx_tail;
extern volatile uint8_t rx_overruns;
extern volatile uint16_t rx_stamp;         /* cycle at which the last 00 had arrived, low 16 bits */
extern volatile uint8_t rx_stamp_index;    /* its place in the ring */
extern volatile uint8_t tx_ring[256];
extern volatile uint8_t tx_head;
extern volatile uint8_t tx_tail;
extern volatile uint32_t clock_base;       /* ticks at the last wrap of timer 1 */

#endif
#endif
