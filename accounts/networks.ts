/** Addresses of callers, each written in one form, and the networks that they belong to. */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address and a port, as some proxies write it into X-Forwarded-For. */
const WITH_PORT = /^(?:\[(.+)\]|([\d.]+))(?::\d+)?$/;

/**
 * @returns the address in one form: without a port, IPv6 as RFC 5952 has it, and IPv4 as such where it came as ::ffff:192.0.2.1 (RFC 4291,
 * section 2.5.5.2). Undefined when it is no address.
 */
export function parseAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const [, six, four] = WITH_PORT.exec(text) ?? [];
  const address = six ?? four ?? text;
  // Only then, since ipaddr.js takes 127.1 and 0x7f000001 for addresses, too.
  if (isIPv4(address) || isIPv6(address)) return ipaddr.process(address).toString();
  return undefined;
}

/**
 * The network that counts as one caller: of IPv6, one customer has many addresses.
 * @param bits how many bits of an IPv6 address tell the network: a multiple of 16. A subnet has 64, a site at most 48 (RFC 6177).
 * @returns an IPv4 address as it is; of an IPv6 address the network, such as 2001:db8:0:1::/64.
 */
export function networkOf(address: string, bits: 48 | 64): string {
  if (!isIPv6(address)) return address;
  // As numbers, since a proxy may write the same address in more than one way.
  const parts = ipaddr.IPv6.parse(address).parts.map((part, index) => (index < bits / 16 ? part : 0));
  return `${new ipaddr.IPv6(parts)}/${bits}`;
}
