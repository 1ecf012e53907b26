/* Frames: [length][sequence][type][payload][CRC low][CRC high], stuffed by COBS, ended by 00. */
#ifndef XYLOPHONE_FRAME_H
#define XYLOPHONE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

#define FRAME_HEAD 3
#define FRAME_CONTENT (FRAME_HEAD + LINK_LONGEST_PAYLOAD + 2)
#define FRAME_LONGEST (FRAME_CONTENT + 2) /* on the line: one code byte, and the 00 */

enum frame_status {
    FRAME_MORE,    /* no frame has ended */
    FRAME_READY,   /* sequence, type, length and payload may be read until the next byte */
    FRAME_DAMAGED, /* one has ended, and is none */
};

/* Zero it to begin. */
struct frame_reader {
    uint8_t content[FRAME_CONTENT];
    uint16_t crc; /* of the content */
    uint8_t count;
    uint8_t left;  /* bytes of the present block still to come */
    bool begun;    /* a block has been seen */
    bool damaged;
};

enum frame_status frame_take(struct frame_reader *reader, uint8_t byte);

static inline uint8_t frame_length(const struct frame_reader *reader)
{
    return reader->content[0];
}

static inline uint8_t frame_sequence(const struct frame_reader *reader)
{
    return reader->content[1];
}

static inline uint8_t frame_type(const struct frame_reader *reader)
{
    return reader->content[2];
}

static inline const uint8_t *frame_payload(const struct frame_reader *reader)
{
    return reader->content + FRAME_HEAD;
}

/* Where the payload of a frame that is to be written goes. */
static inline uint8_t *frame_room(uint8_t out[FRAME_LONGEST])
{
    return out + 1 + FRAME_HEAD;
}

/* Make a frame, as it goes on the line, of a payload that is at its place already; returns the frame's length. */
uint8_t frame_write(uint8_t out[FRAME_LONGEST], uint8_t sequence, uint8_t type, uint8_t length);

#endif
