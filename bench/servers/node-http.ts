/** The least that Node does for a request: a constant body, and nothing else. */
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
