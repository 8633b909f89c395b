/**
 * The reference: the same handlers and prepared queries without authentication. The difference between Rollcall and
 * this is the cost of authentication.
 */
import list from '../../routes/api/users/list.ts';
import read from '../../routes/api/users/read.ts';
import { change, makeBareApp } from './without-auth.ts';

const app = await makeBareApp();
await app.register(list, { prefix: '/api/users' });
await app.register(read, { prefix: '/api/users' });
await app.register(change, { prefix: '/api/users' });
app.get('/', async () => ({ name: 'bare', version: '1.0.0' }));
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.stdout.write('listens on\n');
