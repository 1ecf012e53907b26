#include "line.h"

#define BITS 10 /* a start bit, 8 bits, a stop bit */

/* The level of the line in one of the sender's bits; high where nothing is sent. */
static int level(const uint8_t *bytes, size_t count, double bit)
{
    if (bit < 0 || bit >= (double)(BITS * count))
        return 1;
    size_t n = (size_t)bit / BITS, place = (size_t)bit % BITS;
    if (place == 0 || place == BITS - 1)
        return place != 0;
    return bytes[n] >> (place - 1) & 1;
}

size_t line_hear(const uint8_t *bytes, size_t count, double sent_bit, double bit, double from, struct heard *heard, size_t room)
{
    size_t found = 0;
    for (double edge = 0; edge < (double)(BITS * count) && found < room; edge++) {
        double start = edge * sent_bit;
        if (start < from || !level(bytes, count, edge - 1) || level(bytes, count, (start + bit / 2) / sent_bit))
            continue; /* no start bit, or one that is too short */
        uint8_t byte = 0;
        for (int n = 0; n < 8; n++)
            byte |= (uint8_t)(level(bytes, count, (start + (1.5 + n) * bit) / sent_bit) << n);
        heard[found++] = (struct heard){start + BITS * bit, byte};
        from = start + (BITS - 0.5) * bit; /* from the middle of the stop bit it looks for the next edge */
    }
    return found;
}
