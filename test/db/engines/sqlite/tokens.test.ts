/** A request with a token reads the token and its owner's permissions. SQLite's engine caches these rows; see row-cache.test.ts. */
import { tokensIn } from '../../../../accounts/tokens.ts';
import { onEachEngine } from '../../../support/engines.ts';
import { openServing, userNamed } from '../../../support/files.ts';

onEachEngine('A cached token is never stale', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const [{ db }, other] = [await openServing(t, url), await openServing(t, url)];
  const user = userNamed('ann');
  const token = {
    key: `${user.id}-------`,
    id: user.id,
    userId: user.id,
    name: 'robot',
    scopes: ['audit:read'],
  };
  await db.atomically([db.users.add(user, 1), tokensIn(db).add({ ...token, expiresAt: null }, 1)]);
  for (let reads = 0; reads < 3; reads++)
    t.match(await tokensIn(db).find(token.key), { scopes: token.scopes });
  if (name === 'SQLite')
    t.ok(Object.isFrozen((await tokensIn(db).find(token.key))?.scopes), 'the cached scopes are frozen');

  const group = { ...userNamed('writers'), name: 'writers', title: '', permissions: ['users:write'] };
  const belongs = { groupId: group.id, userId: user.id, role: 'member' as const };
  const permissions = async () => (await tokensIn(db).find(token.key))?.permissions;
  t.strictSame(await permissions(), []);
  await other.db.atomically([...other.db.groups.add(group, 1), other.db.memberships.add(belongs, 1)]);
  t.strictSame(await permissions(), ['users:write'], 'when another connection put its owner into a group');
  await db.atomically(db.groups.setPermissions(group.id, ['tea:make']));
  t.strictSame(await permissions(), ['tea:make'], 'when this connection changed what the group carries');
  await other.db.atomically([other.db.memberships.remove(group.id, user.id, 'member')]);
  t.strictSame(await permissions(), [], 'when its owner has left the group');

  if (name === 'SQLite') t.ok(Object.isFrozen(await permissions()), 'the cached permissions are frozen');

  await other.db.atomically([tokensIn(other.db).touch(token.key, 2, 2)]);
  t.match(await tokensIn(db).find(token.key), { lastUsedAt: 2 });
  const disabled = { ...user, pendingEmail: null, version: 1, active: false };
  await other.db.atomically([other.db.users.change(disabled, 2)]);
  t.match(await tokensIn(db).find(token.key), { active: false });
  await other.db.atomically([tokensIn(other.db).end(user.id, token.id)]);
  t.equal(await tokensIn(db).find(token.key), undefined);
});
