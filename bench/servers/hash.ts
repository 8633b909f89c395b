/** The minimum of a sign-in: it verifies one password against one hash, with unlimited concurrency. */
import { createServer } from 'node:http';
import { hash, verify } from '@node-rs/argon2';
import { PASSWORD } from '../people.ts';

const hashed = await hash(PASSWORD);

const server = createServer(async (request, response) => {
  for await (const _chunk of request) {
  }
  response.statusCode = (await verify(hashed, PASSWORD)) ? 200 : 500;
  response.end();
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.stdout.write('listens on\n'));
