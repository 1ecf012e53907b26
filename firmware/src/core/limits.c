#include "limits.h"

#include "clock.h"
#include "messages.h"

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
    if (coil->phase == COIL_RESTING && coil_rested(coil, now))
        coil->phase = COIL_RESTED;
    for (; coil->spent && passed > UINT16_MAX; passed -= UINT16_MAX)
        cool(coil, UINT16_MAX);
    if (coil->spent)
        cool(coil, (uint16_t)passed);
}

bool coil_rested(const struct coil *coil, uint32_t at)
{
    if (coil->phase == COIL_RESTED)
        return true;
    uint32_t end = coil->off + (uint32_t)coil->rest * LINK_WIDTH_TICKS;
    return coil->phase == COIL_RESTING && clock_until(end, at) <= (int32_t)LIMITS_SLACK && clock_before(coil->off, at);
}

bool coil_cool(const struct coil *coil, uint32_t ticks)
{
    return ticks <= coil->capacity && coil->spent <= coil->capacity - ticks;
}
