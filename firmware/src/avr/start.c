/* Why the processor started, and a number for this start. */
#include <avr/eeprom.h>
#include <avr/io.h>
#include <avr/wdt.h>

#include "../core/messages.h"
#include "port.h"

#define WARM_MARK 0x58594C4Fu

static uint32_t EEMEM stored_boot_id;
static uint32_t warm_mark __attribute__((section(".noinit")));
static uint8_t reset_flags __attribute__((section(".noinit")));

/* Before main, since a watchdog that caused the reset keeps running, at its shortest period. */
void early_start(void) __attribute__((naked, used, section(".init3")));
void early_start(void)
{
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

/* Some bootloaders clear the processor's flags; whether memory survived is then all there is to know. */
uint8_t start_cause(void)
{
    uint8_t cause = 0;
    if (reset_flags & _BV(PORF))
        cause |= CAUSE_POWER_ON;
    if (reset_flags & _BV(EXTRF))
        cause |= CAUSE_EXTERNAL;
    if (reset_flags & _BV(BORF))
        cause |= CAUSE_BROWN_OUT;
    if (reset_flags & _BV(WDRF))
        cause |= CAUSE_WATCHDOG;
    if (warm_mark == WARM_MARK)
        cause |= CAUSE_WARM;
    warm_mark = WARM_MARK;
    return cause;
}

uint32_t start_boot_id(void)
{
    uint32_t id = eeprom_read_dword(&stored_boot_id) + 1;
    eeprom_update_dword(&stored_boot_id, id);
    return id;
}
