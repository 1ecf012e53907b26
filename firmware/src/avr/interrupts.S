/* The interrupts that time depends on: short enough to count their cycles by hand.
 *
 * Rules: none calls anything; only the edge interrupt lets others in, and only while its edge is far
 * enough away; the longest of the others takes 70 cycles. TIFR1 is never written.
 */
#include <avr/io.h>

#include "edges.h"

#define IO(reg) _SFR_IO_ADDR(reg)
#define MEM(reg) _SFR_MEM_ADDR(reg)

#define TIMSK1_IDLE (1 << TOIE1)
#define TIMSK1_ARMED ((1 << TOIE1) | (1 << OCIE1A))

        .section .bss.rings, "aw", @nobits
        .balign 256
        .global rx_ring
rx_ring:        .skip 256
        .global tx_ring
tx_ring:        .skip 256
        .global edges
edges:          .skip EDGES * EDGE_SIZE

        .section .text.interrupts, "ax", @progbits

/* An edge is due in LEAD cycles. Waits to the very cycle, writes the four ports back to back, and goes on with the
 * next edge when that is too near to come back for; while that one is GUARD cycles away interrupts are open, but
 * for the supervisor, since it is long. Where edges are dense this interrupt takes most of the time there is: so it
 * stays no longer than it must. Once FF of a raw stop has arrived, being exact counts less than being open:
 * interrupts then are on until the edge is due, and nearly all the while.
 *
 * r18:r19 cycle of the edge   r20..r23 new port values   Z the edge   r24..r27 scratch
 */
        .global TIMER1_COMPA_vect
TIMER1_COMPA_vect:
        push    r24
        in      r24, IO(SREG)
        push    r24
        lds     r24, MEM(TIMSK0)
        push    r24
        in      r24, IO(GPIOR0)
        andi    r24, (1 << AFTER_FF) | (1 << AFTER_E5)
        breq    8f
        ldi     r24, TIMSK1_IDLE
        sts     MEM(TIMSK1), r24
        ldi     r24, 0
        sts     MEM(TIMSK0), r24
        sei
8:      push    r18
        push    r19
        push    r20
        push    r21
        push    r22
        push    r23
        push    r25
        push    r26
        push    r27
        push    r30
        push    r31
        lds     r30, edge_next
        lds     r31, edge_next + 1

next_edge:
        ldd     r18, Z + 0
        ldd     r19, Z + 1
wait_open:
        cli
        lds     r24, MEM(TCNT1L)
        lds     r25, MEM(TCNT1H)
        movw    r26, r18
        sub     r26, r24
        sbc     r27, r25
        subi    r26, lo8(GUARD)
        sbci    r27, hi8(GUARD)
        brmi    near
        tst     r27                     ; far enough away to come back for it?
        brne    9f
        cpi     r26, RETURN - GUARD
        brlo    7f
9:      rjmp    leave_armed
7:      ldi     r24, TIMSK1_IDLE
        sts     MEM(TIMSK1), r24
        ldi     r24, 0
        sts     MEM(TIMSK0), r24
        sei                             ; one instruction follows before any interrupt, and one between two:
        nop                             ; so at most two of them before the next look at the counter
        rjmp    wait_open

near:   in      r24, IO(GPIOR0)
        andi    r24, (1 << AFTER_FF) | (1 << AFTER_E5) | (1 << STOPPED) | (1 << TRIPPED)
        breq    3f
        rjmp    stopping
3:      in      r20, IO(PORTA)
        ldd     r24, Z + 3
        and     r20, r24
        ldd     r24, Z + 2
        or      r20, r24
        in      r21, IO(PORTC)
        ldd     r24, Z + 5
        and     r21, r24
        ldd     r24, Z + 4
        or      r21, r24
        in      r22, IO(PORTF)
        ldd     r24, Z + 7
        and     r22, r24
        ldd     r24, Z + 6
        or      r22, r24
        lds     r23, MEM(PORTL)
        ldd     r24, Z + 9
        and     r23, r24
        ldd     r24, Z + 8
        or      r23, r24
        lds     r24, MEM(TCNT1L)
        lds     r25, MEM(TCNT1H)
        movw    r26, r18
        sub     r26, r24
        sbc     r27, r25
        brmi    write                   ; past: at once
        subi    r26, WRITE_DELAY
        brcs    write
1:      subi    r26, 3                  ; three cycles a turn
        brcc    1b
        cpi     r26, 0xFE               ; and the rest of 0, 1 or 2: a branch taken costs one more
        brcc    2f
2:      cpi     r26, 0xFF
        breq    write
write:  out     IO(PORTA), r20
        out     IO(PORTC), r21
        out     IO(PORTF), r22
        sts     MEM(PORTL), r23
pop_edge:
        ldi     r24, 0
        std     Z + EDGE_TAKEN, r24
        ldd     r24, Z + EDGE_NEXT
        ldd     r31, Z + EDGE_NEXT + 1
        mov     r30, r24
        lds     r24, edges_pending
        dec     r24
        sts     edges_pending, r24
        breq    6f
        rjmp    next_edge
6:      ldi     r24, TIMSK1_IDLE
        rjmp    leave
leave_armed:
        movw    r24, r18
        subi    r24, lo8(LEAD)
        sbci    r25, hi8(LEAD)
        sts     MEM(OCR1AH), r25
        sts     MEM(OCR1AL), r24
        ldi     r24, TIMSK1_ARMED
leave:  cli
        sts     edge_next, r30
        sts     edge_next + 1, r31
        sts     MEM(TIMSK1), r24
        sei                             ; none of its own is due for a while
        pop     r31
        pop     r30
        pop     r27
        pop     r26
        pop     r25
        pop     r23
        pop     r22
        pop     r21
        pop     r20
        pop     r19
        pop     r18
        pop     r24
        sts     MEM(TIMSK0), r24
        pop     r24
        out     IO(SREG), r24
        pop     r24
        reti

stopping:
        ldi     r25, TIMSK1_IDLE
        sts     MEM(TIMSK1), r25
        ldi     r25, 0
        sts     MEM(TIMSK0), r25
        andi    r24, (1 << STOPPED) | (1 << TRIPPED)
        brne    to_pop_edge             ; everything is off and stays so
wait_stopping:                          ; closed only to read the counter
        sei
        in      r24, IO(GPIOR0)
        andi    r24, (1 << AFTER_FF) | (1 << AFTER_E5)
        breq    5f                      ; it was none, or it is complete
        movw    r26, r18
        cli
        lds     r24, MEM(TCNT1L)
        lds     r25, MEM(TCNT1H)
        sei
        sub     r26, r24
        sbc     r27, r25
        brpl    wait_stopping
        ldd     r20, Z + 2              ; due: the masks first, so that only the writes are closed
        ldd     r21, Z + 3
        ldd     r22, Z + 4
        ldd     r23, Z + 5
        ldd     r24, Z + 6
        ldd     r25, Z + 7
        ldd     r26, Z + 8
        ldd     r27, Z + 9
        cli
        in      r18, IO(GPIOR0)
        andi    r18, (1 << STOPPED) | (1 << TRIPPED)
        brne    to_pop_edge
        in      r18, IO(PORTA)
        and     r18, r21
        or      r18, r20
        out     IO(PORTA), r18
        in      r18, IO(PORTC)
        and     r18, r23
        or      r18, r22
        out     IO(PORTC), r18
        in      r18, IO(PORTF)
        and     r18, r25
        or      r18, r24
        out     IO(PORTF), r18
        lds     r18, MEM(PORTL)
        and     r18, r27
        or      r18, r26
        sts     MEM(PORTL), r18
to_pop_edge:
        sei
        rjmp    pop_edge
5:      rjmp    wait_open

/* A byte has arrived: into the ring, past the raw stop, and with the cycle kept when it is a 00. */
        .global USART0_RX_vect
USART0_RX_vect:
        push    r24
        in      r24, IO(SREG)
        push    r24
        push    r25
        push    r30
        push    r31
        lds     r25, MEM(UCSR0A)
        lds     r24, MEM(UDR0)
        sbic    IO(GPIOR0), AFTER_E5
        rjmp    rx_last
rx_look:
        andi    r25, (1 << FE0) | (1 << DOR0)
        breq    rx_put
        lds     r25, rx_overruns
        inc     r25
        breq    rx_put                  ; 255 is enough to be told
        sts     rx_overruns, r25
rx_put: in      r30, IO(GPIOR1)
        ldi     r31, hi8(rx_ring)
        st      Z, r24
        inc     r30
        lds     r25, rx_tail
        cp      r30, r25
        breq    rx_full
        out     IO(GPIOR1), r30
rx_watch:
        tst     r24
        breq    rx_zero
        in      r25, IO(GPIOR0)
        andi    r25, (1 << AFTER_00) | (1 << AFTER_FF) | (1 << AFTER_E5)
        brne    rx_match
rx_done:
        pop     r31
        pop     r30
        pop     r25
        pop     r24
        out     IO(SREG), r24
        pop     r24
        reti

rx_zero:
        sbic    IO(GPIOR0), AFTER_E5
        rjmp    rx_stopped
        cbi     IO(GPIOR0), AFTER_FF
        sbi     IO(GPIOR0), AFTER_00
        lds     r24, MEM(TCNT1L)
        lds     r25, MEM(TCNT1H)
        sts     rx_stamp, r24
        sts     rx_stamp + 1, r25
        sts     rx_stamp_index, r30
        rjmp    rx_done

rx_match:                               ; r25 is how far the stop has come
        in      r30, IO(GPIOR0)
        andi    r30, 0xFF & ~((1 << AFTER_00) | (1 << AFTER_FF) | (1 << AFTER_E5))
        sbrs    r25, AFTER_00
        rjmp    4f
        cpi     r24, 0xFF
        brne    rx_progress
        ori     r30, 1 << AFTER_FF
        rjmp    rx_progress
4:      sbrs    r25, AFTER_FF
        rjmp    rx_progress
        cpi     r24, 0xE5
        brne    rx_progress
        ori     r30, 1 << AFTER_E5
rx_progress:
        out     IO(GPIOR0), r30
        rjmp    rx_done

rx_last:                                ; the stop is complete when this is 00: everything off first of all
        tst     r24
        brne    rx_look
        out     IO(PORTA), r24
        out     IO(PORTC), r24
        out     IO(PORTF), r24
        sts     MEM(PORTL), r24
        cbi     IO(PORTD), 7
        rjmp    rx_look

rx_stopped:
        in      r24, IO(GPIOR0)
        andi    r24, 0xFF & ~((1 << AFTER_FF) | (1 << AFTER_E5))
        ori     r24, (1 << STOPPED) | (1 << AFTER_00)
        out     IO(GPIOR0), r24
        rjmp    rx_done

rx_full:                                ; the byte is not kept, but looked at; its place is none that is taken
        in      r30, IO(GPIOR1)
        lds     r25, rx_overruns
        inc     r25
        breq    rx_watch
        sts     rx_overruns, r25
        rjmp    rx_watch

/* The transmitter has room: the next byte, or no more of these interrupts. */
        .global USART0_UDRE_vect
USART0_UDRE_vect:
        push    r24
        in      r24, IO(SREG)
        push    r24
        push    r30
        push    r31
        lds     r30, tx_tail
        ldi     r31, hi8(tx_ring)
        ld      r24, Z
        sts     MEM(UDR0), r24
        inc     r30
        sts     tx_tail, r30
        lds     r24, tx_head
        cpse    r24, r30
        rjmp    tx_done
        ldi     r24, (1 << RXCIE0) | (1 << RXEN0) | (1 << TXEN0)
        sts     MEM(UCSR0B), r24
tx_done:
        sei                             ; all is done: others need not wait for the rest
        pop     r31
        pop     r30
        pop     r24
        out     IO(SREG), r24
        pop     r24
        reti

/* Timer 1 has wrapped: 65,536 cycles are 8,192 ticks. */
        .global TIMER1_OVF_vect
TIMER1_OVF_vect:
        push    r24
        in      r24, IO(SREG)
        push    r24
        sei                             ; nobody else uses clock_base in an interrupt
        lds     r24, clock_base + 1
        subi    r24, 0xE0               ; plus 0x20, carry inverted
        sts     clock_base + 1, r24
        brcs    wrapped
        lds     r24, clock_base + 2
        inc     r24
        sts     clock_base + 2, r24
        brne    wrapped
        lds     r24, clock_base + 3
        inc     r24
        sts     clock_base + 3, r24
wrapped:
        pop     r24
        out     IO(SREG), r24
        pop     r24
        reti
