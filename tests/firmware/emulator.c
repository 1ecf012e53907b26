/* The real image in an emulated ATmega2560 (libsimavr, GPL-3: so this stays a program of the tests).
 *
 * Runs in the caller's process and in virtual time, keeps a log of output edges and of sent bytes in processor cycles, and
 * mends what simavr 1.6 does otherwise than the chip: a byte takes 10 bit times, not 11; entering an interrupt takes 5
 * cycles, not none; the receiver holds two bytes and one that has just arrived, loses what follows, and interrupts again
 * as long as it holds one; sleeping takes no real time; after a reset by the watchdog no interrupt counts as running.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <simavr/avr_eeprom.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_timer.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_hex.h>
#include <simavr/sim_irq.h>

#define MCUSR 0x54
#define UCSR0A 0xC0
#define UBRR0L 0xC4
#define U2X0 1
#define RXEN0 4
#define INTERRUPT_ENTRY 5
#define HELD 3

struct edge {
    uint64_t cycle;
    uint8_t port; /* letter */
    uint8_t value;
};

struct timed {
    uint64_t cycle; /* when its stop bit ends, or (sent) when it was handed to the transmitter */
    uint8_t byte;
};

struct log {
    void *rows;
    size_t count, room;
};

struct emulator {
    avr_io_t io; /* first: what simavr tells of resets */
    avr_t *avr;
    avr_uart_t *uart;
    avr_timer_t *timer;
    avr_irq_t *input;
    struct log edges, sent, line;
    size_t next; /* row of line */
    uint8_t latch[256];
    uint16_t lowest_stack;
    uint32_t lost;
    uint8_t nesting[16];
    int depth;
};

static void *add(struct log *log, size_t size)
{
    if (log->count == log->room) {
        log->room = log->room ? 2 * log->room : 1024;
        log->rows = realloc(log->rows, log->room * size);
        if (!log->rows)
            abort();
    }
    return (char *)log->rows + size * log->count++;
}

static const char PORTS[] = {'A', 'C', 'F', 'L', 'D'};

struct port_listener {
    struct emulator *emulator;
    uint8_t letter;
};

static void on_port(struct avr_irq_t *irq, uint32_t value, void *param)
{
    struct port_listener *listener = param;
    struct emulator *e = listener->emulator;
    (void)irq;
    if (e->latch[listener->letter] == (uint8_t)value)
        return;
    e->latch[listener->letter] = (uint8_t)value;
    struct edge *edge = add(&e->edges, sizeof *edge);
    *edge = (struct edge){e->avr->cycle, listener->letter, (uint8_t)value};
}

static void on_sent(struct avr_irq_t *irq, uint32_t value, void *param)
{
    struct emulator *e = param;
    (void)irq;
    struct timed *sent = add(&e->sent, sizeof *sent);
    *sent = (struct timed){e->avr->cycle, (uint8_t)value};
}

static void on_interrupt(struct avr_irq_t *irq, uint32_t vector, void *param)
{
    struct emulator *e = param;
    (void)irq;
    /* Called with the vector on entry, and on leaving with the one below, or 0. */
    if (e->depth && (e->depth == 1 ? vector == 0 : vector == e->nesting[e->depth - 2])) {
        e->depth--;
    } else if (vector) {
        e->nesting[e->depth++] = (uint8_t)vector;
        e->avr->cycle += INTERRUPT_ENTRY;
    }
}

static void no_sleep(avr_t *avr, avr_cycle_count_t cycles)
{
    (void)avr;
    (void)cycles;
}

static void quiet(avr_t *avr, const int level, const char *format, va_list arguments)
{
    (void)avr;
    if (level <= LOG_ERROR)
        vfprintf(stderr, format, arguments);
}

static unsigned held(const struct emulator *e)
{
    return (e->uart->input.write + uart_fifo_fifo_size - e->uart->input.read) % (unsigned)uart_fifo_fifo_size;
}

/* The next byte of the line has arrived. */
static avr_cycle_count_t on_line(avr_t *avr, avr_cycle_count_t when, void *param)
{
    struct emulator *e = param;
    struct timed *rows = e->line.rows;
    while (e->next < e->line.count && rows[e->next].cycle <= when) {
        if (held(e) >= HELD)
            e->lost++;
        else
            avr_raise_irq(e->input, rows[e->next].byte);
        avr_raise_interrupt(avr, &e->uart->rxc);
        e->next++;
    }
    return e->next < e->line.count ? rows[e->next].cycle : 0;
}

static void *find(avr_t *avr, const char *kind, size_t name_at, char name)
{
    for (avr_io_t *io = avr->io_port; io; io = io->next)
        if (!strcmp(io->kind, kind) && ((char *)io)[name_at] == name)
            return io;
    return NULL;
}

static void listen(struct emulator *e)
{
    for (size_t n = 0; n < sizeof PORTS; n++) {
        struct port_listener *listener = malloc(sizeof *listener);
        *listener = (struct port_listener){e, (uint8_t)PORTS[n]};
        avr_irq_register_notify(avr_io_getirq(e->avr, AVR_IOCTL_IOPORT_GETIRQ(PORTS[n]), IOPORT_IRQ_REG_PORT),
                                on_port, listener);
    }
    avr_irq_register_notify(avr_io_getirq(e->avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_sent, e);
    avr_irq_register_notify(avr_get_interrupt_irq(e->avr, AVR_INT_ANY) + AVR_INT_IRQ_RUNNING, on_interrupt, e);
    e->input = avr_io_getirq(e->avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
}

/* Put an image into the flash; where its first byte lies, or -1. */
static int64_t load(avr_t *avr, const char *hex)
{
    uint32_t size, start;
    uint8_t *code = read_ihex_file(hex, &size, &start);
    if (!code)
        return -1;
    memcpy(avr->flash + start, code, size);
    free(code);
    return start;
}

static void on_reset(avr_io_t *io)
{
    ((struct emulator *)io)->depth = 0;
}

/* A board with an image, and a bootloader in front of it unless that is NULL; NULL when there is no such file. */
struct emulator *emulator_open(const char *hex, const char *bootloader)
{
    avr_global_logger_set(quiet);
    avr_t *avr = avr_make_mcu_by_name("atmega2560");
    if (!avr || avr_init(avr))
        return NULL;
    avr->frequency = 16000000;
    avr->sleep = no_sleep;
    avr->codeend = avr->flashend;
    int64_t start = load(avr, hex), first = bootloader ? load(avr, bootloader) : start;
    if (start < 0 || first < 0)
        return NULL;
    avr->pc = avr->reset_pc = (uint32_t)first;
    struct emulator *e = calloc(1, sizeof *e);
    e->avr = avr;
    e->io = (avr_io_t){.kind = "emulator", .reset = on_reset};
    avr_register_io(avr, &e->io);
    e->lowest_stack = 0xFFFF;
    e->uart = find(avr, "uart", offsetof(avr_uart_t, name), '0');
    e->timer = find(avr, "timer", offsetof(avr_timer_t, name), '1');
    uint32_t flags = 0;
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    listen(e);
    return e;
}

void emulator_close(struct emulator *e)
{
    avr_terminate(e->avr);
    free(e->edges.rows);
    free(e->sent.rows);
    free(e->line.rows);
    free(e);
}

/* Bytes on their way to the board, each with the cycle at which its stop bit ends, later than all before. */
void emulator_line(struct emulator *e, const uint8_t *bytes, const uint64_t *cycles, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        struct timed *row = add(&e->line, sizeof *row);
        *row = (struct timed){cycles[n], bytes[n]};
    }
    if (e->next < e->line.count && !avr_cycle_timer_status(e->avr, on_line, e)) {
        uint64_t due = ((struct timed *)e->line.rows)[e->next].cycle;
        avr_cycle_timer_register(e->avr, due > e->avr->cycle ? due - e->avr->cycle : 1, on_line, e);
    }
}

/* Cycles that a bit takes by the receiver's settings. */
static uint32_t bit_cycles(const avr_t *avr)
{
    uint32_t divisor = avr->data[UBRR0L] + 256u * (avr->data[UBRR0L + 1] & 15) + 1;
    return divisor * (avr->data[UCSR0A] >> U2X0 & 1 ? 8 : 16);
}

/* The end of a run has come: that also ends a sleep. */
static avr_cycle_count_t on_end(avr_t *avr, avr_cycle_count_t when, void *param)
{
    (void)avr;
    (void)when;
    (void)param;
    return 0;
}

/* Runs until a cycle; false when the processor has crashed. */
int emulator_run(struct emulator *e, uint64_t until)
{
    avr_t *avr = e->avr;
    if (until > avr->cycle)
        avr_cycle_timer_register(avr, until - avr->cycle, on_end, e);
    avr->run_cycle_limit = 1; /* one instruction a turn: what follows looks at every one */
    while (avr->cycle < until) {
        e->uart->cycles_per_byte = 10 * bit_cycles(avr);
        int state = avr_run(avr);
        if (held(e) && !e->uart->rxc.pending)
            avr_raise_interrupt(avr, &e->uart->rxc);
        uint16_t stack = (uint16_t)(avr->data[R_SPL] | avr->data[R_SPH] << 8);
        if (stack < e->lowest_stack && stack >= 0x200)
            e->lowest_stack = stack;
        if (state == cpu_Done || state == cpu_Crashed)
            return 0;
    }
    return 1;
}

/* A reset with these flags of MCUSR; what is in memory stays, what is on the line is lost. */
void emulator_reset(struct emulator *e, uint8_t flags)
{
    e->next = e->line.count;
    avr_reset(e->avr);
    e->avr->data[MCUSR] = flags;
}

/* The same; 0 while it does not listen. */
uint32_t emulator_listens(const struct emulator *e)
{
    return e->avr->data[UCSR0A + 1] >> RXEN0 & 1 ? bit_cycles(e->avr) : 0;
}

uint64_t emulator_cycle(const struct emulator *e)
{
    return e->avr->cycle;
}

/* A cycle at which timer 1 was 0. */
uint64_t emulator_timer_zero(const struct emulator *e)
{
    return e->timer->tov_base;
}

const struct edge *emulator_edges(const struct emulator *e, size_t *count)
{
    *count = e->edges.count;
    return e->edges.rows;
}

const struct timed *emulator_sent(const struct emulator *e, size_t *count)
{
    *count = e->sent.count;
    return e->sent.rows;
}

uint16_t emulator_lowest_stack(const struct emulator *e)
{
    return e->lowest_stack;
}

uint32_t emulator_lost(const struct emulator *e)
{
    return e->lost;
}

/* A write as an instruction would do it: to a port, say, behind the firmware's back. */
void emulator_poke(struct emulator *e, uint16_t address, uint8_t value)
{
    avr_t *avr = e->avr;
    if (address >= 32 && avr->io[address - 32].w.c)
        avr->io[address - 32].w.c(avr, address, value, avr->io[address - 32].w.param);
    else
        avr_core_watch_write(avr, address, value);
}

/* Memory as it may be when the power comes back. */
void emulator_forget(struct emulator *e, uint8_t fill)
{
    memset(e->avr->data + e->avr->ioend + 1, fill, e->avr->ramend - e->avr->ioend);
}

uint8_t emulator_peek(const struct emulator *e, uint16_t address)
{
    return e->avr->data[address];
}

/* From now on the main loop is an endless loop at the place where it is; false while an interrupt runs. */
int emulator_hang(struct emulator *e)
{
    if (e->depth)
        return 0;
    e->avr->flash[e->avr->pc] = 0xFF; /* rjmp .-2 */
    e->avr->flash[e->avr->pc + 1] = 0xCF;
    return 1;
}

/* What is in the EEPROM from an address on. */
void emulator_keep(struct emulator *e, uint16_t address, const uint8_t *bytes, size_t count)
{
    avr_eeprom_desc_t row = {.ee = (uint8_t *)bytes, .offset = address, .size = (uint32_t)count};
    avr_ioctl(e->avr, AVR_IOCTL_EEPROM_SET, &row);
}
