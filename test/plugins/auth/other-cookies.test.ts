/** Other services on a host set cookies, too. Ours is the one whose whole name is ours, wherever it stands in the header. */
import { onEachEngine } from '../../support/engines.ts';
import {
  Client,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

onEachEngine('The session is found among the cookies of other services', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'ann');
  const { cookie = '' } = await signedIn(app, 'ann');
  const value = cookie.replace(/^rollcall=/, '');
  for (const [header, status] of [
    [cookie, 200],
    [`other=1; ${cookie}`, 200],
    [`other=1;${cookie}`, 200],
    [`${cookie} ; other=1`, 200],
    [`rollcall=another; ${cookie}`, 200],
    [`my-rollcall=another; ${cookie}`, 200],
    [`my-rollcall=${value}`, 401],
    [`my_rollcall=${value}; other=1`, 401],
    [`rollcall2=${value}`, 401],
    [`other=rollcall=${value}`, 401],
  ] as const)
    t.equal(await whoamiStatus(new Client(app), { cookie: header }), status, header.replace(value, 'VALUE'));
});
