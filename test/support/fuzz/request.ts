/** Makes the request of a plan, and shows it to people. */
import { STATUS_CODES } from 'node:http';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { Callers } from './callers.ts';
import type { Known } from './known.ts';
import type { Plan } from './plan.ts';
import { RawText, Reference } from './values.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export interface Request extends InjectOptions {
  url: string;
  headers: Record<string, string>;
  payload?: string | Buffer;
}

const encode = (value: unknown) =>
  value instanceof RawText ? value.text : encodeURIComponent(String(value));

/** @returns the request. @param number of the request, by which its networks differ from those of others. */
export function requestOf(plan: Plan, number: number, known: Known, callers: Callers): Request {
  const { caller } = plan;
  let url = plan.operation.path;
  const resolve = (value: unknown): unknown => {
    if (value instanceof Reference) return known.find(value, caller, url);
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null || value instanceof RawText) return value;
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, resolve(field)]));
  };
  url = url.replace(/\{(\w+)\}/g, (_all, name: string) => encode(resolve(plan.params[name])));
  const query = plan.query.map(([name, value]) => `${name}=${encode(resolve(value))}`).join('&');
  const headers = Object.entries(plan.headers).map(([name, value]) => [name, String(resolve(value))]);
  const payload = plan.bytes ?? ('body' in plan ? JSON.stringify(resolve(plan.body)) : undefined);
  return {
    method: METHODS.find((method) => method === plan.method) ?? 'GET',
    url: query === '' ? url : `${url}?${query}`,
    headers: {
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...callers.headersOf(caller),
      ...Object.fromEntries(headers),
    },
    ...(payload === undefined ? {} : { payload }),
    // Attempts are counted by network. Some come from the same one.
    remoteAddress: `10.${(number >> 18) & 255}.${(number >> 10) & 255}.${plan.network}`,
  };
}

/** @returns the text without what would let in whoever reads it. */
const withoutSecrets = (text: string) =>
  text.replace(/\b(rcc?_|rollcall=)[\w.-]{20,}/g, '$1…').replace(/(Bearer) [^\s']+/gi, '$1 …');

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const shorten = (text: string) => (text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length})` : text);

/** @returns the request as a curl command, without secrets. */
export function curlOf({ method, url, headers, payload }: Request): string {
  const words = Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`);
  const text = typeof payload === 'string' ? payload : payload?.toString('latin1');
  const data = text === undefined ? [] : [`--data-binary ${quote(shorten(text))}`];
  return withoutSecrets(
    ['curl --path-as-is -X', method, quote(`http://127.0.0.1:5000${shorten(url)}`), ...words, ...data].join(
      ' ',
    ),
  );
}

/** @returns the answer as people read it, without secrets. */
export function answerText({ statusCode, headers, payload }: LightMyRequestResponse): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return withoutSecrets(
    [`${statusCode} ${STATUS_CODES[statusCode]}`, ...lines, '', shorten(payload)].join('\n'),
  );
}
