/* CRC-16/X-25, a byte at a time and without a table, as avr-libc's _crc_ccitt_update reckons it. */
#ifndef XYLOPHONE_CRC_H
#define XYLOPHONE_CRC_H

#include <stdint.h>

#define CRC_START 0xFFFFu

/* The running value after one more byte; the checksum itself is the inverse of the last one. */
static inline uint16_t crc_add(uint16_t crc, uint8_t byte)
{
    byte = (uint8_t)(byte ^ crc);
    byte = (uint8_t)(byte ^ byte << 4);
    return (uint16_t)(((uint16_t)(byte << 8) | (crc >> 8)) ^ (uint8_t)(byte >> 4) ^ ((uint16_t)byte << 3));
}

#endif
