/* All that the core knows from one turn to the next, and how to read it. */
#ifndef XYLOPHONE_STATE_H
#define XYLOPHONE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "frame.h"
#include "messages.h"
#include "queue.h"
#include "stager.h"

/* Who the board is, from the port at the start. */
struct identity {
    struct ceilings ceilings; /* those that the port keeps; none is above CEILINGS */
    uint32_t boot;
    uint8_t board; /* BOARD_... */
    uint8_t cause; /* CAUSE_... */
};

/* As in STATUS. */
struct counters {
    uint32_t fired; /* counted when the edge is handed to the board, at most 1.5 ms ahead */
    uint32_t cancelled;
    uint16_t refused[REFUSED_KINDS];
    uint16_t damaged, gaps, overruns, forced;
    uint32_t worst_late, least_notice;
    uint16_t slowest_loop;
};

struct core {
    struct board *board;
    struct identity identity;
    struct frame_reader reader;
    struct queue queue;
    struct stager stager;
    struct counters counters;
    uint32_t order_mark;    /* clock of the last strike taken */
    uint32_t last_heard;    /* clock of the last valid frame */
    uint32_t next_boot;     /* clock of the next BOOT */
    uint32_t nonce;
    uint32_t sync_received; /* clock */
    uint16_t sync_token;
    uint16_t config_crc;    /* of the committed configuration */
    uint8_t next_sequence;
    uint8_t state;          /* STATE_... */
    uint8_t fault;          /* FAULT_... */
    uint8_t nak;            /* for the next ACK */
    uint8_t replies;        /* those that are due */
    bool greeted;           /* HELLO has come */
    bool configuring;       /* since the last HELLO or COMMIT */
    bool marked;            /* the order mark counts */
    bool stamped;           /* the frame's end carries a tick: */
    uint32_t stamp;
    uint8_t frame;          /* FRAME_..., what has ended, and is not taken */
    bool answering;         /* this turn's; the next one listens */
    bool checking;          /* COMMIT has come, and its checksum is being reckoned: */
    uint8_t checked;        /* over so many channels */
    uint8_t simultaneous;   /* as it said */
    uint16_t claimed, crc;  /* what it said, and the running value */
};

/* Whether strikes are allowed: the state of the master enable. */
static inline bool core_armed(const struct core *core)
{
    return core->state & STATE_ARMED;
}

#endif
