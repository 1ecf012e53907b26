/* The line between two ends that may disagree about its baud rate. */
#ifndef XYLOPHONE_LINE_H
#define XYLOPHONE_LINE_H

#include <stddef.h>
#include <stdint.h>

struct heard {
    double at; /* when its stop bit ends */
    uint8_t byte;
};

/* What a receiver makes of bytes that are sent one right after the other, from time 0 on, when it listens from a time
 * on: at most so many, returns how many. A bit of the sender's and one of the receiver's take so long. */
size_t line_hear(const uint8_t *bytes, size_t count, double sent_bit, double bit, double from, struct heard *heard, size_t room);

#endif
