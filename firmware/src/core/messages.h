/* The messages of the serial link: little endian, widths in units of 2 us, ticks of 0.5 us. Written by
 * firmware/messages.py from messages.py of xylophone/link: change them there. */
#ifndef XYLOPHONE_MESSAGES_H
#define XYLOPHONE_MESSAGES_H

#define LINK_PROTOCOL 1u /* version of all that follows */
#define LINK_BAUD 250000u
#define LINK_TICK_RATE 2000000u /* ticks a second */
#define LINK_WIDTH_TICKS 4u /* ticks in a unit of pulse width */
#define LINK_SHORTEST_PULSE 50u /* units of pulse width */
#define LINK_LONGEST_PULSE 50000u /* units of pulse width */
#define LINK_LEAST_REST 1000u /* units of pulse width */
#define LINK_MOST_REFILL 16384u /* 1/65536 of a second a second */
#define LINK_MOST_CAPACITY 36000000u /* ticks */
#define LINK_CEILINGS_AT 64u /* address in EEPROM */
#define LINK_SILENCE 2000000u /* ticks without a valid frame that disarm */
#define LINK_BOOT_EVERY 500000u /* ticks between two BOOT until HELLO */
#define LINK_JOIN 32u /* ticks after a group's own tick within which a strike joins it */
#define LINK_GRID 64u /* ticks between two moments at which coils may go off */
#define LINK_NEAR 16u /* ticks around such a moment: nearer, a new group goes to the moment itself */
#define LINK_LONGEST_PAYLOAD 56u /* bytes */
#define LINK_STRIKES_IN_FRAME 8u /* at most */
#define LINK_UNSEQUENCED 0x80u /* sequence byte of a message that is never repeated */
#define LINK_RAW_STOP_0 0x00u /* the emergency stop below all frames, byte by byte */
#define LINK_RAW_STOP_1 0xFFu
#define LINK_RAW_STOP_2 0xE5u
#define LINK_RAW_STOP_3 0x00u

/* To the board: Begin: the board disarms, empties its queue, sets its counters to 0 and expects sequence
 * 0. */
#define MSG_HELLO 0x01u
#define SIZE_HELLO 4u
#define AT_HELLO_NONCE 0u /* u32 */

/* To the board: Ask for the board's clock. */
#define MSG_SYNC 0x02u
#define SIZE_SYNC 2u
#define AT_SYNC_TOKEN 0u /* u16 */

/* To the board: Ask for the counters. */
#define MSG_STATUS 0x03u
#define SIZE_STATUS 0u

/* To the board: Stop in an emergency: all coils off, queue empty, fault STOPPED until CLEAR. */
#define MSG_ESTOP 0x04u
#define SIZE_ESTOP 0u

/* To the board: Limits of one channel; only while the board is not armed. */
#define MSG_CHANNEL_CONFIG 0x10u
#define SIZE_CHANNEL_CONFIG 11u
#define AT_CHANNEL_CONFIG_CHANNEL 0u /* u8 */
#define AT_CHANNEL_CONFIG_LONGEST 1u /* u16 */
#define AT_CHANNEL_CONFIG_REST 3u /* u16 */
#define AT_CHANNEL_CONFIG_REFILL 5u /* u16 */
#define AT_CHANNEL_CONFIG_CAPACITY 7u /* u32 */

/* To the board: End the configuration; fault CONFIG unless the board computes the same checksum. */
#define MSG_COMMIT 0x11u
#define SIZE_COMMIT 3u
#define AT_COMMIT_SIMULTANEOUS 0u /* u8 */
#define AT_COMMIT_CRC 1u /* u16 */

/* To the board: Allow strikes; refused for another boot id, without COMMIT, and while a fault is latched. */
#define MSG_ARM 0x12u
#define SIZE_ARM 4u
#define AT_ARM_BOOT 0u /* u32 */

/* To the board: All coils off now, queue empty, no strikes any more. */
#define MSG_DISARM 0x13u
#define SIZE_DISARM 0u

/* To the board: Up to 8 strikes, clocks never falling. */
#define MSG_STRIKES 0x14u
#define SIZE_STRIKES 56u /* at most: 1..8 strikes of SIZE_STRIKE */
#define SIZE_STRIKE 7u
#define AT_STRIKE_CLOCK 0u /* u32 */
#define AT_STRIKE_CHANNEL 4u /* u8 */
#define AT_STRIKE_WIDTH 5u /* u16 */

/* To the board: Take back all strikes of the queue at or after a clock; the order mark goes back too. */
#define MSG_CANCEL 0x15u
#define SIZE_CANCEL 4u
#define AT_CANCEL_CLOCK 0u /* u32 */

/* To the board: Forget a latched fault; the board stays disarmed. */
#define MSG_CLEAR 0x16u
#define SIZE_CLEAR 0u

/* All that a board takes, as X(name, code, size, sequenced): bytes of payload (for STRIKES at most so
 * many); sequenced is 1 or 0. */
#define LINK_MESSAGES_TO_BOARD(X) \
    X(HELLO, 0x01u, SIZE_HELLO, 0) \
    X(SYNC, 0x02u, SIZE_SYNC, 0) \
    X(STATUS, 0x03u, SIZE_STATUS, 0) \
    X(ESTOP, 0x04u, SIZE_ESTOP, 0) \
    X(CHANNEL_CONFIG, 0x10u, SIZE_CHANNEL_CONFIG, 1) \
    X(COMMIT, 0x11u, SIZE_COMMIT, 1) \
    X(ARM, 0x12u, SIZE_ARM, 1) \
    X(DISARM, 0x13u, SIZE_DISARM, 1) \
    X(STRIKES, 0x14u, SIZE_STRIKES, 1) \
    X(CANCEL, 0x15u, SIZE_CANCEL, 1) \
    X(CLEAR, 0x16u, SIZE_CLEAR, 1)

/* To the host: The board has started and waits for HELLO. */
#define MSG_BOOT 0x40u
#define SIZE_BOOT 24u
#define AT_BOOT_BOOT 0u /* u32 */
#define AT_BOOT_PROTOCOL 4u /* u8 */
#define AT_BOOT_VERSION 5u /* u16 */
#define AT_BOOT_BOARD 7u /* u8 */
#define AT_BOOT_CHANNELS 8u /* u8 */
#define AT_BOOT_TICK_RATE 9u /* u32 */
#define AT_BOOT_SLOTS 13u /* u16 */
#define AT_BOOT_LONGEST 15u /* u16 */
#define AT_BOOT_CAUSE 17u /* u8 */
#define AT_BOOT_CONFIG_CRC 18u /* u16 */
#define AT_BOOT_NONCE 20u /* u32 */

/* To the host: Who the board is. */
#define MSG_HELLO_REPLY 0x41u
#define SIZE_HELLO_REPLY 24u
#define AT_HELLO_REPLY_BOOT 0u /* u32 */
#define AT_HELLO_REPLY_PROTOCOL 4u /* u8 */
#define AT_HELLO_REPLY_VERSION 5u /* u16 */
#define AT_HELLO_REPLY_BOARD 7u /* u8 */
#define AT_HELLO_REPLY_CHANNELS 8u /* u8 */
#define AT_HELLO_REPLY_TICK_RATE 9u /* u32 */
#define AT_HELLO_REPLY_SLOTS 13u /* u16 */
#define AT_HELLO_REPLY_LONGEST 15u /* u16 */
#define AT_HELLO_REPLY_CAUSE 17u /* u8 */
#define AT_HELLO_REPLY_CONFIG_CRC 18u /* u16 */
#define AT_HELLO_REPLY_NONCE 20u /* u32 */

/* To the host: The board's clock, and how it is. */
#define MSG_SYNC_REPLY 0x42u
#define SIZE_SYNC_REPLY 20u
#define AT_SYNC_REPLY_TOKEN 0u /* u16 */
#define AT_SYNC_REPLY_RECEIVED 2u /* u32 */
#define AT_SYNC_REPLY_SENT 6u /* u32 */
#define AT_SYNC_REPLY_BOOT 10u /* u16 */
#define AT_SYNC_REPLY_FREE 12u /* u16 */
#define AT_SYNC_REPLY_STATE 14u /* u8 */
#define AT_SYNC_REPLY_FAULT 15u /* u8 */
#define AT_SYNC_REPLY_FIRED 16u /* u16 */
#define AT_SYNC_REPLY_REFUSED 18u /* u16 */

/* To the host: Counters since HELLO. */
#define MSG_STATUS_REPLY 0x43u
#define SIZE_STATUS_REPLY 44u
#define AT_STATUS_REPLY_FIRED 0u /* u32 */
#define AT_STATUS_REPLY_CANCELLED 4u /* u32 */
#define AT_STATUS_REPLY_CHANNEL 8u /* u16 */
#define AT_STATUS_REPLY_WIDTH 10u /* u16 */
#define AT_STATUS_REPLY_ORDER 12u /* u16 */
#define AT_STATUS_REPLY_LATE 14u /* u16 */
#define AT_STATUS_REPLY_EARLY 16u /* u16 */
#define AT_STATUS_REPLY_REST 18u /* u16 */
#define AT_STATUS_REPLY_HEAT 20u /* u16 */
#define AT_STATUS_REPLY_OVERLOAD 22u /* u16 */
#define AT_STATUS_REPLY_DISARMED 24u /* u16 */
#define AT_STATUS_REPLY_DAMAGED 26u /* u16 */
#define AT_STATUS_REPLY_GAPS 28u /* u16 */
#define AT_STATUS_REPLY_OVERRUNS 30u /* u16 */
#define AT_STATUS_REPLY_FORCED 32u /* u16 */
#define AT_STATUS_REPLY_WORST_LATE 34u /* u32 */
#define AT_STATUS_REPLY_LEAST_NOTICE 38u /* u32 */
#define AT_STATUS_REPLY_SLOWEST_LOOP 42u /* u16 */

/* To the host: Answer to every sequenced frame; the sequence byte is the one that the board wants next. */
#define MSG_ACK 0x44u
#define SIZE_ACK 5u
#define AT_ACK_FREE 0u /* u16 */
#define AT_ACK_NAK 2u /* u8 */
#define AT_ACK_STATE 3u /* u8 */
#define AT_ACK_FAULT 4u /* u8 */

/* Why a board did not take a frame. */
enum {
    NAK_NONE = 0,
    NAK_DAMAGED = 1,
    NAK_GAP = 2,
    NAK_FULL = 3,
};

/* What has stopped a board, until CLEAR. */
enum {
    FAULT_NONE = 0,
    FAULT_STOPPED = 1,
    FAULT_STUCK = 2,
    FAULT_SILENT = 3,
    FAULT_CONFIG = 4,
};

/* Where a board is. */
enum {
    STATE_CONFIGURED = 1,
    STATE_ARMED = 2,
};

/* Why a board started, as far as it knows. */
enum {
    CAUSE_POWER_ON = 1,
    CAUSE_EXTERNAL = 2,
    CAUSE_BROWN_OUT = 4,
    CAUSE_WATCHDOG = 8,
    CAUSE_WARM = 16,
};

/* What runs the firmware. */
enum {
    BOARD_HOST = 0,
    BOARD_MEGA2560 = 1,
};

/* Why a board refuses a strike, in the order of the counters in STATUS_REPLY. */
enum {
    REFUSED_CHANNEL = 0,
    REFUSED_WIDTH = 1,
    REFUSED_ORDER = 2,
    REFUSED_LATE = 3,
    REFUSED_EARLY = 4,
    REFUSED_REST = 5,
    REFUSED_HEAT = 6,
    REFUSED_OVERLOAD = 7,
    REFUSED_DISARMED = 8,
    REFUSED_KINDS = 9,
};

#endif
