#include "limits.h"

#include "clock.h"
#include "crc.h"
#include "messages.h"
#include "wire.h"

const struct ceilings CEILINGS = {LINK_MOST_CAPACITY, LINK_LONGEST_PULSE, LINK_MOST_REFILL, LINK_LEAST_REST};

struct ceilings ceilings_of(const uint8_t record[CEILINGS_SIZE])
{
    uint16_t crc = CRC_START;
    for (uint8_t n = 0; n < CEILINGS_SIZE - 2; n++)
        crc = crc_add(crc, record[n]);
    crc = (uint16_t)~crc;
    if (crc != wire_u16(record + CEILINGS_SIZE - 2))
        return CEILINGS;
    struct coil coil;
    coil_limit(&coil, (struct ceilings){wire_u32(record + 6), wire_u16(record), wire_u16(record + 4), wire_u16(record + 2)}, &CEILINGS);
    return (struct ceilings){coil.capacity, coil.longest, coil.refill, coil.rest};
}

void coil_begin(struct coil *coil, uint32_t spent, uint32_t now)
{
    coil->spent = spent < CEILINGS.capacity ? spent : CEILINGS.capacity;
    coil->settled = now;
}

void coil_limit(struct coil *coil, struct ceilings limits, const struct ceilings *ceilings)
{
    coil->capacity = limits.capacity < ceilings->capacity ? limits.capacity : ceilings->capacity;
    coil->longest = limits.longest < ceilings->longest ? limits.longest : ceilings->longest;
    coil->refill = limits.refill < ceilings->refill ? limits.refill : ceilings->refill;
    coil->rest = limits.rest > ceilings->rest ? limits.rest : ceilings->rest;
}

static void cool(struct coil *coil, uint16_t ticks)
{
    uint32_t back = coil->fraction + (uint32_t)ticks * coil->refill;
    coil->fraction = (uint16_t)back;
    back >>= 16;
    coil->spent = back < coil->spent ? coil->spent - back : 0;
}

void coil_settle(struct coil *coil, uint32_t now)
{
    uint32_t passed = now - coil->settled;
    coil->settled = now;
    if (coil->struck && coil_rested(coil, now))
        coil->struck = false;
    for (; coil->spent && passed > UINT16_MAX; passed -= UINT16_MAX)
        cool(coil, UINT16_MAX);
    if (coil->spent)
        cool(coil, (uint16_t)passed);
}

bool coil_rested(const struct coil *coil, uint32_t at)
{
    if (!coil->struck)
        return true;
    uint32_t end = coil->off + (uint32_t)coil->rest * LINK_WIDTH_TICKS;
    return clock_until(end, at) <= (int32_t)LIMITS_SLACK && clock_before(coil->off, at);
}

bool coil_cool(const struct coil *coil, uint32_t ticks)
{
    return ticks <= coil->capacity && coil->spent <= coil->capacity - ticks;
}

void coil_strike(struct coil *coil, uint32_t on, uint32_t off)
{
    coil->struck = true;
    coil->off = off;
    coil->spent += off - on;
}

void coil_stop(struct coil *coil, uint32_t now)
{
    if (coil->struck && clock_before(now, coil->off))
        coil->off = now;
}
