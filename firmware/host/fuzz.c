/* Throws frames at the core: good ones, good ones that were damaged, and noise; and holds it to what must never happen.
 *
 *   fuzz [frames [seed]]
 *
 * A coil is never on twice, never longer than the longest pulse that was ever configured, and never more of them
 * at once than the limit; nothing goes on while the board is not armed. Ends with 0, or says what happened and aborts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/core.h"
#include "../src/core/crc.h"
#include "../src/core/wire.h"
#include "host.h"

#define LONGEST 5000u /* units of 2 us: 10 ms */
#define SIMULTANEOUS 6
#define BOOT 0x1234u

static uint64_t state;

static uint32_t chance(void)
{
    state ^= state << 13; /* xorshift, Marsaglia 2003 */
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static uint32_t below(uint32_t bound)
{
    return chance() % bound;
}

struct fuzz {
    struct host *host;
    uint64_t since[CHANNELS]; /* tick at which a coil went on */
    uint32_t on;
    uint8_t next;             /* sequence byte */
    uint32_t pulses;
};

static void fail(const struct fuzz *fuzz, const char *what)
{
    fprintf(stderr, "tick %llu: %s\n", (unsigned long long)host_clock(fuzz->host), what);
    abort();
}

static void check_off(struct fuzz *fuzz, const struct host_edge *edge)
{
    if (edge->off & ~fuzz->on)
        fail(fuzz, "a coil went off that was not on");
    for (uint8_t n = 0; n < CHANNELS; n++)
        if (edge->off >> n & 1) {
            fuzz->pulses++;
            if (edge->clock - fuzz->since[n] > LONGEST * LINK_WIDTH_TICKS)
                fail(fuzz, "a coil was on for longer than its longest pulse");
        }
    fuzz->on &= ~edge->off;
}

static void check_on(struct fuzz *fuzz, const struct host_edge *edge, bool armed)
{
    if (!edge->on)
        return;
    if (edge->on & fuzz->on)
        fail(fuzz, "a coil went on that was on");
    if (!armed)
        fail(fuzz, "a coil went on while the board was not armed");
    for (uint8_t n = 0; n < CHANNELS; n++)
        if (edge->on >> n & 1)
            fuzz->since[n] = edge->clock;
    fuzz->on |= edge->on;
    if (__builtin_popcount(fuzz->on) > SIMULTANEOUS + 1) /* one may end within the slack of snapping */
        fail(fuzz, "too many coils were on at once");
}

/* Let time pass, and look at all edges. Arming and disarming happen at the arrival of a frame only, or by silence. */
static void pass(struct fuzz *fuzz, uint64_t ticks)
{
    bool armed = host_armed(fuzz->host);
    uint64_t end = host_clock(fuzz->host) + ticks;
    host_advance(fuzz->host, host_clock(fuzz->host) + 600); /* takes what has arrived */
    armed |= host_armed(fuzz->host);
    host_advance(fuzz->host, end);
    size_t count;
    const struct host_edge *edges = host_edges(fuzz->host, &count);
    for (size_t n = 0; n < count; n++) {
        check_off(fuzz, &edges[n]);
        check_on(fuzz, &edges[n], armed);
    }
    host_forget_edges(fuzz->host);
    uint8_t said[1024];
    while (host_sent(fuzz->host, said, sizeof said))
        ;
}

static void send(struct fuzz *fuzz, uint8_t sequence, uint8_t type, const uint8_t *payload, uint8_t length, bool damaged)
{
    uint8_t out[FRAME_LONGEST + 1];
    memcpy(frame_room(out), payload, length);
    size_t count = frame_write(out, sequence, type, length);
    if (damaged) {
        uint32_t place = below((uint32_t)count);
        switch (below(3)) {
        case 0:
            out[place] ^= (uint8_t)(1u << below(8));
            break;
        case 1:
            memmove(out + place, out + place + 1, count - place - 1);
            count--;
            break;
        default:
            memmove(out + place + 1, out + place, count - place);
            out[place] = (uint8_t)chance();
            count++;
        }
    }
    host_receive(fuzz->host, out, count, host_clock(fuzz->host));
}

/* As a host that means well; the board may have lost what came before. */
static void send_next(struct fuzz *fuzz, uint8_t type, const uint8_t *payload, uint8_t length)
{
    send(fuzz, fuzz->next, type, payload, length, false);
    fuzz->next = (fuzz->next + 1) & 127;
    pass(fuzz, 20);
}

static void begin(struct fuzz *fuzz)
{
    uint8_t payload[SIZE_CHANNEL_CONFIG] = {0};
    send(fuzz, LINK_UNSEQUENCED, MSG_HELLO, payload, SIZE_HELLO, false);
    pass(fuzz, 20);
    fuzz->next = 0;
    send_next(fuzz, MSG_CLEAR, payload, 0);
    uint16_t crc = CRC_START;
    for (uint8_t n = 0; n < CHANNELS; n++) {
        payload[AT_CHANNEL_CONFIG_CHANNEL] = n;
        wire_put_u16(payload + AT_CHANNEL_CONFIG_LONGEST, (uint16_t)(LONGEST - below(2) * 1000));
        wire_put_u16(payload + AT_CHANNEL_CONFIG_REST, (uint16_t)(LINK_LEAST_REST + below(1000)));
        wire_put_u16(payload + AT_CHANNEL_CONFIG_REFILL, (uint16_t)below(LINK_MOST_REFILL + 1));
        wire_put_u32(payload + AT_CHANNEL_CONFIG_CAPACITY, below(4000000));
        for (uint8_t k = 0; k < SIZE_CHANNEL_CONFIG; k++)
            crc = crc_add(crc, payload[k]);
        send_next(fuzz, MSG_CHANNEL_CONFIG, payload, SIZE_CHANNEL_CONFIG);
    }
    payload[AT_COMMIT_SIMULTANEOUS] = SIMULTANEOUS;
    wire_put_u16(payload + AT_COMMIT_CRC, (uint16_t)~crc_add(crc, SIMULTANEOUS));
    send_next(fuzz, MSG_COMMIT, payload, SIZE_COMMIT);
    wire_put_u32(payload + AT_ARM_BOOT, BOOT);
    send_next(fuzz, MSG_ARM, payload, SIZE_ARM);
}

static uint8_t write_strikes(const struct fuzz *fuzz, uint8_t *payload)
{
    uint8_t count = (uint8_t)(1 + below(LINK_STRIKES_IN_FRAME));
    uint32_t clock = (uint32_t)host_clock(fuzz->host) + below(20000);
    for (uint8_t n = 0; n < count; n++) {
        uint8_t *strike = payload + n * SIZE_STRIKE;
        clock += below(3) ? below(60) : below(20000);
        wire_put_u32(strike + AT_STRIKE_CLOCK, below(50) ? clock : chance());
        strike[AT_STRIKE_CHANNEL] = (uint8_t)below(32);
        wire_put_u16(strike + AT_STRIKE_WIDTH, (uint16_t)(below(20) ? 50 + below(LONGEST) : chance()));
    }
    return (uint8_t)(count * SIZE_STRIKE);
}

/* Any message but those that would give the board other limits. */
static void send_any(struct fuzz *fuzz)
{
    static const uint8_t TYPES[] = {MSG_SYNC, MSG_STATUS, MSG_ARM, MSG_DISARM, MSG_CANCEL, MSG_CLEAR, MSG_ESTOP, MSG_HELLO};
    static const uint8_t SIZES[] = {SIZE_SYNC, SIZE_STATUS, SIZE_ARM, SIZE_DISARM, SIZE_CANCEL, SIZE_CLEAR, SIZE_ESTOP, SIZE_HELLO};
    uint8_t payload[LINK_LONGEST_PAYLOAD], type = MSG_STRIKES, length;
    for (uint8_t n = 0; n < sizeof payload; n++)
        payload[n] = (uint8_t)chance();
    if (below(4)) {
        length = write_strikes(fuzz, payload);
    } else {
        uint32_t kind = below(100) ? below(6) : below(sizeof TYPES);
        type = TYPES[kind];
        length = SIZES[kind];
        wire_put_u32(payload, type == MSG_ARM ? BOOT : (uint32_t)host_clock(fuzz->host) + below(20000));
    }
    bool numbered = type >= MSG_CHANNEL_CONFIG, damaged = !below(4);
    send(fuzz, numbered ? fuzz->next : LINK_UNSEQUENCED, type, payload, length, damaged);
    if (numbered && !damaged)
        fuzz->next = (fuzz->next + 1) & 127;
}

static void send_noise(struct fuzz *fuzz)
{
    uint8_t bytes[80];
    size_t count = below(sizeof bytes);
    for (size_t n = 0; n < count; n++)
        bytes[n] = (uint8_t)(below(4) ? chance() : 0);
    host_receive(fuzz->host, bytes, count, host_clock(fuzz->host));
}

int main(int count, char **arguments)
{
    unsigned long frames = count > 1 ? strtoul(arguments[1], NULL, 10) : 2000000;
    state = 0x9E3779B97F4A7C15u ^ (count > 2 ? strtoul(arguments[2], NULL, 10) : 1);
    struct fuzz fuzz = {.host = host_open(UINT32_MAX - 40000000u, BOOT, 0)};
    for (unsigned long n = 0; n < frames; n++) {
        if (n % 64 == 0)
            begin(&fuzz);
        if (below(8))
            send_any(&fuzz);
        else
            send_noise(&fuzz);
        pass(&fuzz, below(40) ? below(6000) : below(3000000));
    }
    printf("%lu frames, %u pulses, tick %llu\n", frames, fuzz.pulses, (unsigned long long)host_clock(fuzz.host));
    host_close(fuzz.host);
    return 0;
}
