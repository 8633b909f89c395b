/** "manage doctor" finds what is wrong with an installation, says what to do, and changes nothing. */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Test, test } from 'tap';
import { makeSecret } from '../../config/secret.ts';
import type { Finding } from '../../manage/doctor/finding.ts';
import { setTheClockBack, stopTheClock } from '../support/clock.ts';
import { answerAsService } from '../support/control.ts';
import { query, rowsOf } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeFile } from '../support/files.ts';
import { makeFolder, manage } from '../support/processes.ts';

const KEYS = `${makeSecret()},${makeSecret()}`;

/** Asserts that it finds that. @returns all findings as "level about: text". */
async function finds(t: Test, environment: Record<string, string>, ...expected: RegExp[]): Promise<string[]> {
  const { code, stdout } = await manage(['doctor', '--json'], { environment });
  const lines = stdout.trim().split('\n');
  const findings = lines
    .map((line): Finding => JSON.parse(line))
    .map(({ level, about, text }) => `${level} ${about}: ${text}`);
  for (const text of expected) t.match(findings.join('\n'), text);
  t.equal(code, findings.some((line) => line.startsWith('fault')) ? 1 : 0);
  return findings;
}

onEachEngine('"manage doctor" looks at the database', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const environment = { DATABASE_URL: url, SECRET_KEY: KEYS };
  if (name === 'SQLite') {
    await finds(t, environment, /^fault database: There is no database at .* makes it/m);
    t.strictSame(readdirSync(dirname(url.slice('sqlite:'.length))), [], 'it makes no database');
  }
  t.match(await manage(['db', 'upgrade', '0004'], { environment }), { code: 0 });
  await finds(t, environment, /^fault schema: The database is behind: 0005_known_networks .*db upgrade/m);
  t.match(await manage(['db', 'upgrade'], { environment }), { code: 0 });

  const before = await rowsOf(url);
  const found = await finds(
    t,
    environment,
    /^ok secret: SECRET_KEY has 2 keys$/m,
    /^ok schema: .* 0005_known_networks$/m,
    /^ok secret: the older keys in SECRET_KEY can go: no session lives$/m,
    name === 'SQLite'
      ? /^ok database: the file is sound$/m
      : /^ok clock: the clock of 127\.0\.0\.1:\d+ agrees/m,
  );
  t.notOk(found.some((line) => line.startsWith('fault')));
  t.notMatch(found.join('\n'), /Galera/, 'a single server belongs to no cluster');
  t.strictSame(await rowsOf(url), before);
  t.match(await manage(['doctor'], { environment }), { code: 0, stdout: /^ok {7}schema {4}/m, stderr: '' });

  const id = '01900000-0000-7000-8000-000000000000';
  const seen = Date.now() - 5_000;
  await query(
    url,
    `INSERT INTO users (id, created_at, updated_at, username, username_key) VALUES ('${id}', 1, 1, 'ann', 'ann')`,
  );
  await query(
    url,
    `INSERT INTO sessions (\`key\`, id, user_id, created_at, last_seen_at, confirmed_at, expires_at, ends_at, address, user_agent)
     VALUES ('k', '${id}', '${id}', ${seen}, ${seen}, ${seen}, ${seen + 1e7}, ${seen + 1e7}, '', '')`,
  );
  const since = new Date(seen).toISOString();
  await finds(t, environment, new RegExp(`^ok secret: .* newest one since before ${since}:`, 'm'));

  stopTheClock(t);
  setTheClockBack(100);
  await finds(
    t,
    environment,
    new RegExp(`^fault clock: the newest audit entry or session is of ${since}, which is in the future`, 'm'),
    name === 'SQLite' ? /^/ : /^fault clock: the clock of \S+ differs by \d+ s .*NTP/m,
  );
});

onEachEngine('"manage doctor" tells of a server that does not answer', async (t, { name }) => {
  if (name === 'SQLite') return;
  const environment = { DATABASE_URL: 'mysql://root:geheim@127.0.0.1:1/rollcall' };
  const found = await finds(t, environment, /^fault database: 127\.0\.0\.1:1: /m);
  t.notMatch(found.join('\n'), /geheim/);
});

test('"manage doctor" looks at settings and files', async (t) => {
  const { path, engine } = await makeFile(t);
  await engine.close();
  const folder = makeFolder(t);
  const DATABASE_URL = `sqlite:${path}`;
  await finds(t, { DATABASE_URL, PORT: 'x' }, /^fault settings: PORT is "x"/m);
  await finds(
    t,
    { DATABASE_URL },
    /^ok settings: /m,
    /^ok secret: the next start makes a key/m,
    /^ok disk: /m,
  );
  const made = join(dirname(path), 'secret.key');
  t.notOk(existsSync(made));
  writeFileSync(made, 'short\n', { mode: 0o600 });
  await finds(t, { DATABASE_URL }, /^fault secret: The secret key's file \S+ holds no key of 32 characters/m);
  rmSync(made);

  await finds(t, { DATABASE_URL }, /^warning service: No service runs with PORT=5000/m);
  const stop = await answerAsService(t, { DATABASE_URL });
  await finds(
    t,
    { DATABASE_URL },
    /^ok service: version \S+ runs at http:\S+$/m,
    /^fault files: \S+control-5000\.sock is open/m,
  );
  stop();
  await answerAsService(t, { DATABASE_URL }, '0.0.1');
  await finds(t, { DATABASE_URL }, /^warning service: version 0\.0\.1 .* Reload or restart it/m);

  const [configuration, key] = [join(folder, 'production.env'), join(folder, 'key')];
  writeFileSync(key, makeSecret(), { mode: 0o644 });
  writeFileSync(configuration, `SECRET_KEY_FILE=${key}\nDATABASE_URL=${DATABASE_URL}\n`, { mode: 0o644 });
  chmodSync(path, 0o640);
  await finds(
    t,
    { APP_CONFIG_FILE: configuration },
    new RegExp(`^fault files: ${key} is open to every user .*mode 0644.*chmod 600`, 'm'),
    new RegExp(`^warning files: ${path} is open to its group .*mode 0640`, 'm'),
  );
  writeFileSync(configuration, `SECRET_KEY=${KEYS}\nDATABASE_URL=${DATABASE_URL}\n`);
  await finds(
    t,
    { APP_CONFIG_FILE: configuration },
    new RegExp(`^fault files: ${configuration} is open to every`, 'm'),
  );

  writeFileSync(path, readFileSync(path).subarray(0, 20_000));
  await finds(t, { DATABASE_URL }, /^fault database: .*(damaged|malformed).*/m);
});
