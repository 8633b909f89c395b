/** What the fuzzer knows to exist, since it made it or read of it in an answer: ids, usernames, codes, cookies, tokens and versions. */
import type { LightMyRequestResponse } from 'fastify';
import type { Operation } from './description.ts';
import type { Reference } from './values.ts';

/** How many of a kind are remembered. */
const REMEMBERED = 40;
const UNKNOWN = '01900000-0000-7000-8000-000000000000';

/** What of an answer is remembered by the name of its field. */
const BY_FIELD = ['username', 'code', 'secret'];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns what the path ends with: the kind of its things. */
const kindOf = (path: string) =>
  path.split('/').findLast((part) => part !== '' && !part.startsWith('{')) ?? '';

export class Known {
  readonly #things = new Map<string, string[]>();
  /** The version of each thing, by the path that showed it. */
  readonly #versions = new Map<string, string>();

  /** Remembers one that exists. @param owner the caller who knows of it. */
  add(kind: string, thing: string, owner?: string): void {
    for (const key of [kind, ...(owner === undefined ? [] : [`${kind} of ${owner}`])]) {
      const others = this.#things.get(key)?.filter((other) => other !== thing) ?? [];
      this.#things.set(key, [...others, thing].slice(-REMEMBERED));
    }
  }

  /** @returns the thing that is meant: mostly one that the caller knows of. @param path of the request. */
  find({ kind, nth }: Reference, owner: string, path: string): string {
    if (kind === 'version') return this.#versions.get(path) ?? '*';
    const own = nth % 4 === 0 ? undefined : this.#things.get(`${kind} of ${owner}`);
    const things = own ?? this.#things.get(kind) ?? [];
    return things[things.length - 1 - (nth % Math.max(1, things.length))] ?? UNKNOWN;
  }

  /** Remembers what the answer tells. */
  learn({ path }: Operation, url: string, caller: string, response: LightMyRequestResponse): void {
    const { statusCode, headers, cookies, payload } = response;
    if (statusCode >= 300) return;
    if (headers.etag !== undefined) this.#versions.set(url, String(headers.etag));
    for (const { name, value } of cookies) if (value !== '') this.add('cookie', `${name}=${value}`, caller);
    if (payload === '') return;
    const body: unknown = JSON.parse(payload);
    if (isObject(body) && typeof body.next === 'string') this.add(`after ${path}`, body.next, caller);
    this.#learnFrom(body, kindOf(path), caller);
  }

  #learnFrom(value: unknown, kind: string, caller: string): void {
    if (Array.isArray(value)) for (const item of value) this.#learnFrom(item, kind, caller);
    if (!isObject(value)) return;
    for (const [name, field] of Object.entries(value)) {
      if (name === 'id' && typeof field === 'string') this.add(kind, field, caller);
      else if (typeof field === 'string' && BY_FIELD.includes(name)) this.add(name, field);
      else this.#learnFrom(field, name === 'items' ? kind : `${name}s`, caller);
    }
  }
}
