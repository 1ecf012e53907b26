/* Clocks wrap: before and after are told by the sign of the difference. Right within 18 minutes. */
#ifndef XYLOPHONE_CLOCK_H
#define XYLOPHONE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

static inline int32_t clock_until(uint32_t moment, uint32_t now)
{
    return (int32_t)(moment - now);
}

static inline bool clock_before(uint32_t one, uint32_t other)
{
    return clock_until(one, other) < 0;
}

#endif
