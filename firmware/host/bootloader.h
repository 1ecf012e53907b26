/* A stand-in for the bootloader of an Arduino Mega, stk500v2: what it does with the line before the program starts, and
 * nothing of flashing. Times are ticks of 0.5 us. A test holds it to the real one.
 */
#ifndef XYLOPHONE_BOOTLOADER_H
#define XYLOPHONE_BOOTLOADER_H

#include <stdbool.h>
#include <stdint.h>

#define BOOTLOADER_BAUD 115200

struct bootloader {
    uint64_t leaves; /* when the program starts, if nothing arrives before */
    uint8_t place;   /* in a message: how many of its bytes have come, up to its token */
    uint8_t sum;
    uint16_t length, taken;
    uint8_t command;
    bool told; /* to leave: it takes no more bytes */
};

/* The processor was reset at a tick. */
void bootloader_start(struct bootloader *bootloader, uint64_t clock);

/* A byte has arrived at a tick, as it is heard at BOOTLOADER_BAUD. */
void bootloader_take(struct bootloader *bootloader, uint8_t byte, uint64_t clock);

/* When the program starts, if nothing arrives before. */
uint64_t bootloader_leaves(const struct bootloader *bootloader);

#endif
