/* The virtual board in real time, behind a pseudo-terminal: its path is the first line on stdout.
 *
 * Opening the terminal resets the board, as the line DTR does on a real one; so does SIGUSR1, in play. After a reset a
 * bootloader has the line first, as on a real one (bootloader.h). Ends on SIGINT, SIGTERM and SIGHUP. With --edges each change of outputs is a line too: the time in microseconds of
 * CLOCK_MONOTONIC, and the masks of outputs that went on and off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "../src/core/messages.h"
#include "bootloader.h"
#include "host.h"
#include "line.h"

#define NANOSECONDS_A_TICK 500
#define BYTES 512  /* read or written at once */
#define IDLE_MS 20 /* between two looks at whether somebody has opened the terminal */

static volatile sig_atomic_t ending, resetting;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        resetting = 1;
    else
        ending = 1;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return ((uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec) / NANOSECONDS_A_TICK;
}

static void die(const char *what)
{
    fprintf(stderr, "virtual board: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A new terminal, raw, that carries every byte as it is. */
static int open_terminal(void)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (terminal < 0 || grantpt(terminal) || unlockpt(terminal))
        die("no pseudo-terminal");
    int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    struct termios settings;
    if (other < 0 || tcgetattr(other, &settings))
        die("no pseudo-terminal");
    cfmakeraw(&settings);
    tcsetattr(other, TCSANOW, &settings);
    close(other); /* now it counts as hung up, until somebody opens it */
    return terminal;
}

static bool is_open(int terminal)
{
    struct pollfd state = {.fd = terminal, .events = POLLIN};
    return poll(&state, 1, 0) >= 0 && !(state.revents & POLLHUP);
}

struct served {
    struct host *board; /* NULL while the bootloader has the line */
    struct bootloader bootloader;
    uint8_t cause;
    int terminal;
    uint64_t started; /* tick of this machine's clock at which the board's was 0 */
    uint32_t boot;
    bool open;
    bool telling; /* of edges */
};

static void print_edge(const struct served *served, uint64_t clock, uint32_t on, uint32_t off)
{
    unsigned long long us = (clock + served->started) / 2;
    printf("%llu %08x %08x\n", us, on, off);
}

static void print_edges(struct served *served)
{
    size_t count;
    const struct host_edge *edges = host_edges(served->board, &count);
    for (size_t n = 0; served->telling && n < count; n++)
        print_edge(served, edges[n].clock, edges[n].on, edges[n].off);
    host_forget_edges(served->board);
    fflush(stdout);
}

/* A reset floats the pins: what is on goes off, and that is told. */
static void let_go(struct served *served)
{
    uint64_t clock = now() - served->started;
    host_advance(served->board, clock);
    print_edges(served);
    uint32_t outputs = host_outputs(served->board);
    if (served->telling && outputs)
        print_edge(served, clock, 0, outputs);
    fflush(stdout);
    host_close(served->board);
}

/* The bootloader first; it clears what the processor knew of the cause. */
static void reset_board(struct served *served, uint8_t cause)
{
    if (served->board)
        let_go(served);
    served->board = NULL;
    served->cause = cause;
    bootloader_start(&served->bootloader, now());
}

static void start_program(struct served *served)
{
    served->started = now();
    served->board = host_open(0, ++served->boot, served->cause);
    if (!served->board)
        die("no memory");
}

static void throw_away_input(int terminal)
{
    uint8_t bytes[256];
    while (read(terminal, bytes, sizeof bytes) > 0)
        ;
}

/* The rate at which the other end of the terminal sends and listens. */
static unsigned baud_of(int terminal)
{
    struct termios settings;
    if (tcgetattr(terminal, &settings))
        die("no pseudo-terminal");
    return cfgetospeed(&settings) == B115200 ? BOOTLOADER_BAUD : LINK_BAUD;
}

/* What a receiver at one rate hears of bytes sent at another, in place; returns how many bytes that are. */
static size_t as_heard(uint8_t *bytes, size_t count, size_t room, unsigned sent, unsigned own)
{
    struct heard heard[3 * BYTES];
    if (sent == own)
        return count;
    count = line_hear(bytes, count, 1.0 / sent, 1.0 / own, 0, heard, room);
    for (size_t n = 0; n < count; n++)
        bytes[n] = heard[n].byte;
    return count;
}

static void send(struct served *served)
{
    uint8_t bytes[3 * BYTES];
    size_t count;
    while ((count = host_sent(served->board, bytes, BYTES))) {
        count = as_heard(bytes, count, sizeof bytes, LINK_BAUD, baud_of(served->terminal));
        for (size_t n = 0; served->open && n < count;) {
            ssize_t sent = write(served->terminal, bytes + n, count - n);
            if (sent <= 0)
                break; /* nobody reads: as on a real line, it is lost */
            n += (size_t)sent;
        }
    }
}

/* Let the board live up to the present, with what has come. */
static void serve_program(struct served *served, const uint8_t *bytes, size_t count)
{
    uint64_t clock = now() - served->started;
    host_advance(served->board, clock);
    host_receive(served->board, bytes, count, clock);
    host_advance(served->board, clock);
    send(served);
    print_edges(served);
}

static void serve(struct served *served)
{
    uint8_t bytes[3 * BYTES];
    ssize_t came = read(served->terminal, bytes, BYTES);
    if (!served->board && now() >= bootloader_leaves(&served->bootloader))
        start_program(served);
    unsigned own = served->board ? LINK_BAUD : BOOTLOADER_BAUD;
    size_t count = came > 0 ? as_heard(bytes, (size_t)came, sizeof bytes, baud_of(served->terminal), own) : 0;
    if (served->board)
        serve_program(served, bytes, count);
    else
        for (size_t n = 0; n < count; n++)
            bootloader_take(&served->bootloader, bytes[n], now());
}

static void notice_opening(struct served *served)
{
    bool open = is_open(served->terminal);
    if (open && !served->open) {
        throw_away_input(served->terminal);
        reset_board(served, CAUSE_WARM);
    }
    served->open = open;
}

/* Wait for bytes, or until the board has something to do. */
static void wait_for(const struct served *served, const sigset_t *signals)
{
    uint64_t clock = now(), due = bootloader_leaves(&served->bootloader);
    if (served->board)
        due = host_next(served->board) + served->started;
    uint64_t ticks = due > clock ? due - clock : 0;
    uint64_t most = (uint64_t)IDLE_MS * LINK_TICK_RATE / 1000;
    if (!served->open || ticks > most)
        ticks = most;
    struct timespec limit = {0, (long)(ticks * NANOSECONDS_A_TICK)};
    struct pollfd input = {.fd = served->terminal, .events = POLLIN};
    ppoll(&input, served->open ? 1 : 0, &limit, signals);
}

static void catch_signals(sigset_t *outside)
{
    static const int NUMBERS[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t n = 0; n < sizeof NUMBERS / sizeof *NUMBERS; n++) {
        sigaction(NUMBERS[n], &action, NULL);
        sigaddset(&blocked, NUMBERS[n]);
    }
    sigprocmask(SIG_BLOCK, &blocked, outside); /* let in only while waiting */
}

int main(int count, char **arguments)
{
    bool telling = count > 1 && !strcmp(arguments[1], "--edges");
    if (count > 1 + telling) {
        fprintf(stderr, "usage: %s [--edges]\n", arguments[0]);
        return 2;
    }
    sigset_t outside;
    catch_signals(&outside);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* whoever started it may be killed */
#endif
    struct served served = {.terminal = open_terminal(), .boot = (uint32_t)now(), .telling = telling};
    reset_board(&served, CAUSE_POWER_ON);
    printf("%s\n", ptsname(served.terminal));
    fflush(stdout);
    while (!ending) {
        notice_opening(&served);
        if (resetting) {
            resetting = 0;
            reset_board(&served, CAUSE_WARM);
        }
        serve(&served);
        wait_for(&served, &outside);
    }
    return 0;
}
