/**
 * The networks from which users have signed in. Failed sign-ins from elsewhere do not keep a user out of these, so that nobody can
 * lock another out. The key is a digest of the user's id and the network.
 */
import type { ColumnTypes } from './column-types.ts';
import type { UsersTable } from './users.ts';

export const defineKnownNetworks = (t: ColumnTypes, users: UsersTable) =>
  t.table(
    'known_networks',
    {
      key: t.digest().primaryKey(),
      userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      /** Each sign-in from the network moves it. */
      expiresAt: t.instant().notNull(),
    },
    (networks) => [
      t.index('known_networks_user').on(networks.userId),
      t.index('known_networks_expires').on(networks.expiresAt),
    ],
  );
