/** That a session was seen is noted beside the request, which does not fail when the note can't be written. */

import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeLog } from '../support/log.ts';
import { refuseWrites } from '../support/refused-writes.ts';
import { makeUser, quickHashing, signedIn, startService, whoamiStatus } from '../support/service.ts';

onEachEngine('A request is served when its session can not be noted as seen', async (t, engine) => {
  const { log, lines } = makeLog();
  const { app, settings } = await startService(t, engine, { hashing: quickHashing, log });
  await makeUser(app, 'ann');
  const advance = stopTheClock(t);
  const ann = await signedIn(app, 'ann');
  await refuseWrites(engine, settings.DATABASE_URL, 'UPDATE ON sessions');
  lines.length = 0;
  advance(6 * 60);
  t.equal(await whoamiStatus(ann), 200);
  t.match(
    lines.map((line): unknown => JSON.parse(line)),
    [
      {
        level: 40,
        msg: 'the use or the end of a session or token could not be written',
        err: {},
        requestId: /./,
      },
    ],
  );

  lines.length = 0;
  advance(6 * 60);
  t.equal((await ann.request('POST', '/api/sign/out')).statusCode, 204);
  t.same(
    lines.map((line): unknown => JSON.parse(line).msg),
    ['signed-out'],
    'what ends is not noted as seen',
  );
});
