import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { connect, guest, TRANSPORTS } from './support/client.ts';
import { openSql, tellServer } from './support/data.ts';
import { startServer } from './support/server.ts';

describe('a room that another process deletes', () => {
  it.each(TRANSPORTS)('is told to all who are entering it, though its log is behind (%s)', async (transport) => {
    await using server = await startServer();
    const owner = await guest(server, 'owner');
    const twins = await Promise.all(
      Array.from({ length: 20 }, () => connect(server, { token: owner.me.token, transport })),
    );
    await using beside = await openSql(server);
    for (let round = 0; round < 2; round++) {
      const { id: room_id } = await owner.createRoom();
      await Promise.all(twins.map((twin) => twin.waitFor('room_info', ({ room }) => room.id === room_id)));
      // Entries that the server does not know of yet, so that whoever reads the room has to wait for them.
      await beside.run('UPDATE rooms SET seq = seq + 1 WHERE id = ?', room_id);
      await beside.run(
        `INSERT INTO messages (id, room_id, changed, seq, rev, user_id, username, content, timestamp)
         VALUES (?, ?, 0, 2, 2, ?, ?, 'beside', ?)`,
        ...[randomUUID(), room_id, owner.id, owner.me.user.username, Date.now()],
      );
      const joins = twins.map((twin) => twin.call('join_room', { room_id }));
      // Reads are answered in order: now the joins have read the room.
      for (let i = 0; i < 6; i++) await owner.ok('get_rooms', {});
      for (const sql of ['DELETE FROM rooms WHERE id = ?', 'DELETE FROM members WHERE room_id = ?'])
        await beside.run(sql, room_id);
      await beside.run("UPDATE counters SET value = value + 1 WHERE name = 'notices'");
      await beside.run(
        `INSERT INTO notices (number, kind, subject)
         SELECT value, 'room_deleted', CAST(? AS TEXT) FROM counters WHERE name = 'notices'`,
        room_id,
      );
      await tellServer(beside);
      for (const answer of await Promise.all(joins)) if (!answer.ok) expect(answer.error.code).toBe('ROOM_NOT_FOUND');
      await Promise.all(twins.map((twin) => twin.waitFor('room_deleted', (gone) => gone.room_id === room_id)));
    }
  });
});
