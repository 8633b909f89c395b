/** A TCP proxy between the service and its database that simulates network failures at chosen statements. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';

/**
 * What happens to a packet from the service. `passed`: it is forwarded. `lost`: the connection closes before it arrives.
 * `unanswered`: it arrives, and the connection closes before the answer. `silent`: it is dropped, and the connection stays
 * open without an answer.
 */
type Outcome = 'passed' | 'lost' | 'unanswered' | 'silent';

export class TcpProxy {
  /** Decides what happens to each packet from the service; a packet contains the text of a statement. */
  decide: (packet: string) => Outcome = () => 'passed';
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
        const outcome = this.decide(data.toString('latin1'));
        if (outcome === 'lost') client.destroy();
        if (outcome === 'unanswered') answered = false;
        if (outcome === 'passed' || outcome === 'unanswered') upstream.write(data);
      });
      upstream.on('data', (data) => {
        if (answered) client.write(data);
        else client.destroy();
      });
    });
  }

  /** Closes all connections and refuses new ones. */
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

/**
 * Applies an outcome to the first `times` packets that contain `text`, counted from the first packet that contains
 * `after`.
 */
export class NetworkFault {
  /** How many packets with `text` the service has sent. */
  sent = 0;
  readonly decide: TcpProxy['decide'];
  constructor(text: string, outcome: Outcome, { times = 1, after = '' } = {}) {
    let armed = false;
    this.decide = (packet) => {
      armed ||= packet.includes(after);
      if (!armed || !packet.includes(text)) return 'passed';
      this.sent++;
      return this.sent <= times ? outcome : 'passed';
    };
  }
}
