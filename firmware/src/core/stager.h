/* The stager: strikes whose time has come become edges, and each brings the end of its pulse along.
 *
 * It prepares strikes a few milliseconds ahead, since a chord of thirty takes its time, all of one tick as one
 * edge, and checks what can only be known then: is the strike late, has its coil rested and cooled, are too many
 * on. It hands edges to the board within BOARD_HORIZON ticks. Ends go first, and there are never so many that they
 * could take a turn of the main loop; what else there is to do gets STAGER_TURN ticks of it. So where both cannot be
 * had in time, strikes are refused as late, and pulses end when they should.
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
#define STAGER_TURN 400u    /* ticks after which a turn begins nothing more: 0.2 ms */
#define STAGER_URGENT 2400u /* ticks before the end of a pulse at which it does not wait for another turn: one of them, and some */
#define STAGER_EDGES CHANNELS
#define STAGER_CROWD 2048u  /* ticks around a tick at which coils go off, within which they may go off */
#define STAGER_MOST 8       /* at so many others at most */

/* Coils that go on, or off, at one tick. */
struct staged {
    uint32_t at, mask;
    uint8_t count : 7;
    bool handed : 1; /* over to the board; off edges stay in their line until their time has come */
};

/* Some of them in order of time, none at the same tick. Zero it to begin. */
struct staged_line {
    struct staged rows[STAGER_EDGES];
    uint8_t first, count;
};

struct stager {
    struct staged_line on, off;
    struct coil coils[CHANNELS];
    struct snap group;
    uint8_t handed;  /* rows of the line `off` that are handed over, from the first one on */
    uint8_t running; /* coils of the line `off` */
    uint8_t simultaneous;
    uint8_t turn;   /* coil to settle next */
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
