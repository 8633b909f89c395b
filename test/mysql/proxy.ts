/** A proxy between the service and its database that loses, at a chosen statement, what a bad network would lose. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';

/**
 * What becomes of a statement, or of the connection with it: it is passed on; it is lost with the connection; it
 * arrives, but the connection is lost before the answer; it is lost, and the connection stays and is silent.
 */
type Fate = 'passed' | 'lost' | 'unanswered' | 'silent';

export class TcpProxy {
  /** Decides over each piece that the service sends, which holds a statement's text. */
  fate: (sent: string) => Fate = () => 'passed';
  /** Whether new connections are closed at once. */
  refusing = false;
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: number) {
    this.#server = createServer((client) => {
      if (this.refusing) return client.destroy();
      const upstream = connect(target, '127.0.0.1');
      const both = [client, upstream];
      for (const socket of both) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          for (const each of both) each.destroy();
        });
      }
      let answered = true;
      client.on('data', (data) => {
        const fate = this.fate(data.toString('latin1'));
        if (fate === 'lost') client.destroy();
        if (fate === 'unanswered') answered = false;
        if (fate === 'passed' || fate === 'unanswered') upstream.write(data);
      });
      upstream.on('data', (data) => {
        if (answered) client.write(data);
        else client.destroy();
      });
    });
  }

  /** Ends all connections and lets no new ones in. */
  cutOff(): void {
    this.refusing = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  async start(t: Test): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address) this.port = address.port;
    t.teardown(() => {
      this.cutOff();
      this.#server.close();
    });
  }
}

/** What befalls the first pieces with that text, once another one has been seen; `sent` counts all of them. */
export class Mishap {
  sent = 0;
  readonly fate: TcpProxy['fate'];
  constructor(text: string, fate: Fate, { times = 1, after = '' } = {}) {
    let armed = false;
    this.fate = (piece) => {
      armed ||= piece.includes(after);
      if (!armed || !piece.includes(text)) return 'passed';
      this.sent++;
      return this.sent <= times ? fate : 'passed';
    };
  }
}
