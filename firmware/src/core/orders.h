/* What the host orders: each message, once its frame has been found whole and in sequence. */
#ifndef XYLOPHONE_ORDERS_H
#define XYLOPHONE_ORDERS_H

#include "state.h"

/* Whether a type is known and its payload may have this length; and whether it is sequenced. */
bool order_fits(uint8_t type, uint8_t length, bool *sequenced);

/* Whether the queue has room for the strikes of a message; true for all other types. */
bool order_has_room(const struct core *core, uint8_t type, uint8_t length);

void order_carry_out(struct core *core, uint8_t type, const uint8_t *payload, uint8_t length);

/* Go on with the checksum of a COMMIT; true. */
bool order_check(struct core *core);

/* All coils off, queue empty, no strikes any more; a fault other than FAULT_NONE is latched. */
void order_disarm(struct core *core, uint8_t fault);

/* A strike for a clock is not played. */
void order_refuse(struct core *core, uint32_t clock, uint8_t reason, uint32_t now);

#endif
