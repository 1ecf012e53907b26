/* Numbers in payloads, little endian. */
#ifndef XYLOPHONE_WIRE_H
#define XYLOPHONE_WIRE_H

#include <stdint.h>

static inline uint16_t wire_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t wire_u32(const uint8_t *at)
{
    return wire_u16(at) | (uint32_t)wire_u16(at + 2) << 16;
}

static inline void wire_put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void wire_put_u32(uint8_t *at, uint32_t value)
{
    wire_put_u16(at, (uint16_t)value);
    wire_put_u16(at + 2, (uint16_t)(value >> 16));
}

#endif
