/* Snapping: which tick an edge falls on. The same function as tests/link/snapping.py; docs/protocol.md says why. */
#ifndef XYLOPHONE_SNAP_H
#define XYLOPHONE_SNAP_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

struct snap {
    bool open;    /* there is a group to join */
    uint32_t own; /* its tick */
};

/* The tick at which a strike's coil goes on; strikes come in the order in which they leave the queue. */
static inline uint32_t snap_on(struct snap *group, uint32_t clock)
{
    if (group->open && (int32_t)(clock - group->own) <= (int32_t)LINK_JOIN)
        return group->own;
    uint8_t past = (uint8_t)(clock % LINK_GRID);
    if (past < LINK_NEAR)
        clock -= past;
    else if (past > LINK_GRID - LINK_NEAR)
        clock += LINK_GRID - past;
    group->open = true;
    group->own = clock;
    return clock;
}

/* Whether a strike comes before a group, so that it can neither join it nor come first: it goes on in that order. */
static inline bool snap_missed(const struct snap *group, uint32_t clock)
{
    return group->open && (int32_t)(clock - group->own) <= -(int32_t)LINK_NEAR;
}

/* The tick at which it goes off; width in units of the wire. */
static inline uint32_t snap_off(uint32_t on, uint16_t width)
{
    return (on + (uint32_t)width * LINK_WIDTH_TICKS) & ~(uint32_t)(LINK_GRID - 1);
}

#endif
