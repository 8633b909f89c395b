/** The minimum of a request in Node: a constant body. */
import { createServer } from 'node:http';

const BODY = JSON.stringify({ name: 'constant', version: '1.0.0' });

const server = createServer((_request, response) => {
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': BODY.length,
  });
  response.end(BODY);
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.stdout.write('listens on\n'));
