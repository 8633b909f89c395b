/** Changes that only take effect on what was read: made again, on top of what others changed in between. */
import { setTimeout as delay } from 'node:timers/promises';

/** How often a change is tried: more only fail when many edit one thing at once. */
const TRIES = 20;

/**
 * Reads a thing and changes it, again and again while others change it in between.
 * @param read gives the thing as it is; what it throws ends the attempts.
 * @param change changes it provided that it is still as it was read; gives whether it did.
 * @returns whether it was changed; if not, too many others were quicker.
 */
export async function editPersistently<Thing>(
  read: () => Promise<Thing>,
  change: (thing: Thing) => Promise<boolean>,
): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (await change(await read())) return true;
    await delay(Math.random() * 5 * (tries + 1));
  }
  return false;
}
