/** Which network a caller belongs to. Of IPv6 one customer has many addresses, so these count together. */
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * @param bits how many bits of an IPv6 address tell the network: a multiple of 16. A subnet has 64, a site at most 48 (RFC 6177).
 * @returns an IPv4 address as it is; of an IPv6 address the network, such as 2001:db8:0:1::/64.
 */
export function networkOf(address: string, bits: 48 | 64): string {
  if (!isIPv6(address)) return address;
  // As numbers, since a proxy may write the same address in more than one way.
  const parts = ipaddr.IPv6.parse(address).parts.map((part, index) => (index < bits / 16 ? part : 0));
  return `${new ipaddr.IPv6(parts)}/${bits}`;
}
