#include "frame.h"

#include "crc.h"

static bool whole(const struct frame_reader *reader)
{
    uint8_t count = reader->count;
    if (reader->damaged || reader->left || count < FRAME_HEAD + 2 || count != reader->content[0] + FRAME_HEAD + 2)
        return false;
    uint16_t crc = CRC_START;
    for (uint8_t n = 0; n < count - 2; n++)
        crc = crc_add(crc, reader->content[n]);
    crc = (uint16_t)~crc;
    return reader->content[count - 2] == (uint8_t)crc && reader->content[count - 1] == (uint8_t)(crc >> 8);
}

static void keep(struct frame_reader *reader, uint8_t byte)
{
    uint8_t count = reader->count;
    if (count < FRAME_CONTENT) {
        reader->content[count] = byte;
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

uint8_t frame_write(uint8_t out[FRAME_LONGEST], uint8_t sequence, uint8_t type, const uint8_t *payload, uint8_t length)
{
    uint8_t code = 0, at = 1;
    uint16_t crc = CRC_START;
    for (uint8_t n = 0; n < length + FRAME_HEAD + 2; n++) {
        uint8_t byte;
        if (n == 0)
            byte = length;
        else if (n == 1)
            byte = sequence;
        else if (n == 2)
            byte = type;
        else if (n < length + FRAME_HEAD)
            byte = payload[n - FRAME_HEAD];
        else
            byte = (uint8_t)(n == length + FRAME_HEAD ? ~crc : ~crc >> 8);
        if (n < length + FRAME_HEAD)
            crc = crc_add(crc, byte);
        if (byte) {
            out[at++] = byte;
        } else {
            out[code] = (uint8_t)(at - code);
            code = at++;
        }
    }
    out[code] = (uint8_t)(at - code);
    out[at++] = 0;
    return at;
}
