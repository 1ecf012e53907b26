/* The supervisor: looks at the output latches two thousand times a second and trusts nobody.
 *
 * It knows how long each output may be on, and nothing of strikes or pulses. It measures from the first look at
 * which an output was on to the present one, however late either came: never more than the output was really on. So
 * no pulse that keeps its limit is taken for a stuck output, and one that is stuck is seen within two periods of the
 * limit, 0.96 ms. The watchdog stands behind it: two periods of it without a kick reset the processor, and a pin in
 * reset drives nothing.
 */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "../core/board.h"
#include "edges.h"
#include "port.h"

static uint16_t limit[32]; /* counts of timer 0, 4 us; 0 for never on */
static uint16_t since[32]; /* when each output was first seen on */
static uint8_t seen[4];
static uint16_t period;    /* when timer 0 was 0 last */

static void trip(void)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        port_outputs_off();
        GPIOR0 |= _BV(TRIPPED);
    }
}

/* Whether one of a port's outputs has been on for too long at a moment. */
static bool stuck(uint8_t port, uint8_t on, uint16_t now)
{
    uint8_t before = seen[port];
    bool found = false;
    seen[port] = on;
    for (uint8_t n = (uint8_t)(8 * port); on; n++, on >>= 1, before >>= 1) {
        if (!(on & 1))
            continue;
        if (!(before & 1))
            since[n] = now;
        if ((uint16_t)(now - since[n]) > limit[n] || !limit[n])
            found = true;
    }
    return found;
}

/* Others may interrupt it, since it is long; it cannot interrupt the edge interrupt. Time and outputs are of one moment. */
ISR(TIMER0_COMPA_vect, ISR_NOBLOCK)
{
    uint8_t count, outputs[4];
    bool again; /* this look comes so late that the next one is due */
    TIMSK0 = 0; /* nor does it interrupt itself */
    ATOMIC_BLOCK(ATOMIC_FORCEON)
    {
        count = TCNT0;
        again = TIFR0 & _BV(OCF0A);
        outputs[0] = PORTA;
        outputs[1] = PORTC;
        outputs[2] = PORTF;
        outputs[3] = PORTL;
    }
    period += SUPERVISION;
    uint16_t now = (uint16_t)(period + count + (again && count < SUPERVISION / 2 ? SUPERVISION : 0));
    bool trips = false;
    for (uint8_t port = 0; port < 4; port++)
        trips |= stuck(port, outputs[port], now);
    if (trips)
        trip();
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        GPIOR0 |= _BV(BEAT);
        TIMSK0 = _BV(OCIE0A);
    }
}

ISR(WDT_vect)
{
    port_outputs_off();
    start_mark_hang();
    for (;;) /* the next period of the watchdog resets */
        ;
}

void board_limit(struct board *board, uint8_t channel, uint16_t longest)
{
    (void)board;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        limit[channel] = (uint16_t)((longest + 1) / 2);
    }
}
