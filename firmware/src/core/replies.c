#include "replies.h"

#include "version.h"
#include "wire.h"

/* Numbers of one kind and the boot id lie at the same places in BOOT and HELLO_REPLY. */
_Static_assert(SIZE_BOOT == SIZE_HELLO_REPLY && AT_BOOT_NONCE == AT_HELLO_REPLY_NONCE, "one writer for both");

/* The nonce is 0 until HELLO, and BOOT is said until then. */
static uint8_t put_identity(const struct core *core, uint8_t *out)
{
    wire_put_u32(out + AT_BOOT_BOOT, core->identity.boot);
    out[AT_BOOT_PROTOCOL] = LINK_PROTOCOL;
    wire_put_u16(out + AT_BOOT_VERSION, FIRMWARE_VERSION_MAJOR << 8 | FIRMWARE_VERSION_MINOR);
    out[AT_BOOT_BOARD] = core->identity.board;
    out[AT_BOOT_CHANNELS] = CHANNELS;
    wire_put_u32(out + AT_BOOT_TICK_RATE, LINK_TICK_RATE);
    wire_put_u16(out + AT_BOOT_SLOTS, QUEUE_SLOTS);
    wire_put_u16(out + AT_BOOT_LONGEST, core->identity.ceilings.longest);
    out[AT_BOOT_CAUSE] = core->identity.cause;
    wire_put_u16(out + AT_BOOT_CONFIG_CRC, core->config_crc);
    wire_put_u32(out + AT_BOOT_NONCE, core->nonce);
    return SIZE_BOOT;
}

static uint8_t put_ack(const struct core *core, uint8_t *out)
{
    wire_put_u16(out + AT_ACK_FREE, queue_free(&core->queue));
    out[AT_ACK_NAK] = core->nak;
    out[AT_ACK_STATE] = core->state;
    out[AT_ACK_FAULT] = core->fault;
    return SIZE_ACK;
}

static uint16_t refused(const struct counters *counters)
{
    uint16_t sum = 0;
    for (uint8_t n = 0; n < REFUSED_KINDS; n++)
        sum = (uint16_t)(sum + counters->refused[n]);
    return sum;
}

static uint8_t put_sync(const struct core *core, uint8_t *out)
{
    wire_put_u16(out + AT_SYNC_REPLY_TOKEN, core->sync_token);
    wire_put_u32(out + AT_SYNC_REPLY_RECEIVED, core->sync_received);
    wire_put_u32(out + AT_SYNC_REPLY_SENT, board_clock(core->board));
    wire_put_u16(out + AT_SYNC_REPLY_BOOT, (uint16_t)core->identity.boot);
    wire_put_u16(out + AT_SYNC_REPLY_FREE, queue_free(&core->queue));
    out[AT_SYNC_REPLY_STATE] = core->state;
    out[AT_SYNC_REPLY_FAULT] = core->fault;
    wire_put_u16(out + AT_SYNC_REPLY_FIRED, (uint16_t)core->counters.fired);
    wire_put_u16(out + AT_SYNC_REPLY_REFUSED, refused(&core->counters));
    return SIZE_SYNC_REPLY;
}

_Static_assert(AT_STATUS_REPLY_DISARMED == AT_STATUS_REPLY_CHANNEL + 2 * REFUSED_DISARMED, "one counter after the other");

static uint8_t put_status(const struct core *core, uint8_t *out)
{
    const struct counters *counters = &core->counters;
    wire_put_u32(out + AT_STATUS_REPLY_FIRED, counters->fired);
    wire_put_u32(out + AT_STATUS_REPLY_CANCELLED, counters->cancelled);
    for (uint8_t n = 0; n < REFUSED_KINDS; n++)
        wire_put_u16(out + AT_STATUS_REPLY_CHANNEL + 2 * n, counters->refused[n]);
    wire_put_u16(out + AT_STATUS_REPLY_DAMAGED, counters->damaged);
    wire_put_u16(out + AT_STATUS_REPLY_GAPS, counters->gaps);
    wire_put_u16(out + AT_STATUS_REPLY_OVERRUNS, counters->overruns);
    wire_put_u16(out + AT_STATUS_REPLY_FORCED, counters->forced);
    wire_put_u32(out + AT_STATUS_REPLY_WORST_LATE, counters->worst_late);
    wire_put_u32(out + AT_STATUS_REPLY_LEAST_NOTICE, counters->least_notice);
    wire_put_u16(out + AT_STATUS_REPLY_SLOWEST_LOOP, counters->slowest_loop);
    return SIZE_STATUS_REPLY;
}

static const struct {
    uint8_t reply, type;
    uint8_t (*put)(const struct core *core, uint8_t *out); /* writes the payload, returns its length */
} WRITERS[] = {
    {REPLY_ACK, MSG_ACK, put_ack},
    {REPLY_SYNC, MSG_SYNC_REPLY, put_sync},
    {REPLY_HELLO, MSG_HELLO_REPLY, put_identity},
    {REPLY_STATUS, MSG_STATUS_REPLY, put_status},
    {REPLY_BOOT, MSG_BOOT, put_identity},
};

bool replies_send(struct core *core)
{
    if (!core->replies || board_send_room(core->board) < FRAME_LONGEST)
        return false;
    uint8_t first = 0;
    while (!(core->replies & WRITERS[first].reply))
        first++;
    uint8_t out[FRAME_LONGEST], length = WRITERS[first].put(core, frame_room(out));
    length = frame_write(out, core->next_sequence, WRITERS[first].type, length);
    board_send(core->board, out, length);
    core->replies &= (uint8_t)~WRITERS[first].reply;
    if (WRITERS[first].reply == REPLY_ACK)
        core->nak = NAK_NONE;
    return true;
}
