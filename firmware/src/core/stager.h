/* The stager: strikes whose time has come, and the ends of pulses, become edges in order of time.
 *
 * It prepares edges a few milliseconds ahead, since a chord of thirty takes its time, all of one tick as
 * one edge, and checks what can only be known then: is the strike late, has its coil rested and cooled, are
 * too many on. It hands them to the board within BOARD_HORIZON ticks.
 */
#ifndef XYLOPHONE_STAGER_H
#define XYLOPHONE_STAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "limits.h"
#include "queue.h"
#include "snap.h"

#define STAGER_AHEAD 10000u /* ticks: 5 ms */
#define STAGER_NOTICE 200u  /* ticks before its edge at which a strike must be there, to be prepared in time */
#define STAGER_EDGES 24

struct staged {
    uint32_t at, on, off;
    uint8_t count; /* coils that go on */
};

struct stager {
    struct staged edges[STAGER_EDGES]; /* prepared, not handed over */
    struct coil coils[CHANNELS];
    struct snap group;
    uint32_t last;      /* tick of the edge prepared last */
    uint32_t first_off; /* tick of the next off edge, while on_count */
    bool staged;        /* `last` counts: it is not long ago */
    uint8_t first, count;
    uint8_t running[CHANNELS]; /* channels of the coils in phase COIL_ON */
    uint8_t on_count;
    uint8_t simultaneous;
    uint8_t turn;         /* coil to settle next */
};

/* Told of each strike that is not played, and why (REFUSED_...); and of how many are handed over. */
struct stager_news {
    void (*refused)(void *context, uint32_t clock, uint8_t reason, uint32_t now);
    void (*fired)(void *context, uint8_t count);
    void *context;
};

/* Prepare and hand over what is due. True when the next edge is so near that nobody should sleep. */
bool stager_poll(struct stager *stager, struct queue *queue, struct board *board, uint32_t now, const struct stager_news *news);

/* All coils are off now: forget what was handed over. */
void stager_forget(struct stager *stager, uint32_t now);

#endif
