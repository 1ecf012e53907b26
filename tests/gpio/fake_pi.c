/*
 * A Raspberry Pi below the system calls: preloaded, it answers for /dev/gpiochip*, /dev/spidev0.*, /dev/i2c-* and the
 * files with the Pi's model and revision, so that the real lgpio, gpiozero and smbus2 run in ordinary processes.
 *
 * Its state is one shared file, named by FAKE_PI, that outlives every process; fake_pi.py has the same layout. When
 * the owner of a pin has let go of it or died, the pin keeps its level, as on Raspberry Pi OS, or becomes an input, as
 * with a mainline kernel. On a Pi 5 the header is on gpiochip4, and gpiochip0 is another, or it is on gpiochip0. The
 * lock is taken over from an owner that holds it too long: a process can be killed or stopped anywhere.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/spi/spidev.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 28, CHAIN = 8, CHIPS = 8, REGISTERS = 22, LOGGED = 1 << 16, FILES = 1024 };
enum { IODIR = 0x00, GPIO = 0x12, OLAT = 0x14 };
enum device { NONE, CHIP, LINE, SPI, I2C, OTHER_CHIP, DEVICES };
enum coils { BY_595, BY_MCP, BY_PINS, KINDS };

struct entry {
    int64_t ns;
    uint64_t mask;
    int32_t kind, pid;
};

struct state {
    int32_t size, lock;
    /* What there is. */
    int32_t registers, enable_pin, reset_pin, revision, chips, pins;
    int32_t header, mainline; /* number of the header's gpiochip; whether a pin that nobody holds becomes an input */
    int32_t address[CHIPS], pin[LINES];
    int32_t absent[DEVICES], forbidden[DEVICES]; /* by device */
    /* Faults: how often from now on, -1 for ever. */
    int32_t spi_failures, i2c_failures, spi_noise, spi_delay_us, i2c_delay_us, pin_failures,
        pin_delay_us, miso;
    /* What it holds. */
    int32_t pull[LINES], level[LINES], driven[LINES], owner[LINES];
    uint8_t shift[CHAIN], latch[CHAIN], reg[CHIPS][REGISTERS], pointer[CHIPS];
    int64_t transfers, transactions;
    uint64_t coils[KINDS];
    int64_t logged;
    struct entry log[LOGGED];
};

static struct state *pi;
static enum device device_of[FILES];
static int line_of[FILES];

static int (*real_ioctl)(int, unsigned long, ...);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);

__attribute__((constructor)) static void map(void) {
    real_ioctl = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    real_close = (int (*)(int))dlsym(RTLD_NEXT, "close");
    const char *path = getenv("FAKE_PI");
    if (!path) /* loaded by the test itself, for bury_the_dead */
        return;
    int file = real_open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        fprintf(stderr, "fake_pi: FAKE_PI must name the state of a Pi\n");
        _exit(99);
    }
    pi = mmap(NULL, sizeof *pi, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    real_close(file);
    if (pi == MAP_FAILED || pi->size != (int32_t)sizeof *pi) {
        fprintf(stderr, "fake_pi: the state has %d bytes, not %zu\n", pi == MAP_FAILED ? -1 : pi->size, sizeof *pi);
        _exit(99);
    }
}

static int64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void take(void) {
    int64_t patience = now_ns() + 50000000;
    int32_t free_ = 0;
    while (!__atomic_compare_exchange_n(&pi->lock, &free_, getpid(), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        if (now_ns() > patience) { /* its owner was killed or stopped in here */
            __atomic_store_n(&pi->lock, getpid(), __ATOMIC_RELEASE);
            return;
        }
        free_ = 0;
    }
}

static void give(void) { __atomic_store_n(&pi->lock, 0, __ATOMIC_RELEASE); }

/* Physics: what is on now; noted when it has changed. */

static int level_or(int line, int undriven) { return pi->driven[line] ? pi->level[line] : undriven; }

static void reset_chips(void) {
    for (int chip = 0; chip < pi->chips; chip++) {
        memset(pi->reg[chip], 0, REGISTERS);
        memset(pi->reg[chip] + IODIR, 0xFF, 2);
    }
}

static void settle(void) {
    uint64_t coils[KINDS] = {0, 0, 0};
    if (!level_or(pi->enable_pin, 1))
        for (int n = 0; n < pi->registers; n++)
            coils[BY_595] |= (uint64_t)pi->latch[n] << 8 * n;
    if (!level_or(pi->reset_pin, 0))
        reset_chips();
    for (int chip = 0; chip < pi->chips && chip < 4; chip++)
        for (int port = 0; port < 2; port++)
            coils[BY_MCP] |=
                (uint64_t)(pi->reg[chip][OLAT + port] & (uint8_t)~pi->reg[chip][IODIR + port]) << (16 * chip + 8 * port);
    for (int n = 0; n < pi->pins; n++)
        coils[BY_PINS] |= (uint64_t)level_or(pi->pin[n], 0) << n;
    for (int kind = 0; kind < KINDS; kind++)
        if (coils[kind] != pi->coils[kind]) {
            pi->coils[kind] = coils[kind];
            pi->log[pi->logged % LOGGED] = (struct entry){now_ns(), coils[kind], kind, getpid()};
            pi->logged++;
        }
}

/* Whether the process that owns a line still lives; the kernel frees the lines of a dead one, and of a zombie. */
static int lives(int pid) {
    char path[32], content[256];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int file = real_open(path, O_RDONLY);
    if (file < 0)
        return 0;
    ssize_t length = read(file, content, sizeof content - 1);
    real_close(file);
    if (length <= 0)
        return 0;
    content[length] = 0;
    const char *end = strrchr(content, ')');
    return end && end[2] != 'Z' && end[2] != 'X';
}

static int fail(int error) {
    errno = error;
    return -1;
}

static int new_file(enum device device, int line) {
    int file = real_open("/dev/null", O_RDWR | O_CLOEXEC);
    if (file < 0 || file >= FILES)
        return fail(EMFILE);
    device_of[file] = device;
    line_of[file] = line;
    return file;
}

static int countdown(int32_t *times) {
    if (*times > 0)
        --*times;
    else if (*times == 0)
        return 0;
    return 1;
}

/* Pins. */

static void set_line(int line, int output, int level) {
    pi->driven[line] = output;
    pi->level[line] = output ? level : pi->pull[line];
    settle();
}

static void free_line(int line) {
    pi->owner[line] = 0;
    if (pi->mainline)
        set_line(line, 0, 0);
}

/* Free the pins of processes that have died: what the kernel does then. For the tests' own process. */
void bury_the_dead(struct state *of) {
    pi = of;
    for (int line = 0; line < LINES; line++) {
        int owner = pi->owner[line];
        if (!owner || lives(owner))
            continue;
        take();
        if (pi->owner[line] == owner)
            free_line(line);
        give();
    }
}

static int request_line(int line, int output, int level) {
    if (line < 0 || line >= LINES)
        return fail(EINVAL);
    int owner = pi->owner[line];
    if (owner && lives(owner))
        return fail(EBUSY);
    int file = new_file(LINE, line);
    if (file < 0)
        return file;
    take();
    pi->owner[line] = getpid();
    set_line(line, output, level);
    give();
    return file;
}

static int is_pi_5(void) { return (pi->revision >> 4 & 0xFF) == 0x17; }

static int chip_ioctl(unsigned long request, void *argument) {
    if (request == GPIO_GET_CHIPINFO_IOCTL) {
        struct gpiochip_info *info = argument;
        memset(info, 0, sizeof *info);
        sprintf(info->name, "gpiochip%d", pi->header);
        strcpy(info->label, is_pi_5() ? "pinctrl-rp1" : "pinctrl-bcm2711");
        info->lines = LINES;
        return 0;
    }
    if (request == GPIO_GET_LINEINFO_IOCTL) {
        struct gpioline_info *info = argument;
        info->flags = (pi->driven[info->line_offset] ? GPIOLINE_FLAG_IS_OUT : 0u) |
                      (pi->owner[info->line_offset] ? GPIOLINE_FLAG_KERNEL : 0u);
        return 0;
    }
    if (request == GPIO_V2_GET_LINEINFO_IOCTL) {
        struct gpio_v2_line_info *info = argument;
        info->flags = pi->driven[info->offset] ? GPIO_V2_LINE_FLAG_OUTPUT : GPIO_V2_LINE_FLAG_INPUT;
        return 0;
    }
    if (request == GPIO_GET_LINEHANDLE_IOCTL) {
        struct gpiohandle_request *asked = argument;
        if (asked->lines != 1)
            return fail(EINVAL);
        int output = !!(asked->flags & GPIOHANDLE_REQUEST_OUTPUT);
        asked->fd = request_line((int)asked->lineoffsets[0], output, asked->default_values[0]);
        return asked->fd < 0 ? -1 : 0;
    }
    if (request == GPIO_V2_GET_LINE_IOCTL) {
        struct gpio_v2_line_request *asked = argument;
        if (asked->num_lines != 1)
            return fail(EINVAL);
        int output = !!(asked->config.flags & GPIO_V2_LINE_FLAG_OUTPUT), level = 0;
        for (unsigned n = 0; n < asked->config.num_attrs; n++)
            if (asked->config.attrs[n].attr.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
                level = (int)(asked->config.attrs[n].attr.values & 1);
        asked->fd = request_line((int)asked->offsets[0], output, level);
        return asked->fd < 0 ? -1 : 0;
    }
    return fail(ENOTTY);
}

static int is_coil(int line) {
    for (int n = 0; n < pi->pins; n++)
        if (pi->pin[n] == line)
            return 1;
    return 0;
}

static int line_ioctl(int line, unsigned long request, void *argument) {
    if (request == GPIOHANDLE_GET_LINE_VALUES_IOCTL) {
        ((struct gpiohandle_data *)argument)->values[0] = (uint8_t)pi->level[line];
        return 0;
    }
    if (request == GPIO_V2_LINE_GET_VALUES_IOCTL) {
        ((struct gpio_v2_line_values *)argument)->bits = (uint64_t)pi->level[line];
        return 0;
    }
    int level;
    if (request == GPIOHANDLE_SET_LINE_VALUES_IOCTL)
        level = !!((struct gpiohandle_data *)argument)->values[0];
    else if (request == GPIO_V2_LINE_SET_VALUES_IOCTL)
        level = (int)(((struct gpio_v2_line_values *)argument)->bits & 1);
    else
        return fail(ENOTTY);
    if (!pi->driven[line])
        return fail(EPERM);
    if (pi->pin_delay_us && is_coil(line)) { /* once: whoever takes the pins then is not delayed */
        int delay = pi->pin_delay_us;
        pi->pin_delay_us = 0;
        usleep((useconds_t)delay);
    }
    take();
    if (is_coil(line) && countdown(&pi->pin_failures)) {
        give();
        return fail(EIO);
    }
    set_line(line, 1, level);
    give();
    return 0;
}

/* The chain of 74HC595: shift register byte 0 is the chip nearest to the Pi. */

static uint8_t shift_byte(uint8_t in) {
    uint8_t out = pi->registers ? pi->shift[pi->registers - 1] : 0xFF;
    memmove(pi->shift + 1, pi->shift, CHAIN - 1);
    pi->shift[0] = in;
    return pi->miso < 0 ? out : pi->miso ? 0xFF : 0;
}

static int spi_ioctl(unsigned long request, void *argument) {
    if (_IOC_TYPE(request) != SPI_IOC_MAGIC)
        return fail(ENOTTY);
    if (_IOC_NR(request) != 0) /* mode, bits, speed */
        return 0;
    struct spi_ioc_transfer *transfer = argument;
    if (pi->spi_delay_us)
        usleep((useconds_t)pi->spi_delay_us);
    take();
    pi->transfers++;
    if (countdown(&pi->spi_failures)) {
        give();
        return fail(EIO);
    }
    const uint8_t *out = (const uint8_t *)(uintptr_t)transfer->tx_buf;
    uint8_t *in = (uint8_t *)(uintptr_t)transfer->rx_buf;
    int noise = countdown(&pi->spi_noise);
    for (unsigned n = 0; n < transfer->len; n++) {
        uint8_t back = shift_byte((uint8_t)((out ? out[n] : 0) ^ (noise && n == 0 ? 0x10 : 0)));
        if (in)
            in[n] = back;
    }
    memcpy(pi->latch, pi->shift, CHAIN);
    settle();
    give();
    return (int)transfer->len;
}

/* MCP23017, registers as with IOCON.BANK = 0. */

static int i2c_message(struct i2c_msg *message) {
    int chip = 0;
    while (chip < pi->chips && pi->address[chip] != message->addr)
        chip++;
    if (chip == pi->chips || !level_or(pi->reset_pin, 0))
        return fail(EREMOTEIO);
    uint8_t *reg = pi->reg[chip], *pointer = &pi->pointer[chip];
    for (int n = 0; n < message->len; n++) {
        if (!(message->flags & I2C_M_RD) && n == 0) {
            *pointer = message->buf[0] % REGISTERS;
            continue;
        }
        if (message->flags & I2C_M_RD)
            message->buf[n] = reg[*pointer];
        else
            reg[*pointer == GPIO || *pointer == GPIO + 1 ? *pointer + 2 : *pointer] = message->buf[n];
        *pointer = (uint8_t)((*pointer + 1) % REGISTERS);
        settle();
    }
    return 0;
}

static int i2c_ioctl(unsigned long request, void *argument) {
    if (request == I2C_FUNCS) {
        *(unsigned long *)argument = I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
        return 0;
    }
    if (request != I2C_RDWR)
        return fail(ENOTTY);
    if (pi->i2c_delay_us)
        usleep((useconds_t)pi->i2c_delay_us);
    struct i2c_rdwr_ioctl_data *transaction = argument;
    take();
    pi->transactions++;
    int failed = countdown(&pi->i2c_failures) ? fail(EREMOTEIO) : 0;
    for (unsigned n = 0; n < transaction->nmsgs && !failed; n++)
        failed = i2c_message(&transaction->msgs[n]);
    int error = errno;
    give();
    errno = error;
    return failed ? -1 : (int)transaction->nmsgs;
}

/* The system calls. */

int ioctl(int file, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    switch (file >= 0 && file < FILES ? device_of[file] : NONE) {
    case CHIP:
        return chip_ioctl(request, argument);
    case LINE:
        return line_ioctl(line_of[file], request, argument);
    case SPI:
        return spi_ioctl(request, argument);
    case I2C:
        return i2c_ioctl(request, argument);
    case OTHER_CHIP: /* no pin of it is on the header */
        return fail(EINVAL);
    default:
        return real_ioctl(file, request, argument);
    }
}

int close(int file) {
    if (file >= 0 && file < FILES) {
        if (device_of[file] == LINE) {
            take();
            if (pi->owner[line_of[file]] == getpid())
                free_line(line_of[file]);
            give();
        }
        device_of[file] = NONE;
    }
    return real_close(file);
}

static int open_device(enum device device) {
    if (pi->absent[device])
        return fail(ENOENT);
    return pi->forbidden[device] ? fail(EACCES) : new_file(device, 0);
}

static int open_content(const void *content, size_t size) {
    int file = memfd_create("device-tree", MFD_CLOEXEC);
    if (file >= 0 && (write(file, content, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) != 0))
        return -1;
    return file;
}

static int open_revision(void) {
    uint32_t big = __builtin_bswap32((uint32_t)pi->revision);
    return open_content(&big, sizeof big);
}

static int open_model(void) {
    const char *model = getenv("FAKE_MODEL");
    model = model ? model : is_pi_5() ? "Raspberry Pi 5 Model B Rev 1.0" : "Raspberry Pi 4 Model B Rev 1.2";
    return open_content(model, strlen(model) + 1);
}

/* Which chip a path names: the header's, another one that is there too, or none. */
static enum device chip_at(const char *path) {
    if (!pi || strncmp(path, "/dev/gpiochip", 13))
        return NONE;
    int number = atoi(path + 13);
    return number == pi->header ? CHIP : number == 0 ? OTHER_CHIP : NONE;
}

static int opened(const char *path, int flags, mode_t mode) {
    if (chip_at(path))
        return open_device(chip_at(path));
    if (pi && !strncmp(path, "/dev/spidev0.", 13))
        return open_device(SPI);
    if (pi && !strcmp(path, "/dev/i2c-1"))
        return open_device(I2C);
    if (pi && !strcmp(path, "/proc/device-tree/system/linux,revision"))
        return open_revision();
    if (pi && !strcmp(path, "/proc/device-tree/model"))
        return open_model();
    return real_open ? real_open(path, flags, mode) : fail(ENOSYS);
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                        \
        va_end(rest);                                                                                                  \
        return opened(path, flags, mode);                                                                              \
    }
OPEN(open)
OPEN(open64)

/* Whether a chip is there is asked by stat. */
#define STAT(name, kind)                                                                                               \
    int name(const char *path, struct kind *found) {                                                                   \
        int (*real)(const char *, struct kind *) = (int (*)(const char *, struct kind *))dlsym(RTLD_NEXT, #name);      \
        enum device chip = chip_at(path);                                                                              \
        if (chip && pi->absent[chip])                                                                                  \
            return fail(ENOENT);                                                                                       \
        return real(chip ? "/dev/null" : path, found);                                                                 \
    }
STAT(stat, stat)
STAT(stat64, stat64)
