/* The supervisor: looks at the output latches a thousand times a second and trusts nobody.
 *
 * It knows how many milliseconds each output may be on, and nothing of strikes or pulses. The watchdog
 * stands behind it: two periods of it without a kick reset the processor, and a pin in reset drives nothing.
 */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "../core/board.h"
#include "edges.h"
#include "port.h"

static volatile uint8_t limit_ms[32];
static uint8_t age_ms[32];
static uint8_t seen[4];

static void trip(void)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        port_outputs_off();
        GPIOR0 |= _BV(TRIPPED);
    }
}

/* Others may interrupt it, since it is long; it cannot interrupt the edge interrupt. */
ISR(TIMER0_COMPA_vect, ISR_NOBLOCK)
{
    const uint8_t outputs[4] = {PORTA, PORTC, PORTF, PORTL};
    bool stuck = false;
    for (uint8_t port = 0; port < 4; port++) {
        uint8_t on = outputs[port];
        if (!(on | seen[port]))
            continue;
        seen[port] = on;
        for (uint8_t n = (uint8_t)(8 * port), end = (uint8_t)(n + 8); n < end; n++, on >>= 1) {
            if (!(on & 1))
                age_ms[n] = 0;
            else if (++age_ms[n] >= limit_ms[n])
                stuck = true;
        }
    }
    if (stuck)
        trip();
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        GPIOR0 |= _BV(BEAT);
    }
}

ISR(WDT_vect)
{
    port_outputs_off();
    start_mark_hang();
    for (;;) /* the next period of the watchdog resets */
        ;
}

void board_limit(struct board *board, uint8_t channel, uint8_t limit)
{
    (void)board;
    limit_ms[channel] = limit;
}
