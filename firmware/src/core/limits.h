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

struct coil {
    uint32_t capacity; /* ticks */
    uint32_t spent;    /* ticks of on-time that have not come back */
    uint32_t settled;  /* clock up to which `spent` is reckoned */
    uint32_t off;      /* clock of the off edge that was prepared last */
    uint16_t longest;  /* units of the wire; 0 for no hammer */
    uint16_t rest;     /* units of the wire */
    uint16_t refill;   /* 1/65536 */
    uint16_t fraction; /* of a tick that has come back, 1/65536 */
    bool struck;       /* `off` counts: the coil is on, or rests, or will */
};

/* What no configuration exceeds: the port's, that it keeps where no message comes, and the link's where those are higher. */
struct ceilings {
    uint32_t capacity;
    uint16_t longest, refill;
    uint16_t rest; /* at least */
};

/* The link's own, which hold for all kinds of coils. */
extern const struct ceilings CEILINGS;

/* Those of a record as link/limits.py writes it, as far as they are below CEILINGS; CEILINGS when it is none. */
#define CEILINGS_SIZE 12
struct ceilings ceilings_of(const uint8_t record[CEILINGS_SIZE]);

/* A coil that has spent so much, if that can be, and stands at a clock. */
void coil_begin(struct coil *coil, uint32_t spent, uint32_t now);

/* Set a coil's limits, none beyond a ceiling. */
void coil_limit(struct coil *coil, struct ceilings limits, const struct ceilings *ceilings);

/* Reckon a coil up to now. Called for each coil in turn, often enough that no time of it gets stale. */
void coil_settle(struct coil *coil, uint32_t now);

/* Whether a coil has rested long enough at a tick; never at the tick at which it goes off. */
bool coil_rested(const struct coil *coil, uint32_t at);

/* Whether a pulse of so many ticks fits into the bucket. */
bool coil_cool(const struct coil *coil, uint32_t ticks);

/* A pulse from one tick to another has been prepared: take it out of the bucket. */
void coil_strike(struct coil *coil, uint32_t on, uint32_t off);

/* The coil is off at once, whatever was prepared. */
void coil_stop(struct coil *coil, uint32_t now);

#endif
