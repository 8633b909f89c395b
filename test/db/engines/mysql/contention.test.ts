/**
 * Several workers write the same rows at the same time, so MySQL rolls back one side of each deadlock. No write may be
 * lost by that, and clients should not notice it.
 */
import { contend } from '../../../support/contention.ts';
import { FAST_FLAGS, onOwnServer } from '../../../support/own-server.ts';

onOwnServer('Two workers can write the same rows at the same time', FAST_FLAGS, (t, server) =>
  contend(t, server, { times: 200, requests: 100 }),
);
