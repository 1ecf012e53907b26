/*
 * A Raspberry Pi below the system calls: preloaded, it answers for /dev/gpiochip0, /dev/spidev0.*, /dev/i2c-1 and the
 * file with the Pi's revision, so that the real lgpio, gpiozero and smbus2 run in ordinary processes.
 *
 * What is physical is one `struct world` in the file that FAKE_PI names. There is no lock, since a process can be
 * killed or stopped anywhere: a change is made to a copy of the world in a slot that no other process touches, and is
 * there from the instant at which `head` names that slot; where another change came first it is made anew. An owner of
 * a line holds a lock of its open file on one byte of the state, which the kernel lets go of when the last process
 * that has the file is dead, as it does with a line; the level stays, as on Raspberry Pi OS.
 *
 * Layout: fake_pi.py has the same structures; every process compares `size`.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/spi/spidev.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 54, CHIPS = 4, REGISTERS = 22, PENDING = 64, SLOTS = 256, LOGGED = 1 << 16, FILES = 1024, BUFFER = 4096 };
enum { IODIR = 0x00, IPOL = 0x02, IOCON = 0x0A, INTF = 0x0E, GPIO = 0x12, OLAT = 0x14, SEQOP = 0x20 };
enum device { GPIOCHIP, SPI0, SPI1, I2C, REVISION, DEVICES, LINE, NONE };
enum coils { BY_595, BY_MCP, BY_PINS, KINDS };

struct entry {
    int64_t index, ns;
    uint64_t mask;
    int32_t kind, pid;
};

struct world {
    uint64_t driven, out, pulled_up, level; /* a bit a line; `level` follows from the others */
    uint64_t shift, latch;                  /* of the 74HC595, the chip nearest to the Pi lowest */
    uint64_t coils[KINDS];
    int64_t logged;                /* changes of coils so far; */
    struct entry pending[PENDING]; /* the last of them, that may not be in the log yet */
    int32_t pendings;
    int32_t owner[LINES]; /* process that asked for the line last */
    uint8_t reg[CHIPS][REGISTERS], pointer[CHIPS];
};

struct faults { /* `times`: how often from now on, -1 for ever */
    int32_t spi_times, spi_error, spi_delay_ms; /* delay -1: until it is set to something else */
    int32_t mosi_flip_times, miso_flip_times, flip_bit;
    int32_t miso, broken_after, broken_level; /* -1: no fault */
    int32_t i2c_times, i2c_error, i2c_delay_ms;
    int32_t absent[DEVICES], forbidden[DEVICES], line_error[LINES];
};

struct state {
    int32_t size, registers, enable_line, reset_line, revision, chips, pins;
    int32_t address[CHIPS], pin[LINES];
    struct faults faults;
    int64_t transfers, transactions; /* begun */
    uint64_t head;                   /* version << 8 | slot */
    int32_t claimed[SLOTS];          /* by a process */
    struct world worlds[SLOTS];
    struct entry log[LOGGED];
};

static struct state *pi;
static const char *state_path;
static struct file {
    int is; /* enum device + 1 */
    uint16_t count, address;
    uint8_t line[LINES];
} files[FILES];

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
#define GET(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)
#define SWAP(place, old, new_) __atomic_compare_exchange_n(&(place), &(old), new_, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

static int real_open(const char *path, int flags) { return REAL(open)(path, flags | O_CLOEXEC); }

__attribute__((constructor)) static void map(void) {
    state_path = getenv("FAKE_PI");
    int file = state_path ? real_open(state_path, O_RDWR) : -1;
    struct state *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *pi, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED || lseek(file, 0, SEEK_END) != sizeof *pi || mapped->size != (int32_t)sizeof *pi) {
        fprintf(stderr, "fake_pi: FAKE_PI must name a state of %zu bytes\n", sizeof *pi);
        _exit(99);
    }
    REAL(close)(file);
    state_path = strdup(state_path);
    pi = mapped;
}

static int64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static int fail(int error) {
    errno = error;
    return -1;
}

/* The world: how it changes, and what follows. */

static void note(const struct world *world) {
    for (int n = 0; n < world->pendings; n++)
        pi->log[world->pending[n].index % LOGGED] = world->pending[n];
}

static int claim(void) {
    int32_t self = getpid();
    for (unsigned n = (unsigned)self;; n++) {
        unsigned slot = n % SLOTS;
        int32_t owner = GET(pi->claimed[slot]);
        if ((owner && (kill(owner, 0) == 0 || errno != ESRCH)) || !SWAP(pi->claimed[slot], owner, self))
            continue;
        if ((GET(pi->head) & 0xFF) != slot)
            return (int)slot;
        __atomic_store_n(&pi->claimed[slot], 0, __ATOMIC_RELEASE);
    }
}

static uint64_t bit(int line) { return (uint64_t)1 << line; }

static void settle(struct world *world) {
    uint64_t undriven = (world->pulled_up | bit(pi->enable_line)) & ~bit(pi->reset_line), coils[KINDS] = {0, 0, 0};
    world->level = (world->out & world->driven) | (undriven & ~world->driven);
    if (!(world->level & bit(pi->enable_line)))
        coils[BY_595] = world->latch;
    for (int chip = 0; chip < pi->chips; chip++) {
        uint8_t *reg = world->reg[chip];
        if (!(world->level & bit(pi->reset_line))) {
            memset(reg, 0, REGISTERS);
            memset(reg + IODIR, 0xFF, 2);
            world->pointer[chip] = 0;
        }
        for (int port = 0; port < 2; port++)
            coils[BY_MCP] |= (uint64_t)(reg[OLAT + port] & ~reg[IODIR + port] & 0xFF) << (16 * chip + 8 * port);
    }
    for (int n = 0; n < pi->pins; n++)
        coils[BY_PINS] |= (world->level >> pi->pin[n] & 1) << n;
    for (int kind = 0; kind < KINDS; kind++)
        if (coils[kind] != world->coils[kind] && world->pendings < PENDING) {
            world->coils[kind] = coils[kind];
            world->pending[world->pendings++] =
                (struct entry){world->logged++, now_ns(), coils[kind], kind, getpid()};
        }
}

/* Take one step, which may be tried several times, in the world of all processes; a step returns -errno. */
static int change(int (*step)(struct world *, void *), void *about) {
    for (;;) {
        int slot = claim(), done = 0, result = 0;
        struct world *world = &pi->worlds[slot];
        uint64_t head = GET(pi->head);
        memcpy(world, &pi->worlds[head & 0xFF], sizeof *world);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (GET(pi->head) == head) { /* the copy is whole */
            note(world);
            world->pendings = 0;
            result = step(world, about);
            settle(world);
            if ((done = SWAP(pi->head, head, ((head >> 8) + 1) << 8 | (unsigned)slot)))
                note(world);
        }
        __atomic_store_n(&pi->claimed[slot], 0, __ATOMIC_RELEASE);
        if (done)
            return result < 0 ? fail(-result) : result;
    }
}

static void look(struct world *world) {
    uint64_t head;
    do {
        head = GET(pi->head);
        memcpy(world, &pi->worlds[head & 0xFF], sizeof *world);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } while (GET(pi->head) != head);
}

/* Faults. */

static int comes(int32_t *times) {
    int32_t left = GET(*times);
    while (left > 0 && !SWAP(*times, left, left - 1))
        ;
    return left != 0;
}

static void wait_for(const int32_t *delay_ms) {
    const struct timespec pause = {0, 1000000};
    for (int64_t begin = now_ns(); GET(*delay_ms) < 0 || now_ns() - begin < GET(*delay_ms) * 1000000LL;)
        nanosleep(&pause, NULL);
}

static int new_file(const char *path, int is) {
    int file = real_open(path, O_RDWR);
    if (file >= FILES) {
        REAL(close)(file);
        return fail(EMFILE);
    }
    if (file >= 0)
        files[file] = (struct file){.is = is + 1};
    return file;
}

/* Lines. */

struct setting {
    const struct file *of;
    uint64_t flags, mask, bits;
};

static int set_levels(struct world *world, void *about) {
    const struct setting *asked = about;
    for (int n = 0; n < asked->of->count; n++) {
        uint64_t line = bit(asked->of->line[n]);
        if (asked->mask & bit(n) && !(world->driven & line))
            return -EPERM;
        if (asked->mask & bit(n))
            world->out = asked->bits & bit(n) ? world->out | line : world->out & ~line;
    }
    return 0;
}

static int set_directions(struct world *world, void *about) {
    const struct setting *asked = about;
    for (int n = 0; n < asked->of->count; n++) {
        uint64_t line = bit(asked->of->line[n]);
        world->owner[asked->of->line[n]] = getpid();
        if (asked->flags & GPIO_V2_LINE_FLAG_BIAS_PULL_UP)
            world->pulled_up |= line;
        if (asked->flags & (GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN | GPIO_V2_LINE_FLAG_BIAS_DISABLED))
            world->pulled_up &= ~line; /* a line that floats is low */
        if (asked->flags & GPIO_V2_LINE_FLAG_INPUT)
            world->driven &= ~line;
        if (asked->flags & GPIO_V2_LINE_FLAG_OUTPUT)
            world->driven |= line;
    }
    return asked->flags & GPIO_V2_LINE_FLAG_OUTPUT ? set_levels(world, about) : 0;
}

static int lock_of(int file, int line, int command) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = line, .l_len = 1};
    int failed = fcntl(file, command, &lock);
    return command == F_OFD_GETLK ? !failed && lock.l_type != F_UNLCK : failed;
}

static int request_lines(struct gpio_v2_line_request *asked) {
    const uint64_t known = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_OUTPUT | GPIO_V2_LINE_FLAG_BIAS_PULL_UP |
                           GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN | GPIO_V2_LINE_FLAG_BIAS_DISABLED;
    if (!asked->num_lines || asked->num_lines > LINES || asked->config.flags & ~known)
        return fail(EINVAL);
    int file = new_file(state_path, LINE), error = 0;
    if (file < 0)
        return -1;
    for (unsigned n = 0; n < asked->num_lines && !error; n++) {
        uint32_t line = asked->offsets[n];
        error = line >= LINES ? EINVAL : GET(pi->faults.line_error[line]);
        if (!error && lock_of(file, (int)line, F_OFD_SETLK))
            error = EBUSY;
        files[file].line[files[file].count++] = (uint8_t)line;
    }
    struct setting setting = {&files[file], asked->config.flags, ~(uint64_t)0, 0};
    for (unsigned n = 0; n < asked->config.num_attrs; n++)
        if (asked->config.attrs[n].attr.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
            setting.bits = asked->config.attrs[n].attr.values & asked->config.attrs[n].mask;
    if (error || change(set_directions, &setting) < 0) {
        close(file);
        return fail(error);
    }
    asked->fd = file;
    return 0;
}

static int chip_ioctl(unsigned long request, void *argument) {
    if (request == GPIO_V2_GET_LINE_IOCTL)
        return request_lines(argument);
    if (request == GPIO_GET_CHIPINFO_IOCTL) {
        *(struct gpiochip_info *)argument = (struct gpiochip_info){"gpiochip0", "pinctrl-bcm2711", LINES};
        return 0;
    }
    struct gpio_v2_line_info *info = argument;
    if (request != GPIO_V2_GET_LINEINFO_IOCTL || info->offset >= LINES)
        return fail(request == GPIO_V2_GET_LINEINFO_IOCTL ? EINVAL : ENOTTY);
    struct world world;
    look(&world);
    int file = real_open(state_path, O_RDWR), used = lock_of(file, (int)info->offset, F_OFD_GETLK);
    REAL(close)(file);
    *info = (struct gpio_v2_line_info){.offset = info->offset};
    snprintf(info->name, sizeof info->name, "GPIO%u", info->offset);
    strcpy(info->consumer, used ? "lg" : "");
    info->flags = (world.driven & bit((int)info->offset) ? GPIO_V2_LINE_FLAG_OUTPUT : GPIO_V2_LINE_FLAG_INPUT) |
                  (used ? GPIO_V2_LINE_FLAG_USED : 0u);
    return 0;
}

static int line_ioctl(const struct file *of, unsigned long request, void *argument) {
    struct gpio_v2_line_values *values = argument;
    if (request == GPIO_V2_LINE_SET_VALUES_IOCTL)
        return change(set_levels, &(struct setting){of, 0, values->mask, values->bits});
    if (request != GPIO_V2_LINE_GET_VALUES_IOCTL)
        return fail(ENOTTY);
    struct world world;
    look(&world);
    values->bits = 0;
    for (int n = 0; n < of->count; n++)
        values->bits |= (world.level >> of->line[n] & 1) << n & values->mask;
    return 0;
}

/* The chain of 74HC595. Behind a broken cable there is no clock either, so chips there keep what they have. */

struct transfer {
    uint32_t length;
    int mosi_flip, miso_flip;
    uint8_t out[BUFFER], in[BUFFER];
};

static int shift(struct world *world, void *about) {
    struct transfer *transfer = about;
    int32_t broken = GET(pi->faults.broken_after), stuck = GET(pi->faults.miso), clocked = 8 * pi->registers;
    int top = clocked - 1;
    if (broken >= 0 && broken < pi->registers) {
        clocked = 8 * broken;
        stuck = GET(pi->faults.broken_level);
    }
    uint64_t mask = clocked ? ~(uint64_t)0 >> (64 - clocked) : 0;
    memset(transfer->in, 0, transfer->length);
    for (uint32_t n = 0; n < 8 * transfer->length; n++) {
        uint64_t out = (transfer->out[n / 8] >> (7 - n % 8) & 1) ^ ((int)n == transfer->mosi_flip);
        uint64_t in = stuck >= 0 ? (uint64_t)stuck : world->shift >> top & 1;
        transfer->in[n / 8] |= (uint8_t)((in ^ ((int)n == transfer->miso_flip)) << (7 - n % 8));
        world->shift = (world->shift & ~mask) | ((world->shift << 1 | out) & mask);
    }
    world->latch = (world->latch & ~mask) | (world->shift & mask);
    return 0;
}

static int spi_ioctl(unsigned long request, void *argument) {
    struct spi_ioc_transfer *part = argument;
    if (_IOC_TYPE(request) != SPI_IOC_MAGIC || _IOC_DIR(request) != _IOC_WRITE)
        return fail(ENOTTY);
    if (_IOC_NR(request) != 0) /* mode, bits per word, speed */
        return 0;
    struct transfer transfer = {0, -1, -1, {0}, {0}};
    if (_IOC_SIZE(request) != sizeof *part || part->len > BUFFER)
        return fail(part->len > BUFFER ? EMSGSIZE : EINVAL);
    __atomic_fetch_add(&pi->transfers, 1, __ATOMIC_ACQ_REL);
    wait_for(&pi->faults.spi_delay_ms);
    if (comes(&pi->faults.spi_times))
        return fail(GET(pi->faults.spi_error));
    transfer.length = part->len;
    transfer.mosi_flip = comes(&pi->faults.mosi_flip_times) ? GET(pi->faults.flip_bit) : -1;
    transfer.miso_flip = comes(&pi->faults.miso_flip_times) ? GET(pi->faults.flip_bit) : -1;
    if (part->tx_buf)
        memcpy(transfer.out, (const void *)(uintptr_t)part->tx_buf, part->len);
    change(shift, &transfer);
    if (part->rx_buf)
        memcpy((void *)(uintptr_t)part->rx_buf, transfer.in, part->len);
    return (int)part->len;
}

/* MCP23017, registers as with IOCON.BANK = 0; nothing is connected to its inputs, which read low. */

static uint8_t get_register(const uint8_t *reg, int at) {
    if (at == GPIO || at == GPIO + 1) /* pins, the inputs among them inverted where IPOL says so */
        return (uint8_t)((reg[at + 2] & ~reg[at - GPIO]) | (reg[at - GPIO] & reg[at - GPIO + IPOL]));
    return reg[at];
}

static void set_register(uint8_t *reg, int at, uint8_t value) {
    if (at == IOCON || at == IOCON + 1)
        reg[IOCON] = reg[IOCON + 1] = value & 0x7E;
    else if (at == GPIO || at == GPIO + 1)
        reg[at + 2] = value;
    else if (at < INTF || at >= OLAT) /* what lies between can only be read */
        reg[at] = value;
}

static int i2c_transaction(struct world *world, void *about) {
    const struct i2c_rdwr_ioctl_data *asked = about;
    for (unsigned m = 0; m < asked->nmsgs; m++) {
        struct i2c_msg *message = &asked->msgs[m];
        int chip = 0;
        while (chip < pi->chips && pi->address[chip] != message->addr)
            chip++;
        if (chip == pi->chips || !(world->level & bit(pi->reset_line)))
            return -EREMOTEIO;
        uint8_t *reg = world->reg[chip], *pointer = &world->pointer[chip];
        for (int n = 0; n < message->len; n++) {
            if (!(message->flags & I2C_M_RD) && n == 0) {
                *pointer = message->buf[0] % REGISTERS;
                continue;
            }
            if (message->flags & I2C_M_RD)
                message->buf[n] = get_register(reg, *pointer);
            else
                set_register(reg, *pointer, message->buf[n]);
            *pointer = reg[IOCON] & SEQOP ? *pointer ^ 1 : (uint8_t)((*pointer + 1) % REGISTERS);
            settle(world);
        }
    }
    return (int)asked->nmsgs;
}

static int i2c_transfer(struct i2c_rdwr_ioctl_data *asked) {
    __atomic_fetch_add(&pi->transactions, 1, __ATOMIC_ACQ_REL);
    wait_for(&pi->faults.i2c_delay_ms);
    return comes(&pi->faults.i2c_times) ? fail(GET(pi->faults.i2c_error)) : change(i2c_transaction, asked);
}

/* SMBus as the kernel emulates it: a command, then bytes there or back. */
static int smbus(uint16_t address, struct i2c_smbus_ioctl_data *asked) {
    uint8_t out[2 + I2C_SMBUS_BLOCK_MAX] = {asked->command}, *data = asked->data ? asked->data->block : NULL;
    int reads = asked->read_write == I2C_SMBUS_READ, command = 1;
    uint16_t length = 0;
    if (asked->size == I2C_SMBUS_BYTE) {
        length = command = reads;
        command = !reads;
    } else if (asked->size == I2C_SMBUS_BYTE_DATA || asked->size == I2C_SMBUS_WORD_DATA) {
        length = asked->size == I2C_SMBUS_BYTE_DATA ? 1 : 2; /* low byte first, as in this machine */
    } else if (asked->size == I2C_SMBUS_I2C_BLOCK_DATA && data[0] <= I2C_SMBUS_BLOCK_MAX) {
        length = *data++;
    } else {
        return fail(asked->size == I2C_SMBUS_I2C_BLOCK_DATA ? EINVAL : EOPNOTSUPP);
    }
    if (!reads && length)
        memcpy(out + 1, data, length);
    struct i2c_msg message[2] = {{address, 0, (uint16_t)(command + (reads ? 0 : length)), out},
                                 {address, I2C_M_RD, length, data}};
    struct i2c_rdwr_ioctl_data all = {command ? message : message + 1, (unsigned)(command + reads)};
    return i2c_transfer(&all) < 0 ? -1 : 0;
}

static int i2c_ioctl(struct file *file, unsigned long request, void *argument) {
    switch (request) {
    case I2C_FUNCS:
        *(unsigned long *)argument = I2C_FUNC_I2C | (I2C_FUNC_SMBUS_EMUL & ~I2C_FUNC_SMBUS_QUICK);
        return 0;
    case I2C_SLAVE:
    case I2C_SLAVE_FORCE:
        file->address = (uint16_t)(uintptr_t)argument;
        return 0;
    case I2C_RDWR:
        return i2c_transfer(argument);
    case I2C_SMBUS:
        return smbus(file->address, argument);
    default:
        return fail(ENOTTY);
    }
}

/* The system calls. */

int ioctl(int file, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    struct file *of = file >= 0 && file < FILES ? &files[file] : NULL;
    switch (of ? of->is - 1 : NONE) {
    case GPIOCHIP:
        return chip_ioctl(request, argument);
    case LINE:
        return line_ioctl(of, request, argument);
    case SPI0:
    case SPI1:
        return spi_ioctl(request, argument);
    case I2C:
        return i2c_ioctl(of, request, argument);
    default:
        return REAL(ioctl)(file, request, argument);
    }
}

int close(int file) {
    if (file >= 0 && file < FILES)
        files[file].is = 0;
    return REAL(close)(file);
}

static int open_revision(void) {
    uint32_t big = __builtin_bswap32((uint32_t)pi->revision);
    int file = memfd_create("revision", MFD_CLOEXEC);
    return file >= 0 && pwrite(file, &big, sizeof big, 0) == sizeof big ? file : -1;
}

/* Open what this Pi has; -2 for any other path. */
static int open_device(const char *path) {
    static const char *const paths[DEVICES] = {
        "/dev/gpiochip0", "/dev/spidev0.0", "/dev/spidev0.1", "/dev/i2c-1", "/proc/device-tree/system/linux,revision"};
    for (int device = 0; pi && device < DEVICES; device++)
        if (!strcmp(path, paths[device])) {
            if (GET(pi->faults.absent[device]) || GET(pi->faults.forbidden[device]))
                return fail(GET(pi->faults.absent[device]) ? ENOENT : EACCES);
            return device == REVISION ? open_revision() : new_file("/dev/null", device);
        }
    return -2;
}

#define OPEN(name, parameters, path, flags, ...)                                                                       \
    int name parameters {                                                                                              \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                        \
        va_end(rest);                                                                                                  \
        int file = open_device(path);                                                                                  \
        return file == -2 ? REAL(name)(__VA_ARGS__, mode) : file;                                                      \
    }
OPEN(open, (const char *path, int flags, ...), path, flags, path, flags)
OPEN(open64, (const char *path, int flags, ...), path, flags, path, flags)
OPEN(openat, (int at, const char *path, int flags, ...), path, flags, at, path, flags)
OPEN(openat64, (int at, const char *path, int flags, ...), path, flags, at, path, flags)
