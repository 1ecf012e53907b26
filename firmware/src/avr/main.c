/* The main program: pins, timers, port, then the core for ever. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>

#include "../core/core.h"
#include "port.h"

static struct core core __attribute__((section(".noinit"))); /* what coils have spent outlasts a reset */

static void set_up_pins(void)
{
    port_outputs_off();
    DDRA = 0xFF;
    DDRC = 0xFF;
    DDRF = 0xFF;
    DDRL = 0x3F;
    DDRD = _BV(DDD7);
}

static void set_up_timers(void)
{
    TCCR1A = 0;
    TCCR1B = _BV(CS10); /* every cycle */
    TIMSK1 = _BV(TOIE1);
    OCR0A = SUPERVISION - 1; /* of 16 MHz / 64 */
    TCCR0A = _BV(WGM01);
    TCCR0B = _BV(CS01) | _BV(CS00);
    TIMSK0 = _BV(OCIE0A);
}

static void set_up_serial(void)
{
    UBRR0 = 7; /* 16 MHz / 8 / 250,000 - 1 */
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
}

/* An interrupt after 120 ms without a kick, a reset after 120 ms more. */
static void start_watchdog(void)
{
    wdt_reset();
    WDTCSR = _BV(WDCE) | _BV(WDE);
    WDTCSR = _BV(WDIE) | _BV(WDE) | _BV(WDP1) | _BV(WDP0);
}

int main(void)
{
    set_up_pins();
    struct identity identity = {start_ceilings(), start_boot_id(), BOARD_MEGA2560, start_cause()};
    GPIOR0 = 0;
    GPIOR1 = 0;
    set_up_timers();
    set_up_serial();
    core_init(&core, 0, identity);
    SMCR = _BV(SE); /* sleeping is idling: timers and port go on */
    start_watchdog();
    sei();
    for (;;) {
        bool busy = core_poll(&core);
        port_enable(core_armed(&core));
        if (!busy)
            port_sleep();
    }
}
