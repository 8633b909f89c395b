/** Changes a database as another process would, so that what a measured server has cached is soon invalid. */
import { prepareQueries } from '../db/database.ts';
import { open } from './database.ts';
import { userId } from './people.ts';

/** In milliseconds. */
const INTERVAL = 10;

/** Changes the first user: now, and then again and again until the returned function is called. */
export async function keepWriting(url: string): Promise<() => Promise<void>> {
  const engine = await open(url);
  const db = prepareQueries(engine);
  const user = await db.users.find(userId(0));
  if (!user) throw new Error('There is no user to change.');
  let { version } = user;
  const change = () => db.atomically([db.users.change({ ...user, version: version++ }, Date.now())]);
  let last = change();
  const timer = setInterval(() => {
    last = last.then(change);
  }, INTERVAL);
  await last;
  return async () => {
    clearInterval(timer);
    await last;
    await engine.close();
  };
}
