#include "bootloader.h"

#define MS 2000u
#define WAITS (836u * MS)     /* for a session */
#define PATIENCE (5004u * MS) /* in one */
#define LEAVING (55u * MS)    /* after the command */

#define START 0x1B
#define TOKEN 0x0E
#define LEAVE 0x11 /* of programming mode */

enum { AT_START, AT_NUMBER, AT_SIZE_HIGH, AT_SIZE_LOW, AT_TOKEN, AT_CONTENT, AT_SUM };

void bootloader_start(struct bootloader *bootloader, uint64_t clock)
{
    *bootloader = (struct bootloader){.leaves = clock + WAITS};
}

/* One byte more of a message (Atmel AVR068); true when it was the last one and told to leave. */
static bool tells_to_leave(struct bootloader *b, uint8_t byte)
{
    uint8_t sum = b->sum;
    b->sum ^= byte;
    switch (b->place++) {
    case AT_START:
        b->sum = byte;
        if (byte != START)
            b->place = AT_START;
        break;
    case AT_SIZE_HIGH:
        b->length = (uint16_t)(byte << 8);
        break;
    case AT_SIZE_LOW:
        b->length |= byte;
        b->taken = 0;
        break;
    case AT_TOKEN:
        if (byte != TOKEN)
            b->place = AT_START;
        break;
    case AT_CONTENT:
        b->command = b->taken ? b->command : byte;
        if (++b->taken != b->length)
            b->place = AT_CONTENT;
        break;
    case AT_SUM:
        b->place = AT_START;
        return byte == sum && b->command == LEAVE;
    }
    return false;
}

void bootloader_take(struct bootloader *bootloader, uint8_t byte, uint64_t clock)
{
    if (bootloader->told || clock >= bootloader->leaves)
        return;
    bootloader->told = tells_to_leave(bootloader, byte);
    bootloader->leaves = clock + (bootloader->told ? LEAVING : PATIENCE);
}

uint64_t bootloader_leaves(const struct bootloader *bootloader)
{
    return bootloader->leaves;
}
