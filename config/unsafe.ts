/**
 * What is safe on a developer's machine only: it is refused in production, and where other machines may reach the service by
 * mistake. What remains allowed elsewhere is warned of once a start.
 */
import ipaddr from 'ipaddr.js';
import type { RawSettings } from './schema.ts';
import { describeInvalid, originOf, type SourcedValues } from './sources.ts';

/** The settings (load.ts) that can be unsafe. */
interface RiskySettings
  extends Pick<RawSettings, 'NODE_ENV' | 'HOST' | 'LOG_LEVEL' | 'PUBLIC_URL' | 'AUTH_HACK_USER'> {
  TRUST_PROXY: boolean | string[];
  ORIGINS: string[];
}

/** @returns whether only this machine can reach that name or address. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}

/** @returns a line for each setting that is unsafe where the service is to run. */
export function findUnsafe(settings: RiskySettings, sourced: SourcedValues): string[] {
  const isLocal = isLoopback(settings.HOST);
  const isNamed = sourced.NODE_ENV !== undefined;
  const lines: string[] = [];
  if (!isLocal && !isNamed) {
    lines.push(
      `HOST is ${JSON.stringify(settings.HOST)} (given ${originOf('HOST', sourced)}), where other machines may reach the service, but NODE_ENV is not given. Set NODE_ENV to production, or by name to development or test.`,
    );
  }
  if (settings.AUTH_HACK_USER && (settings.NODE_ENV === 'production' || !isNamed || !isLocal))
    lines.push(describeInvalid('AUTH_HACK_USER', sourced));
  return settings.NODE_ENV === 'production' ? [...lines, ...unsafeInProduction(settings, sourced)] : lines;
}

function unsafeInProduction(settings: RiskySettings, sourced: SourcedValues): string[] {
  const lines: string[] = [];
  const refuse = (name: string, why: string) =>
    lines.push(`${name} is "${sourced[name]?.value}" (given ${originOf(name, sourced)}). ${why}`);
  if (settings.TRUST_PROXY === true) {
    refuse(
      'TRUST_PROXY',
      'In production every client could then claim any address. Write the addresses or networks of the proxies, such as 127.0.0.1 or 10.0.0.0/8.',
    );
  }
  if (settings.LOG_LEVEL === 'trace')
    refuse('LOG_LEVEL', 'In production it must be debug at the lowest, since trace is for developing.');
  if (settings.PUBLIC_URL?.startsWith('http:')) lines.push(describeInvalid('PUBLIC_URL', sourced));
  if (settings.ORIGINS.some((origin) => origin.startsWith('http:')))
    lines.push(describeInvalid('ORIGINS', sourced));
  return lines;
}

/** @returns what to warn the operator of, once a start. */
export function findRisks({
  AUTH_HACK_USER,
  TRUST_PROXY,
}: Pick<RiskySettings, 'AUTH_HACK_USER' | 'TRUST_PROXY'>): string[] {
  return [
    ...(AUTH_HACK_USER
      ? [`AUTH_HACK_USER is set: ?hack=1 authenticates as ${AUTH_HACK_USER}, without a password`]
      : []),
    ...(TRUST_PROXY === true
      ? [
          'TRUST_PROXY is true: every client can claim any address. Write the addresses of the proxies; production refuses true',
        ]
      : []),
  ];
}
