import { expect, it } from 'vitest';
import { newId } from '../../tests/support/records.ts';
import { openOwnStore } from '../../tests/support/store.ts';
import { createLogger } from '../core/logger.ts';
import type { Store } from '../stores/store.ts';
import { settleTimes, soundTimes } from './times.ts';

const logger = createLogger({ level: 'silent', pretty: false });
const seen = (newestSeen: () => Promise<number>) => ({ users: { newestSeen } as Store['users'] });

it('counts from the clock, and where that is behind from what is known', async () => {
  const clock = { at: 500 };
  const about = { now: () => clock.at, installedAt: 300.7, logger };
  const { seenNow, issuedNow } = await soundTimes({ ...about, store: seen(async () => 400) });
  const read = (at: number) => {
    clock.at = at;
    return [seenNow(), issuedNow()];
  };
  expect([read(500), read(350), read(100)]).toEqual([
    [500, 500],
    [350, 400],
    [300, 400],
  ]);
});

it('goes by the clock and the program where users cannot be read', async () => {
  const store = seen(() => Promise.reject(new Error('no')));
  const { issuedNow } = await soundTimes({ now: () => 100, installedAt: 300, logger, store });
  expect(issuedNow()).toBe(300);
});

it('takes no time of a room that is gone for now, when the clock was set back', async () => {
  await using own = await openOwnStore('memory');
  const { store } = own;
  const user_id = newId();
  await store.users.create({ id: user_id, username: 'ada', at: 1_000 });
  const room = {
    name: 'garden',
    type: 'public',
    password_hash: null,
    client_id: null,
    user_id,
    rooms_max: 10,
  } as const;
  const [old, gone] = [newId(), newId()];
  await store.rooms.create({ ...room, room_id: old, message_id: newId(), at: 1_000 });
  await store.rooms.create({ ...room, room_id: gone, message_id: newId(), at: 9_000_000 });
  await store.admin.deleteRoom({ room_id: gone, at: 9_000_000 });

  const looked = Promise.withResolvers<void>();
  const roomsAhead: Store['times']['roomsAhead'] = async (input) => {
    const found = await store.times.roomsAhead(input);
    setImmediate(looked.resolve);
    return found;
  };
  const clock = { now: () => 5_000, onBack: () => {} };
  const times = { ...store.times, roomsAhead };
  settleTimes({ store: { times }, presence: { settleTimes: () => {} }, clock, logger })();
  await looked.promise;
  const said = { room_id: old, user_id, username: 'ada', content: 'now', client_id: null, at: 5_000 };
  await store.messages.send({ ...said, id: newId() });
  expect(await store.times.roomsAhead({ at: 6_000, limit: 10 })).toEqual([]);
});
