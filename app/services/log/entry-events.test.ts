import { expect, it } from 'vitest';
import type { Message, System } from '../../../protocol/message.ts';
import type { SeenRoom } from '../../models/room.ts';
import type { StoredUser } from '../../models/user.ts';
import type { LogEntry } from '../../stores/store.ts';
import type { Presence } from '../presence.ts';
import { entryEvents } from './entry-events.ts';

const presence = {
  user: ({ id }: StoredUser) => ({ id, is_active: true }),
  room: ({ id, member }: SeenRoom) => ({ id, online_count: member ? 1 : 0 }),
} as unknown as Presence;

const message = (about: Partial<Message>) => ({ room_id: 'r', seq: 4, rev: 4, username: 'Ada', ...about }) as Message;
const joining: System = { type: 'user_joined', user_id: 'ada', username: 'Ada' };
const leaving: System = { type: 'user_left', user_id: 'ada', username: 'Ada' };

it('tells of a message, an edit and a deletion by one event', () => {
  for (const [about, event] of [
    [{}, 'message'],
    [{ rev: 5 }, 'message_updated'],
    [{ rev: 5, deleted: true }, 'message_deleted'],
    [{ rev: 5, system: leaving }, 'message_updated'],
  ] as const) {
    const payload = message(about);
    expect(entryEvents({ message: payload }, presence)).toEqual([{ event, payload }]);
  }
});

it('tells who has joined, as far as that is known, and who has left, after the message', () => {
  const joined = { user: { id: 'ada' }, room: { id: 'r' } } as unknown as NonNullable<LogEntry['joined']>;
  const came = message({ system: joining });
  expect(entryEvents({ message: came, joined }, presence)).toEqual([
    { event: 'message', payload: came },
    {
      event: 'user_joined_room',
      payload: { user: { id: 'ada', is_active: true }, room: { id: 'r', online_count: 1 }, seq: 4 },
    },
  ]);
  expect(entryEvents({ message: came }, presence)).toEqual([{ event: 'message', payload: came }]);
  const went = message({ system: leaving });
  expect(entryEvents({ message: went }, presence)).toEqual([
    { event: 'message', payload: went },
    { event: 'user_left_room', payload: { user_id: 'ada', username: 'Ada', room_id: 'r', seq: 4 } },
  ]);
});
