/** How long a stop may take, in milliseconds. A worker gives up before the primary does. */

/** After this, a serving process closes the connections that still have unanswered requests. */
export const DRAIN_DEADLINE = 10_000;
/** After this, the primary kills a worker. */
export const KILL_DEADLINE = 12_000;
