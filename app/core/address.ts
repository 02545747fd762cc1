import type { IncomingHttpHeaders } from 'node:http';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import proxyAddr from 'proxy-addr';

/** What of an HTTP request, a WebSocket handshake's included, tells where it comes from. */
export interface AddressedRequest {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

/** Stands for an address that the operating system does not tell: a closed socket, or one that is a file. */
export const UNKNOWN_ADDRESS = 'unknown';

/**
 * Makes the one function that tells a client's address, for HTTP and handshakes alike. It starts at the socket and
 * walks `X-Forwarded-For` from its end for as long as it trusts the address it stands on, so what a client forges in
 * front is never reached. An entry that is no address ends the walk at the proxy that sent it.
 *
 * @param trustProxy how many proxies stand in front of the server, or their addresses, networks and the names
 *   `loopback`, `linklocal` and `uniquelocal`
 * @returns a function that gives an IPv4 or IPv6 address without port and zone, or `UNKNOWN_ADDRESS`
 * @throws {TypeError} when an address or network is none
 */
export function createClientAddress(trustProxy: number | readonly string[]): (request: AddressedRequest) => string {
  const trusts = trustOf(trustProxy);
  return (request) => {
    const entries = forwardedOf(request).split(',').reverse();
    let address = peerOf(request);
    for (const [hop, entry] of entries.entries()) {
      if (!trusts(address, hop)) break;
      const next = parseAddress(entry);
      if (next === null) break;
      address = next;
    }
    return address;
  };
}

/**
 * Makes what tells whether a request came from a trusted proxy that does not say for whom: its clients then all have
 * the address of the proxy, and what seems to come from this machine may come from anywhere.
 *
 * @throws {TypeError} when an address or network is none
 */
export function createUnnamedCheck(trustProxy: number | readonly string[]): (request: AddressedRequest) => boolean {
  const trusts = trustOf(trustProxy);
  return (request) => forwardedOf(request).trim() === '' && trusts(peerOf(request), 0);
}

function trustOf(trustProxy: number | readonly string[]): (address: string, hop: number) => boolean {
  if (typeof trustProxy === 'number') return (_address, hop) => hop < trustProxy;
  return proxyAddr.compile([...trustProxy]);
}

const forwardedOf = ({ headers }: AddressedRequest) => [headers['x-forwarded-for'] ?? []].flat().join(',');
const peerOf = ({ socket }: AddressedRequest) => parseAddress(socket.remoteAddress ?? '') ?? UNKNOWN_ADDRESS;

/**
 * What limits are counted by: an IPv4 address as it is, of an IPv6 address the /64 network, since a single customer
 * has at least that many. Any other text is given back unchanged.
 */
export function addressKey(address: string): string {
  const parsed = parseAddress(address);
  if (parsed === null) return address;
  return isIPv6(parsed) ? `${networkGroups(parsed).join(':')}::/64` : parsed;
}

/** Without port, brackets and zone; IPv6 in its one short form, an IPv4 address inside IPv6 as IPv4. */
function parseAddress(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/%.*$/s, '');
  if (isIP(bare) !== 6) return isIPv4(bare) ? bare : null;
  const short = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(short);
  if (!mapped) return short;
  const bits = (Number.parseInt(mapped[1] ?? '', 16) << 16) | Number.parseInt(mapped[2] ?? '', 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

/** The first four of the eight groups of an IPv6 address in its short form. */
function networkGroups(address: string): readonly string[] {
  const [head = '', tail = ''] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4);
}
