/* Why the processor started, and a number for this start. */
#include <avr/eeprom.h>
#include <avr/io.h>
#include <avr/wdt.h>

#include "../core/messages.h"
#include "port.h"

#define WARM_MARK 0x58594C4Fu
#define HUNG_MARK 0x48554E47u

static uint32_t EEMEM stored_boot_id;
static uint32_t warm_mark __attribute__((section(".noinit")));
static uint32_t hung_mark __attribute__((section(".noinit")));
static uint8_t reset_flags __attribute__((section(".noinit")));

/* Before main, since a watchdog that caused the reset keeps running, at its shortest period. */
void early_start(void) __attribute__((naked, used, section(".init3")));
void early_start(void)
{
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

void start_mark_hang(void)
{
    hung_mark = HUNG_MARK;
}

/* Arduino's bootloader clears the processor's flags before this program runs, so what is in memory has to tell: a mark
 * that is lost tells that the power was, the watchdog's that it was the watchdog; the rest is not to be told apart. */
uint8_t start_cause(void)
{
    bool warm = warm_mark == WARM_MARK;
    uint8_t cause = warm ? CAUSE_WARM : CAUSE_POWER_ON;
    if (reset_flags & _BV(PORF))
        cause |= CAUSE_POWER_ON;
    if (reset_flags & _BV(EXTRF))
        cause |= CAUSE_EXTERNAL;
    if (reset_flags & _BV(BORF))
        cause |= CAUSE_BROWN_OUT;
    if ((reset_flags & _BV(WDRF)) || (warm && hung_mark == HUNG_MARK))
        cause |= CAUSE_WATCHDOG;
    warm_mark = WARM_MARK;
    hung_mark = 0;
    return cause;
}

uint32_t start_boot_id(void)
{
    uint32_t id = eeprom_read_dword(&stored_boot_id) + 1;
    eeprom_update_dword(&stored_boot_id, id);
    return id;
}

struct ceilings start_ceilings(void)
{
    uint8_t record[CEILINGS_SIZE];
    eeprom_read_block(record, (const void *)LINK_CEILINGS_AT, sizeof record);
    return ceilings_of(record);
}
