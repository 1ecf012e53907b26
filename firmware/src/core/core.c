#include "core.h"

#include "clock.h"
#include "orders.h"
#include "replies.h"

#define BYTES_A_TURN 16
#define TALK 300u    /* ticks after which a turn begins nothing more that is not an edge */
#define MOST_TALK 4  /* things a turn */

void core_init(struct core *core, struct board *board, struct identity identity)
{
    uint32_t spent[CHANNELS];
    for (uint8_t n = 0; n < CHANNELS; n++)
        spent[n] = identity.cause & CAUSE_WARM ? core->stager.coils[n].spent : 0;
    *core = (struct core){.board = board, .identity = identity};
    core->counters.least_notice = UINT32_MAX;
    core->next_boot = core->last_heard = board_clock(board);
    for (uint8_t n = 0; n < CHANNELS; n++) {
        coil_begin(&core->stager.coils[n], spent[n], core->last_heard);
        board_limit(board, n, 0);
    }
}

static void count(uint16_t *counter, uint16_t more)
{
    *counter = *counter > UINT16_MAX - more ? UINT16_MAX : (uint16_t)(*counter + more);
}

/* The first reason not to take a frame is told: those that follow are out of sequence because of it. */
static void answer(struct core *core, uint8_t nak)
{
    if (core->nak == NAK_NONE)
        core->nak = nak;
    core->replies |= REPLY_ACK;
}

static void take_damage(struct core *core)
{
    count(&core->counters.damaged, 1);
    if (core->greeted)
        answer(core, NAK_DAMAGED);
}

/* A sequenced frame: carried out when it is the next one, answered in any case. */
static void take_sequenced(struct core *core, uint8_t type, uint8_t length)
{
    uint8_t ahead = (uint8_t)(frame_sequence(&core->reader) - core->next_sequence) & 127;
    if (!core->greeted || (ahead && ahead < 64)) {
        count(&core->counters.gaps, 1);
        answer(core, NAK_GAP);
    } else if (ahead) {
        answer(core, NAK_NONE); /* taken before: its answer was lost */
    } else if (!order_has_room(core, type, length)) {
        answer(core, NAK_FULL);
    } else {
        core->next_sequence = (core->next_sequence + 1) & 127;
        order_carry_out(core, type, frame_payload(&core->reader), length);
        answer(core, NAK_NONE);
    }
}

static void take_frame(struct core *core)
{
    uint8_t type = frame_type(&core->reader), length = frame_length(&core->reader);
    bool sequenced = false, numbered = !(frame_sequence(&core->reader) & LINK_UNSEQUENCED);
    if (!order_fits(type, length, &sequenced) || sequenced != numbered) {
        take_damage(core);
        return;
    }
    core->last_heard = board_clock(core->board);
    if (sequenced)
        take_sequenced(core, type, length);
    else
        order_carry_out(core, type, frame_payload(&core->reader), length);
}

/* Some bytes, up to the end of a frame; true when there were any. */
static bool receive(struct core *core)
{
    for (uint8_t n = 0; n < BYTES_A_TURN; n++) {
        int16_t byte = board_receive(core->board);
        if (byte < 0)
            return n;
        core->frame = frame_take(&core->reader, (uint8_t)byte);
        if (core->frame != FRAME_MORE) {
            core->stamped = board_stamp(core->board, &core->stamp);
            break;
        }
    }
    return true;
}

/* The frame whose end was received. */
static bool take(struct core *core)
{
    if (core->frame == FRAME_READY)
        take_frame(core);
    else
        take_damage(core);
    core->frame = FRAME_MORE;
    return true;
}

/* One thing that takes its time, of those that the link asks for; true when there was one. */
static bool converse(struct core *core)
{
    if (core->checking)
        return order_check(core);
    if (core->frame != FRAME_MORE)
        return take(core);
    core->answering = core->replies && !core->answering;
    return core->answering ? replies_send(core) : receive(core);
}

static void on_refused(void *context, uint32_t clock, uint8_t reason, uint32_t now)
{
    order_refuse(context, clock, reason, now);
}

static void on_fired(void *context, uint8_t count)
{
    ((struct core *)context)->counters.fired += count;
}

/* What happened below the core, and what has not happened for too long. */
static void watch(struct core *core, uint32_t now)
{
    uint8_t tripped = board_tripped(core->board);
    if (tripped & TRIPPED_SUPERVISOR)
        count(&core->counters.forced, 1);
    if (tripped)
        order_disarm(core, tripped & TRIPPED_SUPERVISOR ? FAULT_STUCK : FAULT_STOPPED);
    count(&core->counters.overruns, board_overruns(core->board));
    if (core_armed(core) && now - core->last_heard >= LINK_SILENCE) {
        queue_empty(&core->queue);
        core->marked = false;
        core->state &= (uint8_t)~STATE_ARMED;
        core->fault = FAULT_SILENT;
    }
    if (core->marked && clock_before(core->order_mark, now))
        core->marked = false; /* what comes before it would be late anyway; and it must not get stale */
    if (!core->greeted && !clock_before(now, core->next_boot)) {
        core->next_boot = now + LINK_BOOT_EVERY;
        core->replies |= REPLY_BOOT;
    }
}

bool core_poll(struct core *core)
{
    const struct stager_news news = {on_refused, on_fired, core};
    uint32_t begin = board_clock(core->board);
    board_alive(core->board);
    watch(core, begin);
    bool busy = stager_poll(&core->stager, &core->queue, core->board, begin, &news);
    for (uint8_t n = 0; n < MOST_TALK && board_clock(core->board) - begin < TALK && converse(core); n++)
        busy = true;
    uint32_t took = board_clock(core->board) - begin;
    if (took > core->counters.slowest_loop)
        core->counters.slowest_loop = took < UINT16_MAX ? (uint16_t)took : UINT16_MAX;
    return busy;
}
