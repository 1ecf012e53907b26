#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/core.h"

#define BUSY_TURN 50u    /* ticks from one turn of the main loop to the next while it is busy */
#define IDLE_TURN 1000u  /* and while it sleeps */
#define SUPERVISION 960u

struct list {
    void *rows;
    size_t first, count, room;
};

struct arrival {
    uint64_t at;
    uint8_t byte;
};

struct pending {
    uint64_t at;
    uint32_t on, off;
};

struct board {
    uint64_t now;
    struct list line;  /* bytes on their way */
    struct list ring;  /* bytes that have arrived */
    struct list tx, log;
    struct pending edges[BOARD_EDGES];
    uint8_t edge_count;
    uint32_t outputs;
    uint64_t stamp; /* of the byte taken last */
    bool stamped;
    uint8_t stop;   /* bytes of the raw stop that have come */
    uint8_t tripped, overruns;
    uint16_t longest[CHANNELS];
    uint64_t seen[CHANNELS]; /* first look at which an output was on; 0 while it is off */
};

struct host {
    struct board board;
    struct core core;
    uint64_t next_turn, next_look;
    uint64_t stalled; /* until this tick */
};

static void *add(struct list *list, size_t size)
{
    if (list->first == list->count)
        list->first = list->count = 0;
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 256;
        list->rows = realloc(list->rows, list->room * size);
        if (!list->rows)
            abort();
    }
    return (char *)list->rows + size * list->count++;
}

static void switch_outputs(struct board *board, uint32_t on, uint32_t off)
{
    uint32_t after = (board->outputs & ~off) | on, changed = after ^ board->outputs;
    board->outputs = after;
    if (changed) {
        struct host_edge *edge = add(&board->log, sizeof *edge);
        *edge = (struct host_edge){board->now, after & changed, ~after & changed};
    }
}

uint32_t board_clock(struct board *board)
{
    return (uint32_t)board->now;
}

int16_t board_receive(struct board *board)
{
    struct list *ring = &board->ring;
    if (ring->first == ring->count)
        return -1;
    struct arrival arrival = ((struct arrival *)ring->rows)[ring->first++];
    board->stamp = arrival.at;
    board->stamped = arrival.byte == 0;
    return arrival.byte;
}

bool board_stamp(struct board *board, uint32_t *clock)
{
    *clock = (uint32_t)board->stamp;
    return board->stamped;
}

uint8_t board_overruns(struct board *board)
{
    uint8_t count = board->overruns;
    board->overruns = 0;
    return count;
}

uint8_t board_send_room(struct board *board)
{
    (void)board;
    return UINT8_MAX;
}

void board_send(struct board *board, const uint8_t *bytes, uint8_t count)
{
    for (uint8_t n = 0; n < count; n++)
        *(uint8_t *)add(&board->tx, 1) = bytes[n];
}

/* Strict: what a real board could not keep to ends the program. */
bool board_edge(struct board *board, uint32_t at, uint32_t on, uint32_t off)
{
    if (board->edge_count >= (on ? BOARD_EDGES - BOARD_OFF_EDGES : BOARD_EDGES))
        return false;
    int32_t left = (int32_t)(at - (uint32_t)board->now);
    uint64_t clock = board->now + (uint64_t)(int64_t)left;
    assert(left >= (on ? (int32_t)BOARD_NOTICE : 0) && left <= (int32_t)BOARD_HORIZON && !(on & off));
    struct pending *edge = board->edges + board->edge_count++;
    for (; edge > board->edges && edge[-1].at > clock; edge--)
        *edge = edge[-1];
    *edge = (struct pending){clock, on, off};
    return true;
}

void board_all_off(struct board *board)
{
    board->edge_count = 0;
    switch_outputs(board, 0, UINT32_MAX);
}

void board_limit(struct board *board, uint8_t channel, uint16_t longest)
{
    board->longest[channel] = longest;
}

uint8_t board_tripped(struct board *board)
{
    uint8_t tripped = board->tripped;
    if (tripped)
        board_all_off(board);
    board->tripped = 0;
    return tripped;
}

void board_alive(struct board *board)
{
    (void)board;
}

/* The receive interrupt: past everything else, the raw stop. */
static void take_byte(struct board *board, struct arrival arrival)
{
    static const uint8_t STOP[] = {LINK_RAW_STOP_0, LINK_RAW_STOP_1, LINK_RAW_STOP_2, LINK_RAW_STOP_3};
    *(struct arrival *)add(&board->ring, sizeof arrival) = arrival;
    bool last = board->stop == 3 && arrival.byte == STOP[3];
    if (last) {
        board->tripped |= TRIPPED_STOP;
        board_all_off(board);
    }
    board->stop = last || arrival.byte == STOP[0] ? 1 : arrival.byte == STOP[board->stop] ? (uint8_t)(board->stop + 1) : 0;
}

static void supervise(struct board *board)
{
    bool stuck = false;
    for (uint8_t n = 0; n < CHANNELS; n++) {
        if (!(board->outputs >> n & 1))
            board->seen[n] = 0;
        else if (!board->seen[n])
            board->seen[n] = board->now;
        else if (board->now - board->seen[n] > (uint64_t)board->longest[n] * LINK_WIDTH_TICKS)
            stuck = true;
    }
    if (stuck) {
        board->tripped |= TRIPPED_SUPERVISOR;
        board_all_off(board);
    }
}

/* The edge interrupt: nothing is switched on any more once something has tripped. */
static void fire(struct board *board)
{
    while (board->edge_count && board->edges[0].at <= board->now) {
        struct pending edge = board->edges[0];
        memmove(board->edges, board->edges + 1, --board->edge_count * sizeof *board->edges);
        switch_outputs(board, board->tripped ? 0 : edge.on, edge.off);
    }
}

static struct arrival *next_arrival(const struct list *line)
{
    return line->first < line->count ? (struct arrival *)line->rows + line->first : NULL;
}

struct host *host_open(uint64_t clock, uint32_t boot, uint8_t cause)
{
    struct host *host = calloc(1, sizeof *host);
    if (!host)
        return NULL;
    host->board.now = host->next_turn = host->next_look = clock;
    core_init(&host->core, &host->board, (struct identity){CEILINGS, boot, BOARD_HOST, cause});
    return host;
}

void host_keep(struct host *host, const uint8_t *record)
{
    host->core.identity.ceilings = ceilings_of(record);
}

void host_close(struct host *host)
{
    free(host->board.line.rows);
    free(host->board.ring.rows);
    free(host->board.tx.rows);
    free(host->board.log.rows);
    free(host);
}

void host_receive(struct host *host, const uint8_t *bytes, size_t count, uint64_t at)
{
    for (size_t n = 0; n < count; n++)
        *(struct arrival *)add(&host->board.line, sizeof(struct arrival)) = (struct arrival){at, bytes[n]};
}

uint64_t host_next(const struct host *host)
{
    const struct board *board = &host->board;
    uint64_t turn = host->next_turn < host->stalled ? host->stalled : host->next_turn;
    uint64_t next = turn < host->next_look ? turn : host->next_look;
    const struct arrival *arrival = next_arrival(&board->line);
    if (arrival && arrival->at < next)
        next = arrival->at;
    if (board->edge_count && board->edges[0].at < next)
        next = board->edges[0].at;
    return next > board->now ? next : board->now;
}

static void step(struct host *host)
{
    struct board *board = &host->board;
    bool arrived = false;
    fire(board);
    if (board->now >= host->next_look) {
        host->next_look += SUPERVISION;
        supervise(board);
    }
    for (const struct arrival *arrival; (arrival = next_arrival(&board->line)) && arrival->at <= board->now; arrived = true) {
        board->line.first++;
        take_byte(board, *arrival);
    }
    if (board->now < host->stalled)
        return;
    if (arrived || board->now >= host->next_turn)
        host->next_turn = board->now + (core_poll(&host->core) ? BUSY_TURN : IDLE_TURN);
}

void host_advance(struct host *host, uint64_t until)
{
    for (uint64_t next; (next = host_next(host)) <= until;) {
        host->board.now = next;
        step(host);
    }
    if (until > host->board.now)
        host->board.now = until;
}

uint64_t host_clock(const struct host *host)
{
    return host->board.now;
}

size_t host_sent(struct host *host, uint8_t *bytes, size_t room)
{
    struct list *tx = &host->board.tx;
    size_t count = tx->count - tx->first < room ? tx->count - tx->first : room;
    if (count)
        memcpy(bytes, (uint8_t *)tx->rows + tx->first, count);
    tx->first += count;
    return count;
}

const struct host_edge *host_edges(const struct host *host, size_t *count)
{
    *count = host->board.log.count;
    return host->board.log.rows;
}

void host_forget_edges(struct host *host)
{
    host->board.log.count = 0;
}

uint32_t host_outputs(const struct host *host)
{
    return host->board.outputs;
}

bool host_armed(const struct host *host)
{
    return core_armed(&host->core);
}

void host_stick(struct host *host, uint8_t channel)
{
    switch_outputs(&host->board, (uint32_t)1 << channel, 0);
}

void host_overrun(struct host *host, uint8_t count)
{
    host->board.overruns = count;
}

void host_stall(struct host *host, uint64_t ticks)
{
    host->stalled = host->board.now + ticks;
}
