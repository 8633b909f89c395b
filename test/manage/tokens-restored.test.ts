/** A restore keeps or ends API tokens, and brings none back that has ended since the backup. */
import { join } from 'node:path';
import { tokensIn } from '../../accounts/tokens.ts';
import { commandsOn, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeFolder } from '../support/processes.ts';
import {
  Client,
  makeToken,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

onEachEngine('Tokens stay that are in the backup and have not ended since, or all end', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const command = commandsOn(settings.DATABASE_URL);
  const file = join(makeFolder(t), 'copy');
  const restore = ['db', 'restore', file, '--no-keep-replaced', '--tokens'];
  const status = (token: { headers: Record<string, string> }) => whoamiStatus(new Client(app), token.headers);
  await makeUser(app, 'ann');
  const ann = await signedIn(app, 'ann');
  const [living, ended] = [await makeToken(ann), await makeToken(ann)];
  succeeds(t, await command(['db', 'backup', file]));
  t.equal((await ann.request('DELETE', `/api/tokens/${ended.id}`)).statusCode, 204);
  const later = await makeToken(ann);

  succeeds(t, await command([...restore, 'keep']));
  t.same([await status(living), await status(ended), await status(later)], [200, 401, 401]);
  succeeds(t, await command([...restore, 'end']));
  t.equal(await status(living), 401);
  t.strictSame(await tokensIn(app.db).pageOfAll('', 9), []);
});
