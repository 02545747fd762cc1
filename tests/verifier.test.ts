import { beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS, EVENTS, type Message } from '../protocol/index.ts';
import { Verifier } from './support/verifier.ts';

const session = COMMANDS.authenticate.example.result;
const [room] = session.rooms;
const left = EVENTS.user_left_room.example;

/** The verifier watches every test of the server, so it is shown here that it sees what it is to see. */
describe('the verifier', () => {
  let verifier = new Verifier();
  beforeEach(() => {
    verifier = new Verifier();
    verifier.answer('authenticate', [{ ok: true, ...session, user: { ...session.user, id: left.user_id } }]);
  });

  const entry = (rev: number): Message => ({ ...EVENTS.message.example, seq: rev, rev });
  const hear = (...revs: number[]) => {
    for (const rev of revs) verifier.event('message', entry(rev));
  };

  it('is content with all examples and with a log without holes', () => {
    for (const name of Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]) {
      if (name !== 'authenticate') verifier.answer(name, [{ ok: true, ...COMMANDS[name].example.result }]);
    }
    const { seq } = room ?? { seq: 0 };
    hear(seq + 1, seq + 2, seq + 3);
    verifier.event('user_left_room', { ...left, seq: seq + 3 });
    verifier.event('room_info', { ...EVENTS.room_info.example, room: { ...room, seq: seq + 9 } });
    hear(seq + 10);
    expect(verifier.violations).toEqual([]);
  });

  it('sees a gap after a snapshot and between entries', () => {
    hear(5);
    expect(verifier.violations).toEqual([expect.stringContaining('a gap')]);
    hear(6, 8);
    expect(verifier.violations).toHaveLength(2);
  });

  it('sees an entry twice and out of order', () => {
    hear(4, 4, 5, 4);
    expect(verifier.violations).toHaveLength(2);
  });

  it('sees an answer that comes after entries above its snapshot', () => {
    hear(4, 5);
    verifier.answer('join_room', [{ ok: true, ...COMMANDS.join_room.example.result }]);
    expect(verifier.violations).toEqual([expect.stringContaining('came before the answer')]);
  });

  it('sees an entry after the end of the membership', () => {
    hear(4, 5, 6);
    verifier.event('user_left_room', left);
    hear(7);
    expect(verifier.violations).toEqual([expect.stringContaining('after the end of the membership')]);
  });

  it('sees an entry above the number at which the membership ended', () => {
    hear(4, 5, 6, 7);
    verifier.event('user_left_room', { ...left, seq: 6 });
    expect(verifier.violations).toEqual([expect.stringContaining('ended at 6')]);
  });

  it('sees events, fields and codes that the protocol does not know', () => {
    verifier.event('surprise', {});
    verifier.event('message', { ...entry(4), secret: 1 });
    verifier.event('message', { ...entry(5), timestamp: 'yesterday' });
    verifier.answer('leave_room', [{ ok: true, extra: 1 }]);
    verifier.answer('leave_room', [{ ok: false, error: { code: 'WRONG_PASSWORD', message: 'x' } }]);
    verifier.answer('leave_room', [true]);
    verifier.answer('leave_room', []);
    expect(verifier.violations.length).toBeGreaterThanOrEqual(7);
  });

  it('sees an answer above 256 KiB', () => {
    const content = 'x'.repeat(3_000);
    const messages = Array.from({ length: 100 }, (_, i) => ({ ...entry(i + 1), content }));
    verifier.answer('get_messages', [{ ok: true, messages, has_more: false }]);
    expect(verifier.violations).toEqual([expect.stringContaining('bytes')]);
  });
});
