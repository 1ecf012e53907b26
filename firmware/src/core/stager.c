#include "stager.h"

#include "clock.h"
#include "messages.h"

#define NEVER INT32_MAX
#define WAKE 3000u /* ticks that a board may sleep, and more */

static struct staged *row(struct staged_line *line, uint8_t number)
{
    uint8_t at = (uint8_t)(line->first + number);
    return &line->rows[at < STAGER_EDGES ? at : at - STAGER_EDGES];
}

static void drop_first(struct staged_line *line)
{
    line->first = line->first < STAGER_EDGES - 1 ? (uint8_t)(line->first + 1) : 0;
    line->count--;
}

/* Ticks until a row of a line, if it has so many. */
static int32_t until(struct staged_line *line, uint8_t number, uint32_t now)
{
    return number < line->count ? clock_until(row(line, number)->at, now) : NEVER;
}

/* Where a tick belongs in a line: behind all rows that come before it, or at it. */
static uint8_t place_of(struct staged_line *line, uint32_t at)
{
    uint8_t place = line->count;
    while (place && clock_before(at, row(line, (uint8_t)(place - 1))->at))
        place--;
    return place;
}

/* The row of a tick whose place is known, or 0. */
static struct staged *same(struct staged_line *line, uint8_t place, uint32_t at)
{
    struct staged *before = place ? row(line, (uint8_t)(place - 1)) : 0;
    return before && before->at == at ? before : 0;
}

/* Put a coil into a line that has room. */
static void put(struct staged_line *line, uint8_t place, uint32_t at, uint32_t mask)
{
    struct staged *there = same(line, place, at);
    if (there) {
        there->mask |= mask;
        there->count++;
        there->handed = false;
        return;
    }
    for (uint8_t n = line->count++; n > place; n--)
        *row(line, n) = *row(line, (uint8_t)(n - 1));
    *row(line, place) = (struct staged){at, mask, 1, false};
}

/* Whether a coil cannot go off at a tick of its own, since so many others go off within a millisecond of it that
 * handing all of them over in time could not be promised. */
static bool crowded(struct staged_line *line, uint8_t place, uint32_t at)
{
    uint8_t near = 0;
    for (uint8_t n = place; n && clock_until(at, row(line, (uint8_t)(n - 1))->at) < (int32_t)STAGER_CROWD; n--)
        near++;
    for (uint8_t n = place; n < line->count && clock_until(row(line, n)->at, at) < (int32_t)STAGER_CROWD; n++)
        near++;
    return near >= STAGER_MOST || line->count == STAGER_EDGES;
}

/* Whether as many coils are on at a tick as may be, those that go off at about that time left out. */
static bool too_many(struct stager *stager, uint32_t at)
{
    uint8_t count = stager->running;
    for (uint8_t n = 0; count >= stager->simultaneous && n < stager->off.count; n++) {
        const struct staged *off = row(&stager->off, n);
        if (clock_until(off->at, at) > (int32_t)LIMITS_SLACK)
            return true;
        count = (uint8_t)(count - off->count);
    }
    return count >= stager->simultaneous;
}

/* Why a strike must not fire at a tick, or REFUSED_KINDS. */
static uint8_t objection(struct stager *stager, const struct coil *coil, uint32_t at, uint32_t ticks, uint32_t now)
{
    if (clock_until(at, now) < (int32_t)STAGER_NOTICE)
        return REFUSED_LATE;
    if (!coil_rested(coil, at))
        return REFUSED_REST;
    if (!coil_cool(coil, ticks))
        return REFUSED_HEAT;
    return too_many(stager, at) ? REFUSED_OVERLOAD : REFUSED_KINDS;
}

/* 1 << channel; shifting by a variable takes an AVR 200 cycles. */
static uint32_t bit(uint8_t channel)
{
    static const uint8_t BITS[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    uint32_t mask = BITS[channel & 7];
    switch (channel >> 3) {
    case 0:
        return mask;
    case 1:
        return mask << 8;
    case 2:
        return mask << 16;
    default:
        return mask << 24;
    }
}

/* Why a strike that may fire cannot be prepared, or REFUSED_KINDS; if it can, it is. */
static uint8_t stage(struct stager *stager, uint8_t channel, uint32_t at, uint32_t off)
{
    uint8_t place = place_of(&stager->off, off);
    if (!same(&stager->off, place, off) && crowded(&stager->off, place, off))
        return REFUSED_LATE;
    put(&stager->on, stager->on.count, at, bit(channel));
    put(&stager->off, place, off, bit(channel));
    if (place < stager->handed + 1)
        stager->handed = place ? (uint8_t)(place - 1) : 0; /* to be looked at again */
    stager->running++;
    coil_strike(&stager->coils[channel], at, off);
    return REFUSED_KINDS;
}

/* The first strike out of the queue: prepared, or refused. False when its time has not come, or there is no room. */
static bool prepare(struct stager *stager, struct queue *queue, uint32_t now, const struct stager_news *news)
{
    if (!queue->count || clock_until(queue_first(queue)->clock, now) >= (int32_t)STAGER_AHEAD)
        return false;
    const struct strike *strike = queue_first(queue);
    struct snap group = stager->group;
    uint32_t at = snap_on(&group, strike->clock), off = snap_off(at, strike->width);
    struct coil *coil = &stager->coils[strike->channel];
    coil_settle(coil, now);
    uint8_t reason = objection(stager, coil, at, off - at, now);
    if (reason == REFUSED_KINDS) {
        if (stager->on.count == STAGER_EDGES && !same(&stager->on, STAGER_EDGES, at))
            return false;
        reason = stage(stager, strike->channel, at, off);
    }
    if (reason != REFUSED_KINDS)
        news->refused(news->context, strike->clock, reason, now);
    stager->group = group;
    queue_drop_first(queue);
    return true;
}

/* Ticks until the first end of a pulse that is not handed over. */
static int32_t until_off(struct stager *stager, uint32_t now)
{
    while (stager->handed < stager->off.count && row(&stager->off, stager->handed)->handed)
        stager->handed++;
    return until(&stager->off, stager->handed, now);
}

/* Hand that one over, to be carried out at once when it should have been. */
static bool hand_off(struct stager *stager, struct board *board, uint32_t now)
{
    struct staged *off = row(&stager->off, stager->handed);
    off->handed = board_edge(board, clock_before(off->at, now) ? now : off->at, 0, off->mask);
    return off->handed;
}

/* Forget pulses that have ended. */
static void drop_past(struct stager *stager, uint32_t now)
{
    while (stager->handed && until(&stager->off, 0, now) < 0) {
        stager->running = (uint8_t)(stager->running - row(&stager->off, 0)->count);
        drop_first(&stager->off);
        stager->handed--;
    }
}

/* Hand over the first coils that go on; or refuse them, when they come too late. Those count as on all the same until
 * they would have gone off. */
static bool hand_on(struct stager *stager, struct board *board, uint32_t now, const struct stager_news *news)
{
    const struct staged *on = row(&stager->on, 0);
    if (clock_until(on->at, now) < (int32_t)BOARD_NOTICE) {
        for (uint8_t n = 0; n < on->count; n++)
            news->refused(news->context, on->at, REFUSED_LATE, now);
    } else {
        if (!board_edge(board, on->at, on->mask, 0))
            return false;
        news->fired(news->context, on->count);
    }
    drop_first(&stager->on);
    return true;
}

/* What has passed, so that no time gets stale: of coils one a turn. */
static void settle(struct stager *stager, uint32_t now)
{
    drop_past(stager, now);
    coil_settle(&stager->coils[stager->turn], now);
    stager->turn = stager->turn ? (uint8_t)(stager->turn - 1) : CHANNELS - 1;
    if (stager->group.open && clock_until(now, stager->group.own) > (int32_t)LINK_JOIN)
        stager->group.open = false;
}

bool stager_poll(struct stager *stager, struct queue *queue, struct board *board, uint32_t now, const struct stager_news *news)
{
    const uint32_t begin = now;
    settle(stager, now);
    while (until_off(stager, now) < (int32_t)(now - begin < STAGER_TURN ? BOARD_HORIZON : STAGER_URGENT) &&
           hand_off(stager, board, now))
        now = board_clock(board);
    while (now - begin < STAGER_TURN && until(&stager->on, 0, now) < (int32_t)BOARD_HORIZON &&
           hand_on(stager, board, now, news))
        now = board_clock(board);
    while (now - begin < STAGER_TURN && prepare(stager, queue, now, news))
        now = board_clock(board);
    return stager->on.count || until_off(stager, now) < (int32_t)(BOARD_HORIZON + WAKE) ||
        (queue->count && clock_until(queue_first(queue)->clock, now) < (int32_t)(STAGER_AHEAD + WAKE));
}

void stager_forget(struct stager *stager, uint32_t now)
{
    for (uint8_t n = 0; n < CHANNELS; n++)
        coil_stop(&stager->coils[n], now);
    stager->on.count = stager->off.count = stager->handed = stager->running = 0;
    stager->group.open = false;
}
