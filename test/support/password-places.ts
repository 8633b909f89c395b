/** Each place where a password is set, by the API and by commands, with settings that refuse some passwords. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { keyOf, makeSecret } from '../../accounts/secrets.ts';
import { loadSettings } from '../../config/load.ts';
import { makeId } from '../../db/ids.ts';
import { breachedFile } from './breached.ts';
import { commandsOn, fails } from './commands.ts';
import type { TestEngine } from './engines.ts';
import { makeFolder, type Result } from './processes.ts';
import { makeUser, PASSWORD, quickHashing, signedIn, startService } from './service.ts';

/** @returns the settings of passwords, and the environment that gives them to commands. */
function passwordSettings(t: Test) {
  const blocklist = join(makeFolder(t), 'blocklist.txt');
  // As an editor on Windows leaves it.
  const lines = ['', 'quarterly FIGURES', '', '  Acme 2026! ', 'annette@rollcall a.moss'];
  writeFileSync(blocklist, `\uFEFF${lines.join('\r\n')}`);
  const environment = {
    PASSWORD_MIN_LENGTH: '12',
    PASSWORD_BLOCKLIST: blocklist,
    BREACHED_PASSWORDS_FILE: breachedFile(t, ['breached battery', 'annette@rollcall a.moss', PASSWORD]),
  };
  const loaded = loadSettings({
    root: import.meta.dirname,
    environment: { ...environment, SIGN_UP: 'open' },
  });
  const { SIGN_UP, PASSWORD_MIN_LENGTH, PASSWORD_BLOCKLIST } = loaded;
  const { BREACHED_PASSWORDS_FILE } = environment;
  const settings = { SIGN_UP, PASSWORD_MIN_LENGTH, PASSWORD_BLOCKLIST, BREACHED_PASSWORDS_FILE };
  return { environment, settings };
}

const EMAIL = 'a.moss@example.org';
const PENDING = 'kingfisher@example.org';
/** Each request comes from another address, since some are bounded by network. */
let count = 0;

/** @returns the ways to set a password of Annette; each gives what is wrong with it, line by line. */
export async function startPasswordPlaces(t: Test, engine: TestEngine) {
  const { environment, settings } = passwordSettings(t);
  const { app, settings: all } = await startService(t, engine, { settings, hashing: quickHashing });
  const runCommand = commandsOn(all.DATABASE_URL, environment);
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');

  const addAnnette = async () => {
    const id = makeId();
    const passwordHash = await quickHashing.hash(PASSWORD);
    const user = { id, username: 'Annette', name: '', email: EMAIL, pendingEmail: PENDING, active: true };
    await app.db.atomically([app.db.users.add({ ...user, passwordHash }, Date.now())]);
    return id;
  };
  const post = (url: string, payload: object) =>
    app.inject({ method: 'POST', url, payload, remoteAddress: `10.0.${++count >> 8}.${count & 255}` });
  const answered = ({ statusCode, payload }: { statusCode: number; payload: string }): string[] => {
    if (statusCode < 300) return [];
    const { type, status, errors } = JSON.parse(payload);
    t.match({ type, status }, { type: 'urn:rollcall:problem:invalid', status: 400 }, payload);
    return errors.map(({ in: part, pointer, code, detail }: Record<string, string>) =>
      [part, pointer, code, detail].join(' '),
    );
  };
  const printed = (result: Result): string[] => {
    if (result.code === 0) return [];
    fails(t, result, /^manage: The password /);
    return result.stderr.split('\n').slice(0, -1);
  };

  const byApi: Record<string, (password: string) => Promise<string[]>> = {
    'signing up': async (password) =>
      answered(await post('/api/sign/up', { username: 'Annette', email: EMAIL, password })),
    'making a user': async (password) =>
      answered(await chief.request('POST', '/api/users', { username: 'Annette', email: EMAIL, password })),
    "changing one's own": async (password) => {
      const id = await addAnnette();
      const change = { current: PASSWORD, password };
      const annette = await signedIn(app, 'Annette');
      return answered(await annette.request('PUT', `/api/users/${id}/password`, change));
    },
    'setting it with a code': async (password) => {
      const userId = await addAnnette();
      const code = makeSecret('rcc_');
      const row = { key: keyOf(code), userId, issuerId: null, issuerTokenId: null };
      const now = Date.now();
      await app.db.atomically(app.db.codes.issue({ ...row, expiresAt: now + 60_000 }, now));
      return answered(await post('/api/sign/reset', { code, password }));
    },
  };
  const byCommand: typeof byApi = {
    'user create': async (password) =>
      printed(
        await runCommand(['user', 'create', 'Annette', '--email', EMAIL, '--password-stdin'], password),
      ),
    'user password': async (password) => {
      await addAnnette();
      return printed(await runCommand(['user', 'password', 'Annette', '--password-stdin'], password));
    },
  };
  /** @returns the hash of Annette's password, undefined when there is no such user, who is removed. */
  const takeHash = async () => {
    const found = await app.db.users.findCredentials('Annette');
    const row = found && (await app.db.users.find(found.id));
    if (row) await app.db.atomically([app.db.users.remove(row)]);
    return found?.passwordHash;
  };
  return { app, chief, settings, runCommand, byApi, byCommand, takeHash };
}
