/* What the core asks of a board. Each port implements these functions; the core calls nothing else.
 *
 * Masks of outputs have bit n for channel n. Clocks are ticks of 0.5 us, wrapping.
 */
#ifndef XYLOPHONE_BOARD_H
#define XYLOPHONE_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#define BOARD_HORIZON 3000u /* ticks ahead within which edges are handed over */
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

/* How many bytes can be sent now. */
uint8_t board_send_room(struct board *board);
void board_send(struct board *board, uint8_t byte);

/* Hand over an edge: at tick `at`, switch `on` on and `off` off. In order of time, within the horizon.
 * False when there is no room now. */
bool board_edge(struct board *board, uint32_t at, uint32_t on, uint32_t off);

/* All outputs off now, handed-over edges forgotten. */
void board_all_off(struct board *board);

/* The supervisor's limit for a channel, in milliseconds; 0 for never on. */
void board_limit(struct board *board, uint8_t channel, uint8_t limit_ms);

/* What has switched the outputs off below the core since the last call: bit 0 a raw stop, bit 1 the supervisor. */
uint8_t board_tripped(struct board *board);

/* The main loop is alive. */
void board_alive(struct board *board);

#endif
