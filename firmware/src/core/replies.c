#include "replies.h"

#include "version.h"
#include "wire.h"

/* Numbers of one kind and the boot id lie at the same places in BOOT and HELLO_REPLY. */
_Static_assert(SIZE_BOOT == SIZE_HELLO_REPLY && AT_BOOT_NONCE == AT_HELLO_REPLY_NONCE, "one writer for both");

static uint8_t put_identity(const struct core *core, uint8_t *out, uint32_t nonce)
{
    wire_put_u32(out + AT_BOOT_BOOT, core->identity.boot);
    out[AT_BOOT_PROTOCOL] = LINK_PROTOCOL;
    wire_put_u16(out + AT_BOOT_VERSION, FIRMWARE_VERSION_MAJOR << 8 | FIRMWARE_VERSION_MINOR);
    out[AT_BOOT_BOARD] = core->identity.board;
    out[AT_BOOT_CHANNELS] = CHANNELS;
    wire_put_u32(out + AT_BOOT_TICK_RATE, LINK_TICK_RATE);
    wire_put_u16(out + AT_BOOT_SLOTS, QUEUE_SLOTS);
    wire_put_u16(out + AT_BOOT_LONGEST, LINK_LONGEST_PULSE);
    out[AT_BOOT_CAUSE] = core->identity.cause;
    wire_put_u16(out + AT_BOOT_CONFIG_CRC, core->config_crc);
    wire_put_u32(out + AT_BOOT_NONCE, nonce);
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

/* Write the payload of a reply; returns its length. */
static uint8_t put(const struct core *core, uint8_t reply, uint8_t *out)
{
    switch (reply) {
    case REPLY_ACK:
        return put_ack(core, out);
    case REPLY_SYNC:
        return put_sync(core, out);
    case REPLY_HELLO:
        return put_identity(core, out, core->nonce);
    case REPLY_STATUS:
        return put_status(core, out);
    default:
        return put_identity(core, out, 0);
    }
}

static uint8_t type_of(uint8_t reply)
{
    switch (reply) {
    case REPLY_ACK:
        return MSG_ACK;
    case REPLY_SYNC:
        return MSG_SYNC_REPLY;
    case REPLY_HELLO:
        return MSG_HELLO_REPLY;
    case REPLY_STATUS:
        return MSG_STATUS_REPLY;
    default:
        return MSG_BOOT;
    }
}

bool replies_send(struct core *core)
{
    if (!core->replies || board_send_room(core->board) < FRAME_LONGEST)
        return false;
    uint8_t reply = core->replies & (uint8_t)-core->replies; /* the lowest bit */
    uint8_t payload[LINK_LONGEST_PAYLOAD], out[FRAME_LONGEST];
    uint8_t length = put(core, reply, payload);
    length = frame_write(out, core->next_sequence, type_of(reply), payload, length);
    for (uint8_t n = 0; n < length; n++)
        board_send(core->board, out[n]);
    core->replies &= (uint8_t)~reply;
    if (reply == REPLY_ACK)
        core->nak = NAK_NONE;
    return true;
}
