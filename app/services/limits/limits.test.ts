import { describe, expect, it } from 'vitest';
import { RATE_NUMBERS } from '../../../protocol/rates.ts';
import { createMetrics } from '../../core/metrics.ts';
import { Limits, withNumbers } from './limits.ts';

/** Limits on a clock that the test moves. */
function limitsAt(changed: Record<string, number> = {}) {
  const clock = { now: 1_000_000 };
  const metrics = createMetrics();
  const limits = new Limits({ numbers: withNumbers(changed), now: () => clock.now, metrics });
  /** How often something was counted as refused: in all, or for each rate. */
  const counts = async () => ({
    connections: (await metrics.connectionsRefused.get()).values[0]?.value,
    rates: Object.fromEntries(
      (await metrics.rateLimited.get()).values.map(({ labels, value }) => [labels.rate, value]),
    ),
  });
  return { limits, clock, counts };
}

const MESSAGE = { room_id: 'r', content: 'c' };

describe('Limits', () => {
  it('forgets a user whose connection ended before its last commands were carried out', () => {
    const { limits, clock } = limitsAt({ messages_burst: 1 });
    const client = limits.open('a');
    limits.close(client);
    limits.signedIn(client, 'ada');
    expect(limits.refusal(client, 'send_message', MESSAGE, clock.now)).toBeUndefined();
    expect(limits.refusal(client, 'send_message', MESSAGE, clock.now)?.code).toBe('RATE_LIMITED');
    clock.now += 3_600_000;
    limits.sweep();
    expect(limits.size).toEqual({ users: 0, addresses: 0 });
  });

  it('gives each user 20 messages at once, then 5 a second, on all connections together', () => {
    const { limits, clock } = limitsAt();
    const [phone, tablet, other] = [limits.open('a'), limits.open('b'), limits.open('a')];
    limits.signedIn(phone, 'ada');
    limits.signedIn(tablet, 'ada');
    limits.signedIn(other, 'can');
    const send = (client: typeof phone) => limits.refusal(client, 'send_message', MESSAGE, clock.now);
    for (let i = 0; i < 10; i++) expect([send(phone), send(tablet)]).toEqual([undefined, undefined]);
    expect(send(phone)).toMatchObject({ code: 'RATE_LIMITED', details: { retryAfterMs: 200 } });
    expect(send(other)).toBeUndefined();
    clock.now += 200;
    expect(send(tablet)).toBeUndefined();
    expect(send(phone)?.code).toBe('RATE_LIMITED');
  });

  it('counts the bytes of messages, edits and memberships by address', () => {
    const changed = { messages_burst: 1_000, joins_burst: 1_000, changes_burst: 1_000 };
    const { limits, clock } = limitsAt({ ...changed, message_bytes_burst: 10_000, message_bytes_per_hour: 3_600_000 });
    const clients = ['ada', 'can'].map((name) => {
      const client = limits.open('a');
      limits.signedIn(client, name);
      return client;
    }) as [ReturnType<typeof limits.open>, ReturnType<typeof limits.open>];
    const [ada, can] = clients;
    const of = (content: string) => ({ room_id: 'r', content });
    expect(limits.refusal(ada, 'send_message', of('ş'.repeat(2_300)), clock.now)).toBeUndefined();
    expect(limits.refusal(can, 'update_message', of('x'.repeat(3_600)), clock.now)).toBeUndefined();
    expect(limits.refusal(can, 'join_room', { room_id: 'r' }, clock.now)).toBeUndefined();
    expect(limits.refusal(ada, 'add_member', { room_id: 'r', user_id: 'u' }, clock.now)).toBeUndefined();
    const refused = limits.refusal(can, 'send_message', of('x'), clock.now);
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', details: { retryAfterMs: expect.any(Number) } });
    expect(limits.refusal(ada, 'delete_message', { message_id: 'm' }, clock.now)).toBeUndefined();
    expect(limits.refusal(ada, 'leave_room', { room_id: 'r' }, clock.now)).toBeUndefined();
    const elsewhere = limits.open('b');
    limits.signedIn(elsewhere, 'eve');
    expect(limits.refusal(elsewhere, 'send_message', of('x'), clock.now)).toBeUndefined();
    clock.now += refused?.details.retryAfterMs ?? 0;
    expect(limits.refusal(can, 'send_message', of('x'), clock.now)).toBeUndefined();
  });

  it('counts additions by who is added, whoever adds, and takes back those that came to nothing', () => {
    const { limits, clock } = limitsAt({ additions_burst: 2, additions_per_hour: 60 });
    const add = (user_id: string) => limits.addition(user_id);
    const refusal = expect.objectContaining({ code: 'RATE_LIMITED', details: { retryAfterMs: 60_000 } });
    add('ada');
    const takeBack = add('ada');
    expect(() => add('ada')).toThrow(refusal);
    expect(() => add('can')).not.toThrow();
    takeBack();
    add('ada');
    expect(() => add('ada')).toThrow(refusal);
    clock.now += 60_000;
    expect(() => add('ada')).not.toThrow();
    expect(() => add('ada')).toThrow(refusal);
  });

  it('remembers a user who comes back, and forgets who has rested', () => {
    const { limits, clock } = limitsAt({ messages_burst: 1 });
    const first = limits.open('a');
    limits.signedIn(first, 'ada');
    limits.refusal(first, 'send_message', MESSAGE, clock.now);
    limits.close(first);
    const second = limits.open('a');
    limits.signedIn(second, 'ada');
    expect(limits.refusal(second, 'send_message', MESSAGE, clock.now)?.code).toBe('RATE_LIMITED');
    limits.close(second);
    clock.now += 20;
    limits.sweep();
    expect(limits.size).toEqual({ users: 1, addresses: 0 });
    clock.now += 1_000;
    limits.sweep();
    expect(limits.size).toEqual({ users: 0, addresses: 0 });
  });

  it('counts commands of a connection', () => {
    const { limits, clock } = limitsAt();
    const client = limits.open('a');
    for (let i = 0; i < 30; i++) limits.command(client, clock.now);
    expect(() => limits.command(client, clock.now)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    clock.now += 34;
    limits.command(client, clock.now);
  });

  it('counts sign-ins of an address, those of new guests more strictly, and tells each a time of its own', () => {
    const { limits, clock } = limitsAt({ guests_burst: 2, sign_ins_burst: 4 });
    const clients = Array.from({ length: 8 }, () => limits.open('a'));
    const signIn = (i: number, payload: object) => {
      const client = clients[i];
      return client && limits.refusal(client, 'authenticate', payload, clock.now);
    };
    expect([signIn(0, { username: 'a' }), signIn(1, { username: 'b' })]).toEqual([undefined, undefined]);
    expect(signIn(2, { username: 'c' })?.details.retryAfterMs).toBe(2_000);
    expect(signIn(3, { token: 't' })).toBeUndefined();
    const waits = [4, 5, 6].map((i) => signIn(i, { token: 't' })?.details.retryAfterMs);
    expect(waits).toEqual([100, 200, 300]);
  });

  it('refuses an address more connections than it may have, until one has ended', () => {
    const { limits } = limitsAt({ connections_per_address: 2 });
    const [first] = [limits.open('a'), limits.open('a')];
    expect(limits.connect('a')).toBeGreaterThan(0);
    expect(limits.connect('b')).toBe(0);
    limits.close(first);
    expect(limits.connect('a')).toBe(0);
  });

  it('ends a connection only when its address sends far too much', () => {
    const { limits } = limitsAt();
    const [flood, calm] = [limits.open('a'), limits.open('a')];
    let sent = 0;
    while (limits.packet(flood)) sent++;
    expect(sent).toBe(1_100);
    expect(limits.packet(calm)).toBe(true);
  });

  it('counts what an address asks over HTTP, and tells each refusal a time of its own', async () => {
    const { limits, clock, counts } = limitsAt({ http_requests_burst: 2, http_requests_per_second: 4 });
    expect(Array.from({ length: 4 }, () => limits.request('a'))).toEqual([0, 0, 250, 500]);
    expect(limits.request('b')).toBe(0);
    clock.now += 250;
    expect(limits.request('a')).toBe(0);
    expect((await counts()).rates).toEqual({ http_requests: 2 });
  });

  it('counts what was refused, by the name of the rate', async () => {
    const { limits, clock, counts } = limitsAt({ connections_per_address: 1, commands_burst: 1, messages_burst: 1 });
    expect(limits.connect('a')).toBe(0);
    const client = limits.open('a');
    limits.connect('a');
    limits.signedIn(client, 'ada');
    limits.command(client, clock.now);
    for (let i = 0; i < 2; i++) expect(() => limits.command(client, clock.now)).toThrow();
    for (let i = 0; i < 2; i++) limits.refusal(client, 'send_message', MESSAGE, clock.now);
    expect(await counts()).toEqual({ connections: 1, rates: { commands: 2, messages: 1 } });
  });

  it('tells how many packets may come at once, with those in excess', () => {
    expect(limitsAt({ packets_burst: 7, excess_packets_burst: 50 }).limits.packetsAtOnce).toBe(57);
  });

  it('tells nobody a time that is more than a minute away', () => {
    const { limits, clock } = limitsAt({ http_requests_burst: 1, http_requests_per_second: 1 });
    limits.request('a');
    const waits = Array.from({ length: 100 }, () => limits.request('a'));
    expect(waits.slice(0, 60)).toEqual(Array.from({ length: 60 }, (_, i) => (i + 1) * 1_000));
    for (const wait of waits.slice(60)) {
      expect(wait).toBeGreaterThanOrEqual(30_000);
      expect(wait).toBeLessThan(60_000);
    }
    clock.now += 60_000;
    expect([limits.request('a'), limits.request('a')]).toEqual([0, 1_000]);
  });

  it('asks nothing of who has not signed in for what counts by user, and keeps who has', () => {
    const { limits, clock } = limitsAt({ messages_burst: 1, messages_per_second: 1 });
    const client = limits.open('a');
    for (let i = 0; i < 3; i++) expect(limits.refusal(client, 'send_message', MESSAGE, clock.now)).toBeUndefined();
    limits.signedIn(client, 'ada');
    limits.signedIn(client, 'can');
    expect(limits.size.users).toBe(1);
    expect(client.user?.held).toBe(1);
    expect(client.flooded).toBe(false);
    limits.refusal(client, 'send_message', MESSAGE, clock.now);
    expect(limits.refusal(client, 'send_message', MESSAGE, clock.now)?.details.retryAfterMs).toBe(1_000);
    clock.now += 1_000;
    limits.close(client);
    limits.sweep();
    expect(limits.size.users).toBe(0);
  });

  it('keeps an address while answers wait for it that it has not read', () => {
    const { limits, clock } = limitsAt();
    const client = limits.open('a');
    client.addressBudget.unread = 1;
    limits.close(client);
    clock.now += 3_600_000;
    limits.sweep();
    expect(limits.size.addresses).toBe(1);
    client.addressBudget.unread = 0;
    limits.sweep();
    expect(limits.size.addresses).toBe(0);
  });

  it('bounds how many addresses it remembers', () => {
    const { limits } = limitsAt();
    for (let i = 0; i < 201_000; i++) limits.connect(String(i));
    expect(limits.size.addresses).toBe(200_000);
  });
});

describe('withNumbers', () => {
  it('changes what it is told, and names what there is not', () => {
    expect(withNumbers({ messages_burst: 3 })).toEqual({ ...RATE_NUMBERS, messages_burst: 3 });
    expect(() => withNumbers({ messages: 3 })).toThrow('there is no limit "messages"');
    expect(() => withNumbers({ messages_burst: 0 })).toThrow('less than 1');
  });
});
