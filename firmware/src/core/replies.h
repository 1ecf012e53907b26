/* What the board says. At most one reply of a kind is due; the newest counts. */
#ifndef XYLOPHONE_REPLIES_H
#define XYLOPHONE_REPLIES_H

#include "state.h"

enum {
    REPLY_ACK = 1,
    REPLY_SYNC = 2,
    REPLY_HELLO = 4,
    REPLY_STATUS = 8,
    REPLY_BOOT = 16,
};

/* Send one reply that is due, if the board has room for it; true when one was sent. */
bool replies_send(struct core *core);

#endif
