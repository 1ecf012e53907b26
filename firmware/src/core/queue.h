/* The strikes that wait for their time: first in, first out, since the host sends them in order. */
#ifndef XYLOPHONE_QUEUE_H
#define XYLOPHONE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define QUEUE_SLOTS 384

struct strike {
    uint32_t clock;
    uint16_t width; /* units of the wire */
    uint8_t channel;
};

/* Zero it to begin. */
struct queue {
    struct strike slots[QUEUE_SLOTS];
    uint16_t first, count;
};

static inline uint16_t queue_free(const struct queue *queue)
{
    return (uint16_t)(QUEUE_SLOTS - queue->count);
}

static inline uint16_t queue_place(const struct queue *queue, uint16_t number)
{
    uint16_t at = (uint16_t)(queue->first + number);
    return at < QUEUE_SLOTS ? at : (uint16_t)(at - QUEUE_SLOTS);
}

/* Add a strike at the end; there must be a free slot. */
static inline void queue_add(struct queue *queue, struct strike strike)
{
    queue->slots[queue_place(queue, queue->count)] = strike;
    queue->count++;
}

/* The oldest strike; and forget it. There must be one. */
static inline const struct strike *queue_first(const struct queue *queue)
{
    return &queue->slots[queue->first];
}

static inline void queue_drop_first(struct queue *queue)
{
    queue->first = queue_place(queue, 1);
    queue->count--;
}

/* The newest strike. There must be one. */
static inline const struct strike *queue_last(const struct queue *queue)
{
    return &queue->slots[queue_place(queue, (uint16_t)(queue->count - 1))];
}

/* Take back all strikes at or after a clock; returns how many. Halves the queue again and again: it is in order of time. */
static inline uint16_t queue_take_back(struct queue *queue, uint32_t clock)
{
    uint16_t before = queue->count, kept = 0, end = before;
    while (kept < end) {
        uint16_t middle = (uint16_t)((kept + end) / 2);
        if (clock_before(queue->slots[queue_place(queue, middle)].clock, clock))
            kept = (uint16_t)(middle + 1);
        else
            end = middle;
    }
    queue->count = kept;
    return (uint16_t)(before - kept);
}

static inline void queue_empty(struct queue *queue)
{
    queue->count = 0;
}

#endif
