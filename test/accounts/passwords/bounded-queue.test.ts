/** The queue of requests that look at a password. */
import { mock } from 'node:test';
import { test } from 'tap';
import { BusyError } from '../../../accounts/errors.ts';
import { BoundedQueue } from '../../../accounts/passwords/bounded-queue.ts';

test('A request that has waited for two seconds is refused, and takes no slot', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const queue = new BoundedQueue(1, 2);
  const slot = await queue.acquire();
  const late = queue.acquire();
  mock.timers.tick(1_000);
  const next = queue.acquire();
  mock.timers.tick(1_000);
  await t.rejects(late, BusyError);
  t.equal(queue.waiting, 1);

  slot[Symbol.dispose]();
  const following = await next;
  mock.timers.tick(5_000);
  t.same([queue.active, queue.waiting], [1, 0]);
  following[Symbol.dispose]();
  t.equal(queue.active, 0);
});
