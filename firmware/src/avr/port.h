/* What the files of this port ask of each other. */
#ifndef XYLOPHONE_AVR_PORT_H
#define XYLOPHONE_AVR_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/limits.h"

/* Counts of timer 0, of 4 us, from one look of the supervisor to the next. */
#define SUPERVISION 120

/* All outputs and the master enable low; interrupts are off. */
void port_outputs_off(void);

/* The master enable: alternates while the board is armed, and until the last pulse has ended, with each look of the
 * supervisor that the main loop has seen; a one-shot behind it lets go when either stands still. */
void port_enable(bool enable);

/* Sleep until the next interrupt, unless a byte has arrived. */
void port_sleep(void);

/* Why the processor started, CAUSE_..., and its boot id, another one after every start. */
uint8_t start_cause(void);
uint32_t start_boot_id(void);

/* Note for the next start that the watchdog had to end this one. */
void start_mark_hang(void);

/* The ceilings of the hammers that the board was flashed for; the general ones when its EEPROM holds none. */
struct ceilings start_ceilings(void);

#endif
