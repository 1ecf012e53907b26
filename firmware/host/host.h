/* The virtual board: the core on a clock that its owner moves. For tests, and for the program on a pty.
 *
 * Times are ticks of 0.5 us without wraps; the core sees their low 32 bits. Nothing happens but in host_advance.
 */
#ifndef XYLOPHONE_HOST_H
#define XYLOPHONE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;

struct host_edge {
    uint64_t clock;
    uint32_t on, off; /* outputs that changed */
};

/* A board that starts at a tick; NULL without memory. */
struct host *host_open(uint64_t clock, uint32_t boot, uint8_t cause);
void host_close(struct host *host);

/* What the board keeps of its hammers' ceilings, as the EEPROM of a real one: a record of link/limits.py. Before HELLO. */
void host_keep(struct host *host, const uint8_t *record);

/* Bytes that will have arrived at a tick, not before those handed over earlier. */
void host_receive(struct host *host, const uint8_t *bytes, size_t count, uint64_t at);

/* Let the time pass until a tick. */
void host_advance(struct host *host, uint64_t until);

uint64_t host_clock(const struct host *host);

/* The tick by which host_advance should be called again, if nothing arrives before. */
uint64_t host_next(const struct host *host);

/* Bytes the board has sent since the last call, up to so many; returns how many. */
size_t host_sent(struct host *host, uint8_t *bytes, size_t room);

/* All changes of outputs since the start. */
const struct host_edge *host_edges(const struct host *host, size_t *count);
void host_forget_edges(struct host *host);

/* What is on, and whether the board is armed. */
uint32_t host_outputs(const struct host *host);
bool host_armed(const struct host *host);

/* Faults: an output that the firmware did not switch on; bytes that the receiver has lost. */
void host_stick(struct host *host, uint8_t channel);
void host_overrun(struct host *host, uint8_t count);

/* The main loop stands still for so many ticks; what interrupts do goes on. */
void host_stall(struct host *host, uint64_t ticks);

#endif
