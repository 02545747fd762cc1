import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressKey, createClientAddress, createUnnamedCheck, UNKNOWN_ADDRESS } from './address.ts';

const CLIENT = '203.0.113.7';
const PROXY = '10.0.0.1';

function request(remoteAddress: string | undefined, forwarded?: string) {
  return { socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } };
}

/** An address in the form in which sockets and proxies write it. */
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((text) => new URL(`http://[${text}]`).hostname.slice(1, -1)),
);
const plain = address.filter((text) => !text.startsWith('::ffff:'));

describe('with no proxy', () => {
  const addressOf = createClientAddress(0);

  test('the address is the socket’s, whatever the header says', () => {
    fc.assert(
      fc.property(plain, fc.string(), (socket, header) => {
        expect(addressOf(request(socket, header))).toBe(socket);
        expect(addressOf(request(socket))).toBe(socket);
      }),
    );
  });

  test('IPv4 inside IPv6 is IPv4, and zones go', () => {
    expect(addressOf(request('::ffff:203.0.113.7'))).toBe(CLIENT);
    expect(addressOf(request('::FFFF:cb00:7107'))).toBe(CLIENT);
    expect(addressOf(request('fe80::1%eth0'))).toBe('fe80::1');
  });

  test('a socket without an address is unknown', () => {
    expect(addressOf(request(undefined))).toBe(UNKNOWN_ADDRESS);
    expect(addressOf(request(undefined, CLIENT))).toBe(UNKNOWN_ADDRESS);
  });
});

describe('with a number of proxies', () => {
  test('the address is the one that the outermost proxy saw, whatever the client forged in front', () => {
    const proxies = fc.array(plain, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fc.oneof(plain, fc.string())), plain, proxies, (forged, client, [last, ...inner]) => {
        const header = [...forged, client, ...inner].join(', ');
        expect(createClientAddress(inner.length + 1)(request(last, header))).toBe(client);
      }),
    );
  });

  test('a header with too few entries gives its first one', () => {
    expect(createClientAddress(3)(request(PROXY, `${CLIENT}, 10.0.0.2`))).toBe(CLIENT);
    expect(createClientAddress(3)(request(PROXY))).toBe(PROXY);
    expect(createClientAddress(3)(request(PROXY, ''))).toBe(PROXY);
  });

  test('a proxy that connects over a socket file is skipped like any other', () => {
    expect(createClientAddress(1)(request(undefined, CLIENT))).toBe(CLIENT);
  });
});

describe('with networks of proxies', () => {
  const addressOf = createClientAddress(['10.0.0.0/8', '2001:db8:aaaa::/48', 'loopback']);

  test.each([
    ['a client that connects directly and forges', CLIENT, '1.1.1.1, 10.0.0.9', CLIENT],
    ['one proxy', PROXY, CLIENT, CLIENT],
    ['a forged entry in front', PROXY, `127.0.0.1, ${CLIENT}`, CLIENT],
    ['a forged proxy in front', PROXY, `1.1.1.1, ${CLIENT}, 10.9.9.9`, CLIENT],
    ['proxies of both families', '::ffff:10.0.0.1', `${CLIENT}, 2001:db8:aaaa::5`, CLIENT],
    ['a client with IPv6', '127.0.0.1', '2001:db8:bbbb::7', '2001:db8:bbbb::7'],
    ['trusted addresses only', PROXY, '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['ports and brackets', PROXY, `${CLIENT}:5123, [2001:db8:aaaa::5]:443`, CLIENT],
    ['many blanks', PROXY, `  ${CLIENT}  ,   10.0.0.2 `, CLIENT],
  ])('%s', (_what, socket, header, expected) => {
    expect(addressOf(request(socket, header))).toBe(expected);
  });

  test.each(['unknown', '_hidden', '1.2.3', '1.2.3.4.5', '300.1.1.1', '[::1', '<script>', ',,', '010.0.0.1'])(
    'the malformed entry %j ends the walk at the proxy that sent it',
    (entry) => {
      expect(addressOf(request(PROXY, `${CLIENT}, ${entry}`))).toBe(PROXY);
      expect(addressOf(request(PROXY, `${CLIENT}, ${entry}, 10.0.0.2`))).toBe('10.0.0.2');
    },
  );

  test('the header may come as a list', () => {
    const headers = { 'x-forwarded-for': [CLIENT, '10.0.0.2'] };
    expect(addressOf({ socket: { remoteAddress: PROXY }, headers })).toBe(CLIENT);
  });
});

test('the answer is an address or unknown, whatever arrives', () => {
  const trust = fc.oneof(fc.nat(5), fc.constant(['uniquelocal', '0.0.0.0/1', '::/1']));
  const entry = fc.oneof(fc.string(), address, fc.constantFrom('10.0.0.1', '::1%lo', '[::1]:80', '::ffff:1.2.3.4'));
  fc.assert(
    fc.property(trust, entry, fc.array(entry), (trustProxy, socket, entries) => {
      const found = createClientAddress(trustProxy)(request(socket, entries.join(',')));
      expect(isIP(found) > 0 || found === UNKNOWN_ADDRESS).toBe(true);
    }),
  );
});

test('a network that is none is refused', () => {
  expect(() => createClientAddress(['10.0.0.0/33'])).toThrow(TypeError);
});

describe('createUnnamedCheck', () => {
  test.each([
    ['no proxy', 0, PROXY, undefined, false],
    ['a proxy that says for whom', 1, PROXY, CLIENT, false],
    ['a proxy that does not', 1, PROXY, undefined, true],
    ['an empty header', 1, PROXY, ' ', true],
    ['a trusted network', ['10.0.0.0/8'], PROXY, undefined, true],
    ['another network', ['10.0.0.0/8'], CLIENT, undefined, false],
  ] as const)('tells of %s', (_, trustProxy, peer, forwarded, isUnnamed) => {
    expect(createUnnamedCheck(trustProxy)(request(peer, forwarded))).toBe(isUnnamed);
  });
});

describe('addressKey', () => {
  test.each([
    [CLIENT, CLIENT],
    ['::ffff:203.0.113.7', CLIENT],
    ['0:0:0:0:0:FFFF:CB00:7107', CLIENT],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [UNKNOWN_ADDRESS, UNKNOWN_ADDRESS],
  ])('%s is counted as %s', (from, to) => {
    expect(addressKey(from)).toBe(to);
  });

  test('an IPv6 network of 64 bits is one key, and no two networks share one', () => {
    const group = fc.nat(0xffff).map((value) => value.toString(16));
    const half = fc.array(group, { minLength: 4, maxLength: 4 }).map((groups) => groups.join(':'));
    const network = half.filter((text) => text !== '0:0:0:0');
    fc.assert(
      fc.property(network, network, half, half, (one, two, a, b) => {
        expect(addressKey(`${one}:${a}`)).toBe(addressKey(`${one}:${b}`));
        expect(addressKey(`${one}:${a}`) === addressKey(`${two}:${b}`)).toBe(one === two);
      }),
    );
  });
});
