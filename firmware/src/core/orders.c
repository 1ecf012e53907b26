#include "orders.h"

#include "clock.h"
#include "crc.h"
#include "replies.h"
#include "wire.h"

#define CHANNELS_A_TURN 3
_Static_assert(CHANNELS % CHANNELS_A_TURN == 0, "order_check goes over all channels and no more");

bool order_fits(uint8_t type, uint8_t length, bool *sequenced)
{
    switch (type) {
#define ENTRY(name, code, size, numbered) \
    case code: \
        *sequenced = numbered; \
        return type == MSG_STRIKES ? length && length <= size && length % SIZE_STRIKE == 0 : length == size;
        LINK_MESSAGES_TO_BOARD(ENTRY)
#undef ENTRY
    default:
        return false;
    }
}

bool order_has_room(const struct core *core, uint8_t type, uint8_t length)
{
    return type != MSG_STRIKES || queue_free(&core->queue) >= length / SIZE_STRIKE;
}

void order_disarm(struct core *core, uint8_t fault)
{
    board_all_off(core->board);
    stager_forget(&core->stager, board_clock(core->board));
    queue_empty(&core->queue);
    core->marked = false;
    core->state &= (uint8_t)~STATE_ARMED;
    if (fault != FAULT_NONE)
        core->fault = fault;
}

void order_refuse(struct core *core, uint32_t clock, uint8_t reason, uint32_t now)
{
    struct counters *counters = &core->counters;
    if (counters->refused[reason] != UINT16_MAX)
        counters->refused[reason]++;
    if (reason == REFUSED_LATE && clock_before(clock, now) && now - clock > counters->worst_late)
        counters->worst_late = now - clock;
}

static void hello(struct core *core, const uint8_t *payload)
{
    order_disarm(core, FAULT_NONE);
    if (core->fault == FAULT_SILENT)
        core->fault = FAULT_NONE;
    core->counters = (struct counters){.least_notice = UINT32_MAX};
    core->nonce = wire_u32(payload + AT_HELLO_NONCE);
    core->next_sequence = 0;
    core->greeted = true;
    core->configuring = core->checking = false;
    core->replies = REPLY_HELLO;
    core->nak = NAK_NONE; /* what was wrong before is no matter of this conversation */
}

/* What may still be on, since the host fell silent, goes off: nothing is on without a limit. */
static void forget_configuration(struct core *core)
{
    order_disarm(core, FAULT_NONE);
    for (uint8_t n = 0; n < CHANNELS; n++) {
        struct coil *coil = &core->stager.coils[n];
        coil->longest = coil->rest = coil->refill = 0;
        coil->capacity = 0;
        board_limit(core->board, n, 0);
    }
    core->state &= (uint8_t)~STATE_CONFIGURED;
    core->config_crc = 0;
    core->configuring = true;
}

static void configure(struct core *core, const uint8_t *payload)
{
    uint8_t channel = payload[AT_CHANNEL_CONFIG_CHANNEL];
    if (core_armed(core))
        return;
    if (!core->configuring)
        forget_configuration(core);
    if (channel >= CHANNELS)
        return; /* COMMIT will not agree */
    const struct ceilings limits = {
        .capacity = wire_u32(payload + AT_CHANNEL_CONFIG_CAPACITY),
        .longest = wire_u16(payload + AT_CHANNEL_CONFIG_LONGEST),
        .refill = wire_u16(payload + AT_CHANNEL_CONFIG_REFILL),
        .rest = wire_u16(payload + AT_CHANNEL_CONFIG_REST),
    };
    coil_limit(&core->stager.coils[channel], limits, &core->identity.ceilings); /* where that changed one, COMMIT does not agree */
}

/* The checksum goes on over a channel's limits, as CHANNEL_CONFIG gives them. */
static uint16_t add_channel(uint16_t crc, const struct coil *coil, uint8_t channel)
{
    uint8_t row[SIZE_CHANNEL_CONFIG];
    row[AT_CHANNEL_CONFIG_CHANNEL] = channel;
    wire_put_u16(row + AT_CHANNEL_CONFIG_LONGEST, coil->longest);
    wire_put_u16(row + AT_CHANNEL_CONFIG_REST, coil->rest);
    wire_put_u16(row + AT_CHANNEL_CONFIG_REFILL, coil->refill);
    wire_put_u32(row + AT_CHANNEL_CONFIG_CAPACITY, coil->capacity);
    for (uint8_t k = 0; k < SIZE_CHANNEL_CONFIG; k++)
        crc = crc_add(crc, row[k]);
    return crc;
}

static void commit(struct core *core, const uint8_t *payload)
{
    if (core_armed(core))
        return;
    core->checking = true;
    core->checked = 0;
    core->crc = CRC_START;
    core->simultaneous = payload[AT_COMMIT_SIMULTANEOUS];
    core->claimed = wire_u16(payload + AT_COMMIT_CRC);
}

static void end_check(struct core *core)
{
    core->configuring = core->checking = false;
    uint16_t crc = (uint16_t)~crc_add(core->crc, core->simultaneous);
    if (crc != core->claimed) {
        forget_configuration(core);
        core->fault = FAULT_CONFIG;
        return;
    }
    for (uint8_t n = 0; n < CHANNELS; n++)
        board_limit(core->board, n, core->stager.coils[n].longest);
    core->stager.simultaneous = core->simultaneous;
    core->config_crc = crc;
    core->state |= STATE_CONFIGURED;
    if (core->fault == FAULT_CONFIG)
        core->fault = FAULT_NONE;
}

bool order_check(struct core *core)
{
    for (uint8_t n = 0; n < CHANNELS_A_TURN; n++, core->checked++)
        core->crc = add_channel(core->crc, &core->stager.coils[core->checked], core->checked);
    if (core->checked == CHANNELS)
        end_check(core);
    return true;
}

static void arm(struct core *core, const uint8_t *payload)
{
    bool latched = core->fault != FAULT_NONE && core->fault != FAULT_SILENT;
    if (latched || !(core->state & STATE_CONFIGURED) || wire_u32(payload + AT_ARM_BOOT) != core->identity.boot)
        return;
    core->fault = FAULT_NONE;
    core->state |= STATE_ARMED;
}

/* Why a strike that has arrived is not taken, or REFUSED_KINDS. */
static uint8_t objection(const struct core *core, const struct strike *strike, uint32_t now)
{
    if (!core_armed(core))
        return REFUSED_DISARMED;
    if (strike->channel >= CHANNELS || !core->stager.coils[strike->channel].longest)
        return REFUSED_CHANNEL;
    if (strike->width < LINK_SHORTEST_PULSE || strike->width > core->stager.coils[strike->channel].longest)
        return REFUSED_WIDTH;
    if (clock_until(strike->clock, now) < (int32_t)STAGER_NOTICE)
        return REFUSED_LATE;
    if (clock_until(strike->clock, now) > 0x40000000)
        return REFUSED_EARLY;
    if (core->marked && clock_before(strike->clock, core->order_mark))
        return REFUSED_ORDER;
    return snap_missed(&core->stager.group, strike->clock) ? REFUSED_ORDER : REFUSED_KINDS; /* it is staged already */
}

static void take_strike(struct core *core, const uint8_t *wire, uint32_t now)
{
    struct strike strike = {
        wire_u32(wire + AT_STRIKE_CLOCK),
        wire_u16(wire + AT_STRIKE_WIDTH),
        wire[AT_STRIKE_CHANNEL],
    };
    uint8_t reason = objection(core, &strike, now);
    if (reason != REFUSED_KINDS) {
        order_refuse(core, strike.clock, reason, now);
        return;
    }
    if (strike.clock - now < core->counters.least_notice)
        core->counters.least_notice = strike.clock - now;
    core->order_mark = strike.clock;
    core->marked = true;
    queue_add(&core->queue, strike);
}

static void take_strikes(struct core *core, const uint8_t *payload, uint8_t length)
{
    uint32_t now = board_clock(core->board);
    for (uint8_t at = 0; at < length; at = (uint8_t)(at + SIZE_STRIKE))
        take_strike(core, payload + at, now);
}

static void cancel(struct core *core, const uint8_t *payload)
{
    core->counters.cancelled += queue_take_back(&core->queue, wire_u32(payload + AT_CANCEL_CLOCK));
    core->marked = core->queue.count;
    if (core->marked)
        core->order_mark = queue_last(&core->queue)->clock;
}

static void clear(struct core *core)
{
    core->fault = FAULT_NONE;
}

static void sync(struct core *core, const uint8_t *payload)
{
    if (!core->stamped)
        return;
    core->sync_received = core->stamp;
    core->sync_token = wire_u16(payload + AT_SYNC_TOKEN);
    core->replies |= REPLY_SYNC;
}

void order_carry_out(struct core *core, uint8_t type, const uint8_t *payload, uint8_t length)
{
    switch (type) {
    case MSG_HELLO:
        hello(core, payload);
        break;
    case MSG_SYNC:
        sync(core, payload);
        break;
    case MSG_STATUS:
        core->replies |= REPLY_STATUS;
        break;
    case MSG_ESTOP:
        order_disarm(core, FAULT_STOPPED);
        core->replies |= REPLY_ACK;
        break;
    case MSG_CHANNEL_CONFIG:
        configure(core, payload);
        break;
    case MSG_COMMIT:
        commit(core, payload);
        break;
    case MSG_ARM:
        arm(core, payload);
        break;
    case MSG_DISARM:
        order_disarm(core, FAULT_NONE);
        break;
    case MSG_STRIKES:
        take_strikes(core, payload, length);
        break;
    case MSG_CANCEL:
        cancel(core, payload);
        break;
    case MSG_CLEAR:
        clear(core);
        break;
    }
}
