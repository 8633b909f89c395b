/** Queries for the networks from which users have signed in. */
import { and, gt } from '../drizzle.ts';
import type { Engine, Tables } from '../engines/engine.ts';
import { equals, placeholder, placeholdersFor, typedPlaceholder } from '../schema/column-types.ts';

type KnownNetwork = Tables['knownNetworks']['$inferSelect'];

export function knownNetworkQueries({ build, readOne, write, tables: { knownNetworks } }: Engine) {
  const ofKey = equals(knownNetworks.key, 'key');
  const isAlive = gt(knownNetworks.expiresAt, placeholder('now'));
  const select = () => build.select({ key: knownNetworks.key }).from(knownNetworks);
  const any = readOne(select().where(ofKey));
  const alive = readOne(select().where(and(ofKey, isAlive)));
  const insert = write(
    build.insert(knownNetworks).values(placeholdersFor(knownNetworks, 'key', 'userId', 'expiresAt')),
    1,
  );
  const expiresAt = typedPlaceholder('expiresAt', knownNetworks.expiresAt);
  const update = write(build.update(knownNetworks).set({ expiresAt }).where(ofKey), 1);

  return {
    isKnown: async (key: string, now: number) => (await alive({ key, now })) !== undefined,
    /** @returns the step that keeps the network. It fails when another request has added or removed it meanwhile. */
    keep: async ({ key, ...network }: KnownNetwork) =>
      (await any({ key })) ? update({ key, ...network }) : insert({ key, ...network }),
  };
}
