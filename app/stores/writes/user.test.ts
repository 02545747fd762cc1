import { describe, expect, it } from 'vitest';
import { newId } from '../../../tests/support/records.ts';
import { TestWrites } from '../../../tests/support/writes.ts';
import { ERASED_USERNAME, SEEN_STEP_MS } from '../../models/user.ts';

const HOUR_MS = 3_600_000;

describe('to make a guest', () => {
  it('takes the name, as it is compared', () => {
    using writes = new TestWrites();
    const id = newId();
    expect(writes.call('users.create', { id, username: 'Ada', at: 5 })).toEqual({
      id,
      username: 'Ada',
      connected_at: '1970-01-01T00:00:00.005Z',
      last_activity: '1970-01-01T00:00:00.005Z',
    });
    expect(writes.rows('SELECT * FROM users')).toEqual([
      {
        id,
        username: 'Ada',
        name_key: 'ada',
        generation: 0,
        created_at: 5,
        connected_at: 5,
        last_activity: 5,
        retired_at: null,
        seen_at: 5,
      },
    ]);
    expect(writes.refusal('users.create', { id: newId(), username: 'ADA', at: 6 })).toBe('USERNAME_TAKEN');
    expect(writes.call('users.create', { id: newId(), username: 'can', at: 6, seen_at: 9 }).username).toBe('can');
    expect(writes.value('SELECT seen_at FROM users WHERE username = ?', 'can')).toBe(9);
  });

  it('gives a name to one of those who ask for it in one batch, and one that is let go to the next', () => {
    using writes = new TestWrites();
    const [first, second] = [newId(), newId()];
    const guest = (id: string) => ['users.create', { id, username: 'ada', at: 1 }] as const;
    const sign_out = ['users.revoke', { user_id: first, token_id: null, expires_at: 1, at: 2 }] as const;
    const replies = writes.batch(guest(first), guest(second), sign_out, guest(second));
    expect(replies.map((reply) => (reply.ok ? 'ok' : reply.code))).toEqual(['ok', 'USERNAME_TAKEN', 'ok', 'ok']);
    expect(writes.rows('SELECT id, name_key FROM users ORDER BY id')).toEqual([
      { id: first, name_key: null },
      { id: second, name_key: 'ada' },
    ]);
    const [third] = [newId()];
    const again = ['users.revoke', { user_id: second, token_id: null, expires_at: 1, at: 2 }] as const;
    expect(writes.batch(again, guest(third)).every(({ ok }) => ok)).toBe(true);
  });

  it('gives no name that the server keeps for itself', () => {
    using writes = new TestWrites();
    expect(writes.refusal('users.create', { id: newId(), username: ERASED_USERNAME, at: 6 })).toBe('USERNAME_TAKEN');
  });
});

describe('to revoke', () => {
  it('one token notes it and retires the guest, who keeps the rooms to leave', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    const revoke = { user_id: ada, token_id: 'token', expires_at: 50, at: 7 };
    expect(writes.call('users.revoke', revoke)).toEqual({ retired: true });
    expect(writes.rows('SELECT * FROM revoked_tokens')).toEqual([{ token_id: 'token', expires_at: 50 }]);
    expect(writes.rows('SELECT retired_at, name_key, generation FROM users')).toEqual([
      { retired_at: 7, name_key: null, generation: 0 },
    ]);
    expect(writes.rows('SELECT * FROM departures')).toEqual([{ user_id: ada }]);
    const notice = { kind: 'token_revoked', subject: ada, token_id: 'token', generation: null };
    expect(writes.rows('SELECT * FROM notices')).toEqual([{ number: 1, ...notice }]);
    writes.call('users.revoke', { ...revoke, at: 8 });
    expect(writes.value('SELECT retired_at FROM users')).toBe(7);
    expect(writes.value('SELECT count(*) FROM revoked_tokens')).toBe(1);
    expect(writes.value('SELECT max(number) FROM notices')).toBe(2);
    writes.call('users.forgetRevoked', { expired_before: 50 });
    expect(writes.value('SELECT count(*) FROM revoked_tokens')).toBe(1);
    writes.call('users.forgetRevoked', { expired_before: 51 });
    expect(writes.value('SELECT count(*) FROM revoked_tokens')).toBe(0);
  });

  it('all tokens raises the generation', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    writes.call('users.revoke', { user_id: ada, token_id: null, expires_at: 50, at: 7 });
    expect(writes.value('SELECT generation FROM users')).toBe(1);
    expect(writes.rows('SELECT * FROM notices')).toEqual([
      { number: 1, kind: 'tokens_revoked', subject: ada, token_id: null, generation: 0 },
    ]);
    writes.call('users.revoke', { user_id: newId(), token_id: null, expires_at: 50, at: 7 });
    expect(writes.value('SELECT count(*) FROM notices')).toBe(1);
  });

  it('forgets notices that are old', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada');
    writes.db.run("UPDATE counters SET value = 10098 WHERE name = 'notices'");
    const revoke = () => writes.call('users.revoke', { user_id: ada, token_id: 'token', expires_at: 50, at: 7 });
    writes.db.run("INSERT INTO notices VALUES (100, 'token_revoked', 'old', 'old', NULL)");
    writes.db.run("INSERT INTO notices VALUES (101, 'token_revoked', 'old', 'old', NULL)");
    revoke();
    expect(writes.value('SELECT min(number) FROM notices')).toBe(100);
    revoke();
    expect(writes.rows('SELECT number FROM notices ORDER BY number').map((row) => Object(row).number)).toEqual([
      101, 10_099, 10_100,
    ]);
  });
});

describe('when users were seen', () => {
  it('is kept, and the place among the unseen seldom', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada', 1_000);
    const touch = (at: number) =>
      writes.call('users.touch', {
        users: [
          { id: ada, connected_at: 2, last_activity: 3 },
          { id: newId(), connected_at: 2, last_activity: 3 },
        ],
        at,
      });
    touch(1_000 + SEEN_STEP_MS);
    const row = { connected_at: 2, last_activity: 3, seen_at: 1_000 };
    expect(writes.rows('SELECT connected_at, last_activity, seen_at FROM users')).toEqual([row]);
    touch(1_001 + SEEN_STEP_MS);
    expect(writes.value('SELECT seen_at FROM users')).toBe(1_001 + SEEN_STEP_MS);
  });

  it('retires who was not seen since then, once', () => {
    using writes = new TestWrites();
    const ada = writes.user('ada', 1_000);
    const retire = (user_id: string, unseen_since: number) =>
      writes.call('users.retireUnseen', { user_id, unseen_since, at: HOUR_MS });
    expect(retire(ada, 1_000)).toBe(false);
    expect(retire(newId(), 2_000)).toBe(false);
    expect(retire(ada, 1_001)).toBe(true);
    expect(writes.rows('SELECT retired_at, name_key, generation FROM users')).toEqual([
      { retired_at: HOUR_MS, name_key: null, generation: 1 },
    ]);
    expect(retire(ada, 1_001)).toBe(false);
    expect(writes.value('SELECT count(*) FROM departures')).toBe(1);
  });
});

describe('a retired user', () => {
  it('leaves its rooms one by one, with no activity, and is then done', () => {
    using writes = new TestWrites();
    const [ada, can] = [writes.user('ada'), writes.user('can')] as const;
    const room = writes.room(can);
    writes.join(room, ada);
    const depart = (room_id: string | null) =>
      writes.call('users.depart', { user_id: ada, room_id, message_id: newId(), at: HOUR_MS });
    expect(depart(room)).toBe(false);
    expect(writes.value('SELECT count(*) FROM members')).toBe(2);
    writes.call('users.revoke', { user_id: ada, token_id: null, expires_at: 1, at: 1 });
    expect(depart(null)).toBe(true);
    expect(depart(room)).toBe(true);
    expect(writes.entries.at(-1)?.message.system).toEqual({ type: 'user_left', user_id: ada, username: 'ada' });
    expect(writes.rows('SELECT seq, user_count, active_at FROM rooms')).toEqual([
      { seq: 3, user_count: 1, active_at: 1 },
    ]);
    expect(depart(room)).toBe(true);
    expect(writes.value('SELECT seq FROM rooms')).toBe(3);
    expect(depart(null)).toBe(false);
    expect(writes.value('SELECT count(*) FROM departures')).toBe(0);
  });

  it('leaves what is left of a room that was deleted, and tells nobody', () => {
    using writes = new TestWrites();
    const [ada, can] = [writes.user('ada'), writes.user('can')] as const;
    const room = writes.room(can);
    writes.join(room, ada);
    writes.call('users.revoke', { user_id: ada, token_id: null, expires_at: 1, at: 1 });
    writes.call('admin.deleteRoom', { room_id: room, at: 1 });
    const told = writes.entries.length;
    expect(writes.call('users.depart', { user_id: ada, room_id: room, message_id: newId(), at: 1 })).toBe(true);
    expect(writes.rows('SELECT user_id FROM members')).toEqual([{ user_id: can }]);
    expect(writes.entries).toHaveLength(told);
  });
});
