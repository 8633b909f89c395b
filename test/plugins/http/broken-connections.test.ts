/** Answers that are in progress when a connection breaks go out whole, each request has one answer, and the connection closes. */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { onEachEngine } from '../../support/engines.ts';
import { makeLog, warningsIn } from '../../support/log.ts';
import { until } from '../../support/running.ts';
import { makeUser, PASSWORD, quickHashing, startService } from '../../support/service.ts';
import {
  answersIn,
  exchange,
  listen,
  open,
  post,
  problemIn,
  SIGN_IN,
  statusesOf,
} from '../../support/sockets.ts';

onEachEngine('An answer in progress goes out whole before a broken request is refused', async (t, engine) => {
  const { promise: isLookedAt, resolve: lookedAt } = Promise.withResolvers<void>();
  const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
  const hashing = {
    ...quickHashing,
    async verify(hashed: string | null | undefined, password: string) {
      lookedAt();
      await mayGoOn;
      return quickHashing.verify(hashed, password);
    },
  };
  const { log, lines } = makeLog();
  const { app } = await startService(t, engine, { hashing, log });
  await makeUser(app, 'ann');
  const port = await listen(app);

  t.test('Garbage that comes while a password is looked at waits for the answer', async (t) => {
    const socket = await open(port);
    const received = text(socket);
    socket.write(post('/api/sign/in', { username: 'ann', password: PASSWORD }));
    await isLookedAt;
    const broken = once(app.server, 'clientError');
    socket.write('GARBAGE\r\n\r\n');
    await broken;
    socket.write('MORE OF IT\r\n\r\n');
    goOn();
    const [signIn, ...others] = answersIn(await received);
    t.match(signIn, { status: 200, headers: { 'set-cookie': /^rollcall=/ } });
    t.strictSame(others.map(problemIn), [{ status: 400, kind: 'malformed', hasId: true }]);
  });

  t.test('A request that was refused before its body came gets no second answer', async (t) => {
    const socket = await open(port);
    const received = text(socket);
    socket.write(`${SIGN_IN.replace('sign/in', 'users')}Transfer-Encoding: chunked\r\n\r\n`);
    await once(socket, 'readable');
    socket.write('zz\r\n');
    t.strictSame(statusesOf(answersIn(await received)), [401]);
  });

  t.test('A body that breaks while it is read is answered once', async (t) => {
    const socket = await open(port);
    const received = text(socket);
    const [request] = await Promise.all([
      once(app.server, 'request').then(([first]) => first),
      socket.write(`${SIGN_IN}Transfer-Encoding: chunked\r\n\r\n`),
    ]);
    await until('the service reads the body', () => request.listenerCount('data') > 0 || undefined);
    socket.write('zz\r\n');
    const answers = answersIn(await received);
    t.strictSame(answers.map(problemIn), [{ status: 400, kind: 'malformed', hasId: true }]);
    t.strictSame(warningsIn(lines), []);
  });

  t.test('A client that goes on sending garbage gets its answer', async (t) => {
    const answers = await exchange(port, 'GARBAGE\r\n\r\n'.repeat(100_000));
    t.strictSame(statusesOf(answers), [400]);
  });

  t.test('A client that closes nothing is closed', async (t) => {
    const socket = await open(port);
    const [server] = await Promise.all([
      once(app.server, 'clientError').then(([, closed]) => once(closed, 'close')),
      socket.write('GARBAGE\r\n\r\n'),
    ]);
    t.strictSame(server, [false]);
    socket.destroy();
  });
});
