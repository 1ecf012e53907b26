/* What the core asks of a board. Each port implements these functions; the core calls nothing else.
 *
 * Masks of outputs have bit n for channel n. Clocks are ticks of 0.5 us, wrapping.
 */
#ifndef XYLOPHONE_BOARD_H
#define XYLOPHONE_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#define BOARD_HORIZON 3000u /* ticks ahead within which edges are handed over */
#define BOARD_EDGES 36      /* room for edges that were handed over */
#define BOARD_OFF_EDGES 18  /* of it is kept for those that only switch off */
#define BOARD_NOTICE 100u   /* ticks ahead that an edge must be handed over at least, to be exact */

struct board; /* the port's own; NULL where there is only one */

/* The present tick. */
uint32_t board_clock(struct board *board);

/* The next received byte, or -1. */
int16_t board_receive(struct board *board);

/* Whether the byte taken last carries the tick of its arrival, and that tick. */
bool board_stamp(struct board *board, uint32_t *clock);

/* Bytes lost on arrival since the last call. */
uint8_t board_overruns(struct board *board);

/* How many bytes can be sent now; and send some. */
uint8_t board_send_room(struct board *board);
void board_send(struct board *board, const uint8_t *bytes, uint8_t count);

/* Hand over an edge: at tick `at`, switch `on` on and `off` off. Within the horizon, in any order; those of one tick
 * become one. False when there is no room now, or too little time is left to switch something on to the cycle: a coil
 * must not go on when the edge that ends its pulse has come. */
bool board_edge(struct board *board, uint32_t at, uint32_t on, uint32_t off);

/* All outputs off now, handed-over edges forgotten. */
void board_all_off(struct board *board);

/* The longest pulse of a channel that the supervisor allows, in units of the wire; 0 for never on. Called while all outputs are off. */
void board_limit(struct board *board, uint8_t channel, uint16_t longest);

enum {
    TRIPPED_STOP = 1, /* a raw stop */
    TRIPPED_SUPERVISOR = 2,
};

/* What has switched the outputs off below the core since the last call: TRIPPED_... */
uint8_t board_tripped(struct board *board);

/* The main loop is alive. */
void board_alive(struct board *board);

#endif
