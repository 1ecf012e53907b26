#include "frame.h"

#include "crc.h"

/* The checksum over a whole frame and its checksum is a constant: X.25, section 2.2.7. */
#define CRC_OF_WHOLE 0xF0B8u

static bool whole(const struct frame_reader *reader)
{
    uint8_t count = reader->count;
    return !reader->damaged && !reader->left && count >= FRAME_HEAD + 2 &&
        count == reader->content[0] + FRAME_HEAD + 2 && reader->crc == CRC_OF_WHOLE;
}

static void keep(struct frame_reader *reader, uint8_t byte)
{
    uint8_t count = reader->count;
    if (count < FRAME_CONTENT) {
        reader->content[count] = byte;
        reader->crc = crc_add(count ? reader->crc : CRC_START, byte);
        reader->count = (uint8_t)(count + 1);
    } else {
        reader->damaged = true;
    }
}

static enum frame_status end(struct frame_reader *reader)
{
    enum frame_status status = !reader->begun ? FRAME_MORE : whole(reader) ? FRAME_READY : FRAME_DAMAGED;
    reader->count = reader->left = 0;
    reader->begun = reader->damaged = false;
    return status;
}

enum frame_status frame_take(struct frame_reader *reader, uint8_t byte)
{
    if (byte == 0)
        return end(reader);
    if (reader->left) {
        reader->left--;
        keep(reader, byte);
        return FRAME_MORE;
    }
    if (reader->begun)
        keep(reader, 0);
    reader->begun = true;
    reader->left = (uint8_t)(byte - 1);
    if (byte == 0xFF) /* no frame has a block as long as that */
        reader->damaged = true;
    return FRAME_MORE;
}

uint8_t frame_write(uint8_t out[FRAME_LONGEST], uint8_t sequence, uint8_t type, uint8_t length)
{
    uint8_t *content = out + 1, *end = frame_room(out) + length;
    content[0] = length;
    content[1] = sequence;
    content[2] = type;
    uint16_t crc = CRC_START;
    for (const uint8_t *at = content; at < end; at++)
        crc = crc_add(crc, *at);
    *end++ = (uint8_t)~crc;
    *end++ = (uint8_t)(~crc >> 8);
    uint8_t *zero = end; /* each 00 becomes how far it is to the next one */
    *end = 0;
    for (uint8_t *at = end - 1; at > out; at--)
        if (!*at) {
            *at = (uint8_t)(zero - at);
            zero = at;
        }
    out[0] = (uint8_t)(zero - out);
    return (uint8_t)(end + 1 - out);
}
