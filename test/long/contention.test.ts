/**
 * Several workers write the same rows at the same time, so MySQL rolls back one side of each deadlock. No write may be
 * lost by that, and clients should not notice it. Thousands of times; `npm test` does so in hundreds.
 */
import { contend } from '../support/contention.ts';
import { FAST_FLAGS, onOwnServer } from '../support/own-server.ts';

onOwnServer('Two workers can write the same rows at the same time', FAST_FLAGS, (t, server) =>
  contend(t, server, { times: 2_000, requests: 1_000 }),
);
