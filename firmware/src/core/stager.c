#include "stager.h"

#include "clock.h"
#include "messages.h"

#define NEVER INT32_MAX
#define EDGES_A_TURN 4
#define WAKE 3000u /* ticks that a board may sleep, and more */

/* Ticks until the next off edge. */
static int32_t next_off(const struct stager *stager, uint32_t now)
{
    return stager->on_count ? clock_until(stager->first_off, now) : NEVER;
}

/* Ticks until the first strike of the queue. */
static int32_t next_on(const struct stager *stager, const struct queue *queue, uint32_t now)
{
    if (!queue->count)
        return NEVER;
    int32_t left = clock_until(queue_first(queue)->clock, now);
    if (left > (int32_t)(STAGER_AHEAD + WAKE + LINK_GRID))
        return left; /* where exactly does not matter yet */
    struct snap group = stager->group;
    return clock_until(snap_on(&group, queue_first(queue)->clock), now);
}

/* Coils that are on at a tick, those that go off at about that time left out. */
static uint8_t on_at(const struct stager *stager, uint32_t at)
{
    uint8_t count = 0;
    for (uint8_t n = 0; n < stager->on_count; n++)
        if (clock_until(stager->coils[stager->running[n]].off, at) > (int32_t)LIMITS_SLACK)
            count++;
    return count;
}

static bool too_many(const struct stager *stager, uint32_t at)
{
    return stager->on_count >= stager->simultaneous && on_at(stager, at) >= stager->simultaneous;
}

/* Why a strike must not fire at a tick, or REFUSED_KINDS. */
static uint8_t objection(const struct stager *stager, const struct coil *coil, uint32_t at, uint32_t ticks, uint32_t now)
{
    if (clock_until(at, now) < (int32_t)STAGER_NOTICE || (stager->staged && !clock_before(stager->last, at)))
        return REFUSED_LATE;
    if (!coil_rested(coil, at))
        return REFUSED_REST;
    if (!coil_cool(coil, ticks))
        return REFUSED_HEAT;
    return too_many(stager, at) ? REFUSED_OVERLOAD : REFUSED_KINDS;
}

static void switch_on(struct stager *stager, uint8_t channel, uint32_t off, uint32_t ticks)
{
    struct coil *coil = &stager->coils[channel];
    coil->phase = COIL_ON;
    coil->off = off;
    coil->spent += ticks;
    if (!stager->on_count || clock_before(off, stager->first_off))
        stager->first_off = off;
    stager->running[stager->on_count++] = channel;
}

/* Shifting by a variable takes an AVR 200 cycles. */
#define B(n) (uint32_t)1 << (n), (uint32_t)2 << (n), (uint32_t)4 << (n), (uint32_t)8 << (n)
static const uint32_t BIT[32] = {B(0), B(4), B(8), B(12), B(16), B(20), B(24), B(28)};
#undef B

/* The strikes whose tick is the edge's, out of the queue: those that may fire go into the edge. */
static void take_on(struct stager *stager, struct queue *queue, struct staged *edge, uint32_t now, const struct stager_news *news)
{
    uint32_t at = edge->at;
    for (; queue->count; queue_drop_first(queue)) {
        const struct strike *strike = queue_first(queue);
        struct snap group = stager->group;
        if (snap_on(&group, strike->clock) != at)
            break;
        stager->group = group;
        struct coil *coil = &stager->coils[strike->channel];
        uint32_t off = snap_off(at, strike->width), ticks = off - at;
        coil_settle(coil, now);
        uint8_t reason = objection(stager, coil, at, ticks, now);
        if (reason != REFUSED_KINDS) {
            news->refused(news->context, strike->clock, reason, now);
            continue;
        }
        switch_on(stager, strike->channel, off, ticks);
        edge->on |= BIT[strike->channel];
        edge->count++;
    }
}

/* The coils that go off at `at` or should have gone before, as a mask; also finds who is next. */
static uint32_t take_off(struct stager *stager, uint32_t at)
{
    uint32_t mask = 0;
    if (!stager->on_count || clock_before(at, stager->first_off))
        return mask;
    int32_t next = NEVER;
    for (uint8_t n = 0; n < stager->on_count;) {
        uint8_t channel = stager->running[n];
        struct coil *coil = &stager->coils[channel];
        int32_t left = clock_until(coil->off, at);
        if (left > 0) {
            next = left < next ? left : next;
            n++;
            continue;
        }
        coil->phase = COIL_RESTING;
        stager->running[n] = stager->running[--stager->on_count];
        mask |= BIT[channel];
    }
    stager->first_off = at + (uint32_t)next;
    return mask;
}

static struct staged *edge_at(struct stager *stager, uint8_t number)
{
    uint8_t at = (uint8_t)(stager->first + number);
    return &stager->edges[at < STAGER_EDGES ? at : at - STAGER_EDGES];
}

/* Hand the first prepared edge over when its time has come; false when that is not so. */
static bool hand_over(struct stager *stager, struct board *board, uint32_t now, const struct stager_news *news)
{
    const uint8_t first = stager->first;
    struct staged *edge = &stager->edges[first];
    if (!stager->count || clock_until(edge->at, now) >= (int32_t)BOARD_HORIZON)
        return false;
    for (; edge->count && clock_until(edge->at, now) < (int32_t)BOARD_NOTICE; edge->count--)
        news->refused(news->context, edge->at, REFUSED_LATE, now);
    if (!edge->count)
        edge->on = 0;
    if (!board_edge(board, clock_before(edge->at, now) ? now : edge->at, edge->on, edge->off))
        return false;
    news->fired(news->context, edge->count);
    stager->first = first < STAGER_EDGES - 1 ? (uint8_t)(first + 1) : 0;
    stager->count--;
    return true;
}

/* One coil a turn, and the group and last edge, so that none of their times gets stale. */
static void settle(struct stager *stager, uint32_t now)
{
    coil_settle(&stager->coils[stager->turn], now);
    stager->turn = stager->turn ? (uint8_t)(stager->turn - 1) : CHANNELS - 1;
    if (stager->group.open && clock_until(now, stager->group.own) > (int32_t)LINK_JOIN)
        stager->group.open = false;
    if (stager->staged && clock_before(stager->last, now))
        stager->staged = false;
}

/* Ticks until the next edge. Where strikes are late, an off edge that is due goes before all of them. */
static int32_t next_edge(const struct stager *stager, const struct queue *queue, uint32_t now)
{
    int32_t off = next_off(stager, now), on = next_on(stager, queue, now);
    bool hurry = on < (int32_t)STAGER_NOTICE && off < (int32_t)(2 * STAGER_NOTICE);
    return off < on || hurry ? off : on;
}

/* Prepare the next edge; false when none is due, or there is no room. */
static bool prepare(struct stager *stager, struct queue *queue, uint32_t now, const struct stager_news *news)
{
    int32_t next = next_edge(stager, queue, now);
    if (next >= (int32_t)STAGER_AHEAD || stager->count == STAGER_EDGES)
        return false;
    struct staged *edge = edge_at(stager, stager->count);
    edge->at = now + (uint32_t)next;
    edge->on = edge->count = 0;
    edge->off = take_off(stager, edge->at);
    take_on(stager, queue, edge, now, news);
    if (edge->on | edge->off) {
        stager->last = edge->at;
        stager->staged = true;
        stager->count++;
    }
    return true;
}

bool stager_poll(struct stager *stager, struct queue *queue, struct board *board, uint32_t now, const struct stager_news *news)
{
    settle(stager, now);
    for (uint8_t n = 0; n < EDGES_A_TURN && prepare(stager, queue, now, news); n++)
        now = board_clock(board);
    while (hand_over(stager, board, now, news))
        now = board_clock(board);
    return stager->count || next_edge(stager, queue, now) < (int32_t)(STAGER_AHEAD + WAKE);
}

void stager_forget(struct stager *stager, uint32_t now)
{
    for (uint8_t n = 0; n < CHANNELS; n++) {
        struct coil *coil = &stager->coils[n];
        if (coil->phase == COIL_ON) {
            coil->phase = COIL_RESTING;
            coil->off = now;
        }
    }
    stager->on_count = 0;
    stager->count = 0;
    stager->staged = stager->group.open = false;
}
