import { describe, expect, it } from 'vitest';
import { PasswordThrottle } from './password-throttle.ts';

const MINUTES_15 = 900_000;

function guessesAt() {
  const clock = { now: 1_000 };
  const throttle = new PasswordThrottle({ perRoom: 5, perAddress: 20, forgetMs: MINUTES_15, now: () => clock.now });
  const begin = (user_id: string, room_id: string, address = 'here') => throttle.begin({ user_id, room_id, address });
  /** A wrong one, checked at once. */
  const fail = (...who: Parameters<typeof begin>) => {
    const guess = begin(...who);
    guess.wrong();
    return guess.holdMs;
  };
  return { throttle, begin, fail, clock };
}

const limited = expect.objectContaining({ code: 'RATE_LIMITED' });

describe('PasswordThrottle', () => {
  it('bears five of a user for a room, each answered later than the one before', () => {
    const { begin, fail } = guessesAt();
    const holds = [1, 2, 3, 4, 5].map(() => fail('ada', 'room'));
    expect(holds).toEqual([0, 250, 500, 1_000, 2_000]);
    expect(() => begin('ada', 'room')).toThrow(limited);
    expect(begin('ada', 'other').holdMs).toBeGreaterThan(0);
    begin('can', 'room', 'elsewhere');
  });

  it('bears twenty of an address', () => {
    const { begin, fail } = guessesAt();
    for (let i = 0; i < 20; i++) fail(`user ${i}`, `room ${i}`);
    expect(() => begin('ada', 'room')).toThrow(limited);
    begin('ada', 'room', 'elsewhere');
  });

  it('forgets a while after the last one, never earlier, and says when', () => {
    const { begin, fail, clock } = guessesAt();
    for (let i = 0; i < 5; i++) {
      fail('ada', 'room');
      clock.now += MINUTES_15 / 2;
    }
    const refused = (() => {
      try {
        begin('ada', 'room');
        return undefined;
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toMatchObject({ details: { retryAfterMs: MINUTES_15 / 2 } });
    clock.now += MINUTES_15 / 2;
    expect(begin('ada', 'room').holdMs).toBe(0);
  });

  it('takes a right password for what it is, and one that was not looked at for none', () => {
    const { begin, fail } = guessesAt();
    for (let i = 0; i < 4; i++) fail('ada', 'room');
    begin('ada', 'room').right();
    for (let i = 0; i < 9; i++) begin('ada', 'room').void();
    expect(begin('ada', 'room').holdMs).toBe(0);
  });

  it('does not remember wrong ones longer for right ones that come after', () => {
    const { begin, fail, clock } = guessesAt();
    for (let i = 0; i < 20; i++) fail(`user ${i}`, 'room');
    for (let minute = 0; minute < 15; minute += 5) {
      clock.now += MINUTES_15 / 3;
      if (minute === 10) begin('can', 'room').right();
      else expect(() => begin('can', 'room')).toThrow(limited);
    }
    begin('eve', 'room');
  });

  it('sends away only for a moment who comes while as many of the address are being checked', () => {
    const { begin } = guessesAt();
    const all = Array.from({ length: 20 }, (_, i) => begin(`user ${i}`, 'room'));
    expect(() => begin('late', 'room')).toThrow(expect.objectContaining({ details: { retryAfterMs: 1_000 } }));
    for (const guess of all) guess.right();
    begin('late', 'room').right();
  });

  it('counts those that are under way', () => {
    const { begin } = guessesAt();
    const all = Array.from({ length: 5 }, () => begin('ada', 'room'));
    expect(() => begin('ada', 'room')).toThrow(limited);
    all[0]?.void();
    begin('ada', 'room');
  });

  it('holds back the answers to an address from the sixth wrong one on', () => {
    const { fail } = guessesAt();
    const holds = Array.from({ length: 8 }, (_, i) => fail(`user ${i}`, 'room'));
    expect(holds).toEqual([0, 0, 0, 0, 0, 100, 200, 300]);
  });

  it('sweeps away what is over, and nothing else', () => {
    const { throttle, begin, fail, clock } = guessesAt();
    for (let i = 0; i < 5; i++) fail('ada', 'room');
    clock.now += MINUTES_15 - 1;
    throttle.sweep();
    expect(() => begin('ada', 'room')).toThrow(limited);
    expect(throttle.size).toEqual({ rooms: 1, addresses: 1 });
    clock.now += 1;
    throttle.sweep();
    expect(throttle.size).toEqual({ rooms: 0, addresses: 0 });
  });
});
