import { expect, it } from 'vitest';
import { connect, guest, unique } from './support/client.ts';
import { startServer } from './support/server.ts';

it('bounds edits and deletions together, and typing, over all connections of a user', async () => {
  const RATE_LIMITS = 'changes_burst=3,changes_per_second=1,typing_updates_burst=2,typing_updates_per_second=1';
  await using server = await startServer({ env: { RATE_LIMITS } });
  const ada = await guest(server, 'ada');
  const twin = await connect(server, { token: ada.me.token });
  const room = await ada.createRoom();
  const { id: message_id } = await ada.say(room, 'first');
  const codes = await Promise.all([
    ada.call('update_message', { message_id, content: 'second' }),
    twin.call('update_message', { message_id, content: 'third' }),
    ada.call('delete_message', { message_id }),
    ada.call('delete_message', { message_id }),
    ada.call('update_message', { message_id, content: 'fourth' }),
  ]);
  const limited = codes.filter((answer) => !answer.ok && answer.error.code === 'RATE_LIMITED');
  expect(limited).toHaveLength(2);
  const typing = { room_id: room.id, is_typing: true };
  const answers = await Promise.all([ada, twin, ada].map((client) => client.call('typing_status', typing)));
  expect(answers.filter((answer) => !answer.ok)).toMatchObject([
    { error: { code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) } },
  ]);
});

it('gives the place of a sign-in that failed to the next one', async () => {
  await using server = await startServer({ env: { RATE_LIMITS: 'commands_burst=1000' } });
  const client = await connect(server);
  // More than are carried out at once.
  for (let i = 0; i < 40; i++) expect(await client.code('authenticate', { token: 'none' })).toBe('INVALID_TOKEN');
  await client.signIn({ username: unique('ada') });
});
