/* What a coil stands: its longest pulse, its rest between two, and a token bucket of on-time.
 *
 * The bucket is kept as what is spent: it fills by every pulse, empties at `refill`, and must not exceed
 * `capacity`. It is exact over any time, and outlives HELLO, since a coil does not cool by being greeted.
 */
#ifndef XYLOPHONE_LIMITS_H
#define XYLOPHONE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#define CHANNELS 30

/* Edges that were planned apart may be so many ticks closer once they are snapped. */
#define LIMITS_SLACK LINK_GRID

enum coil_phase {
    COIL_RESTED,
    COIL_ON,      /* staged to be on until `off` */
    COIL_RESTING, /* off since `off` */
};

struct coil {
    uint32_t capacity; /* ticks */
    uint32_t spent;    /* ticks of on-time that have not come back */
    uint32_t settled;  /* clock up to which `spent` is reckoned */
    uint32_t off;      /* clock of the last off edge, or of the next */
    uint16_t longest;  /* units of the wire; 0 for no hammer */
    uint16_t rest;     /* units of the wire */
    uint16_t refill;   /* 1/65536 */
    uint16_t fraction; /* of a tick that has come back, 1/65536 */
    uint8_t phase;
};

/* Reckon a coil up to now. Called for each coil in turn, often enough that no time of it gets stale. */
void coil_settle(struct coil *coil, uint32_t now);

/* Whether a coil has rested long enough at a tick; never at the tick at which it goes off. */
bool coil_rested(const struct coil *coil, uint32_t at);

/* Whether a pulse of so many ticks fits into the bucket; and take it out. */
bool coil_cool(const struct coil *coil, uint32_t ticks);

#endif
