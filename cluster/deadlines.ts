/** How long stopping may take, in milliseconds: each process has a little less than whoever waits for it. */

/** A process that serves then ends the connections whose requests are still not answered. */
export const DRAIN_DEADLINE = 10_000;
/** The primary then kills a worker. */
export const KILL_DEADLINE = 12_000;
