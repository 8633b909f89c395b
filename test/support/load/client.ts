/** One client of a load: it signs in, reads and writes in turn, one request after the other, and checks each answer whole. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { PASSWORD } from '../api.ts';
import type { Ledger } from './ledger.ts';

/** In milliseconds: how long a client waits for an answer, and before it goes on after a failure. */
const PATIENCE = 30_000;
const PAUSE_AFTER_FAILURE = 20;
/** After so many requests, a client signs in anew, and signs the session before out. */
const REQUESTS_PER_SESSION = 50;

export class Failure extends Error {
  /** Such as ECONNRESET, "500", "503 with Retry-After", "wrong answer", "stale" (an older name) or "slow". */
  readonly kind: string;
  /** When it happened, in milliseconds since 1970. */
  readonly at = Date.now();

  constructor(kind: string, message: string) {
    super(`${kind}: ${message}`);
    this.kind = kind;
  }
}

/** What all clients of a load share. */
export interface Shared {
  /** Where the service listens. After a failure, a client goes on with the next one. */
  urls: string[];
  ledger: Ledger;
  /** In milliseconds, after each request. */
  pause: number;
  watcher: {
    /** @param time in milliseconds. */
    succeeded(time: number, what: string): void;
    failed(failure: Failure): void;
  };
}

interface Sent {
  method: 'GET' | 'POST' | 'PATCH';
  path: string;
  body?: object;
  cookie?: string;
  status: number;
}

/** The fields of answers that clients look at. */
interface Content {
  id?: string;
  name?: string;
  user?: { id: string };
  session?: { id: string };
  items?: { id: string; username: string }[];
}

interface Answer {
  requestId: string;
  cookie: string;
  content: Content;
}

export interface User {
  id: string;
  username: string;
}

/** @returns the kind of an error of the connection. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && error.name !== 'TimeoutError' ? String(error.code) : error.name;
}

/** @throws {Failure} when the body is no JSON. */
function contentOf(body: string): Content {
  try {
    return body === '' ? {} : JSON.parse(body);
  } catch {
    throw new Failure('wrong answer', body);
  }
}

export class Client {
  readonly #shared: Shared;
  readonly #user: User;
  readonly #agent: Agent;
  #url = 0;
  #count = 0;
  #cookie = '';
  #sessionId = '';

  /** @param keepsAlive whether its requests share a connection; else each has its own. */
  constructor(shared: Shared, user: User, { number = 0, keepsAlive = true } = {}) {
    this.#shared = shared;
    this.#user = user;
    this.#url = number;
    this.#agent = new Agent({ keepAlive: keepsAlive });
  }

  /** Sends requests until the signal. A failure ends none of them. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#next();
        if (this.#shared.pause > 0) await delay(this.#shared.pause);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.#shared.watcher.failed(error);
        this.#url++;
        await delay(PAUSE_AFTER_FAILURE);
      }
    }
    this.#agent.destroy();
  }

  async #next(): Promise<void> {
    if (this.#cookie === '' || this.#count >= REQUESTS_PER_SESSION) return this.#renewSession();
    const count = this.#count++;
    if (count % 4 === 1) return this.#changeName();
    if (count % 8 === 7) return this.#makeGroup();
    if (count % 4 === 0) return this.#readSelf();
    return count % 4 === 2 ? this.#readSession() : this.#readList();
  }

  async #renewSession(): Promise<void> {
    const { ledger } = this.#shared;
    const [oldCookie, oldId] = [this.#cookie, this.#sessionId];
    // A sign-in that fails is not tried again at once: the service counts attempts that have no result.
    this.#count = 0;
    const body = { username: this.#user.username, password: PASSWORD };
    const { cookie, content } = await this.#write('a sign-in', {
      method: 'POST',
      path: '/api/sign/in',
      body,
      cookie: '',
      status: 200,
    });
    const { user, session } = content;
    this.#require(user?.id === this.#user.id && session !== undefined && cookie !== '', content);
    this.#cookie = cookie;
    this.#sessionId = session?.id ?? '';
    ledger.signedIn(this.#sessionId);
    if (!ledger.signingOut(oldId)) return;
    await this.#write('a sign-out', {
      method: 'POST',
      path: '/api/sign/out',
      cookie: oldCookie,
      status: 204,
    });
    ledger.signedOut(oldId);
  }

  async #changeName(): Promise<void> {
    const names = this.#shared.ledger.namesOf(this.#user.id);
    const name = this.#shared.ledger.newName();
    names.unanswered.push(name);
    const path = `/api/users/${this.#user.id}`;
    const { content } = await this.#write(`the name ${name}`, {
      method: 'PATCH',
      path,
      body: { name },
      status: 200,
    });
    this.#require(content.id === this.#user.id && content.name === name, content);
    this.#shared.ledger.named(this.#user.id, name);
  }

  async #makeGroup(): Promise<void> {
    const name = this.#shared.ledger.newName();
    const body = { name, permissions: [] };
    const sent: Sent = { method: 'POST', path: '/api/groups', body, status: 201 };
    const { content } = await this.#write(`the group ${name}`, sent);
    this.#require(content.name === name, content);
    this.#shared.ledger.groupMade(name);
  }

  async #readSelf(): Promise<void> {
    const { id } = this.#user;
    const names = this.#shared.ledger.namesOf(id);
    const { content } = await this.#send({ method: 'GET', path: `/api/users/${id}`, status: 200 });
    this.#require(content.id === id, content);
    const known = [names.acknowledged, ...names.unanswered];
    if (!known.includes(content.name ?? ''))
      throw new Failure(
        'stale',
        `the name is "${content.name}", and "${names.acknowledged}" was acknowledged`,
      );
  }

  async #readSession(): Promise<void> {
    const { content } = await this.#send({ method: 'GET', path: '/api/sign', status: 200 });
    this.#require(content.user?.id === this.#user.id && content.session?.id === this.#sessionId, content);
  }

  async #readList(): Promise<void> {
    const { content } = await this.#send({ method: 'GET', path: '/api/users?limit=5', status: 200 });
    const items = content.items ?? [];
    this.#require(items.length > 0 && items.every(({ id, username }) => id && username), content);
  }

  #require(isRight: boolean, content: Content): void {
    if (!isRight) throw new Failure('wrong answer', JSON.stringify(content));
  }

  /** Sends a write. The ledger knows it as acknowledged as soon as its answer is there. */
  async #write(what: string, sent: Sent): Promise<Answer> {
    const { ledger } = this.#shared;
    ledger.sending();
    const answer = await this.#send(sent);
    ledger.written(answer.requestId, what);
    return answer;
  }

  /** @throws {Failure} when there is no answer, or one of another status. */
  async #send(sent: Sent): Promise<Answer> {
    const begin = performance.now();
    const { urls, watcher } = this.#shared;
    const url = urls[this.#url % urls.length] ?? '';
    const what = `${sent.method} ${url}${sent.path}`;
    const { response, body } = await this.#exchange(url, sent).catch((error) => {
      throw new Failure(kindOf(error), `${what}: ${error}`);
    });
    if (response.statusCode !== sent.status) {
      const retry = response.headers['retry-after'] ? ' with Retry-After' : '';
      throw new Failure(`${response.statusCode}${retry}`, `${what}: ${body}`);
    }
    const [cookie = ''] = response.headers['set-cookie'] ?? [];
    watcher.succeeded(performance.now() - begin, what);
    return {
      requestId: String(response.headers['x-request-id']),
      cookie: cookie.split(';')[0] ?? '',
      content: contentOf(body),
    };
  }

  async #exchange(url: string, { method, path, body, cookie = this.#cookie }: Sent) {
    const content = body && JSON.stringify(body);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = {
      'user-agent': this.#shared.ledger.userAgent,
      ...(cookie ? { cookie } : {}),
      ...(content
        ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }
        : {}),
    };
    const signal = AbortSignal.timeout(PATIENCE);
    request(url + path, { method, headers, agent: this.#agent, signal }, resolve)
      .on('error', reject)
      .end(content);
    const response = await promise;
    return { response, body: await text(response) };
  }
}
