/** Gives back the memory that a start has left behind. */
import { createHook } from 'node:async_hooks';
import { promisify } from 'node:util';

const ticks: object[] = [];

/**
 * Keeps one of Node's ticks, of which each request takes some. A tick is an object, and when V8 collects all garbage while there
 * is none, it forgets what they look like, and makes each in a slow way from then on: 5 of the 55 µs of a signed-in request.
 */
function keepTick(): void {
  // Of promises it must not hear: they would be slower ever after.
  const hook = createHook({
    init(_id, type, _trigger, tick) {
      if (type === 'TickObject') ticks.push(tick);
    },
    trackPromises: false,
  });
  hook.enable();
  process.nextTick(() => {});
  hook.disable();
}

/**
 * Takes some 50 ms, in which nobody is answered; a worker then holds 20 MB less, and one process alone 35. V8's debugger is asked
 * for it, since for V8's own flag, `--expose-gc`, Node would compile its own modules anew: 30 ms of each start.
 */
export async function giveBackMemory(): Promise<void> {
  keepTick();
  try {
    const { Session } = await import('node:inspector');
    const session = new Session();
    session.connect();
    try {
      await promisify<string, void>(session.post.bind(session))('HeapProfiler.collectGarbage');
    } finally {
      session.disconnect();
    }
  } catch {
    // A Node that was built without its debugger, or that forbids it, serves all the same.
  }
}
