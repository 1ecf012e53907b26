/* The core: everything about the link and the strikes that is not a register.
 *
 * The caller owns the memory and calls core_poll from its main loop, at least every millisecond while strikes are queued; it takes less than that. The core
 * never waits, allocates nothing and calls only the functions of board.h.
 */
#ifndef XYLOPHONE_CORE_H
#define XYLOPHONE_CORE_H

#include "state.h"

/* Begin. What coils have spent is kept when the memory has survived, CAUSE_WARM: no coil cools by a reset. */
void core_init(struct core *core, struct board *board, struct identity identity);

/* One turn of the main loop. True when it found something to do, and so may again at once. */
bool core_poll(struct core *core);

#endif
