/** Sends bytes to the service over a connection of their own, as HTTP libraries would not, and reads what comes back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { App } from '../../app.ts';
import { DEADLINE } from './running.ts';

/** Lets the app listen. @returns its port. */
export async function listen(app: App): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (typeof address !== 'object' || !address) throw new Error('The service does not listen.');
  return address.port;
}

/** @returns a connection, once it is there. It fails when nothing happens on it for long. */
export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(DEADLINE, () =>
    socket.destroy(new Error('The connection stays open, and nothing comes')),
  );
  await once(socket, 'connect');
  return socket;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** @returns the answers in what a server has sent, each with the length that it says. @throws when there is anything else. */
export function answersIn(received: string): Answer[] {
  if (received === '') return [];
  const [head = ''] = received.split('\r\n\r\n', 1);
  const [line = '', ...fields] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
  if (!status) throw new Error(`This is no answer: ${received.slice(0, 200)}`);
  const headers = Object.fromEntries(
    fields.map((field) => {
      const [name = '', ...value] = field.split(': ');
      return [name.toLowerCase(), value.join(': ')];
    }),
  );
  const start = head.length + 4;
  const end = start + Number(headers['content-length'] ?? 0);
  const answer = { status, headers, body: received.slice(start, end) };
  return [answer, ...answersIn(received.slice(end))];
}

/** Sends the bytes, and closes nothing. @returns the answers, once the server has closed the connection. */
export async function exchange(port: number, bytes: string | Uint8Array): Promise<Answer[]> {
  const socket = await open(port);
  const received = text(socket);
  socket.write(bytes);
  return answersIn(await received);
}

/** @returns a request with a body, of HTTP/1.1. */
export function post(path: string, body: object): string {
  const content = JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`;
}

/** The beginning of a sign-in, to which a test adds headers of its own. */
export const SIGN_IN = 'POST /api/sign/in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

/** @returns the problem in an answer, and whether its id is that of the header. */
export function problemIn({ status, headers, body }: Answer) {
  const { type, requestId } = JSON.parse(body);
  const kind = String(type).replace('urn:rollcall:problem:', '');
  return { status, kind, hasId: requestId === headers['x-request-id'] && /./.test(requestId) };
}

export const statusesOf = (answers: Answer[]) => answers.map(({ status }) => status);

/** Sends a GET request on a connection that stays open. @returns its answer, which must have a length. */
export async function get(
  socket: Socket,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  let received = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  const read = (data: Buffer) => {
    received += data;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(received)?.[1];
    if (length && received.length >= received.indexOf('\r\n\r\n') + 4 + Number(length)) resolve();
  };
  socket.on('data', read);
  const lines = Object.entries({ host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  await promise;
  socket.off('data', read);
  const [answer] = answersIn(received);
  if (!answer) throw new Error('There is no answer.');
  return answer;
}
