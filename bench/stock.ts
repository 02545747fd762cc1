/**
 * The server to compare with: Socket.IO on ws as its own guide has it, with default settings, the same event names and
 * answers as Sohbet, messages of the same shape and size, and nothing stored.
 * Reads HOST and PORT from the environment; answers any HTTP request with `ok`.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

type Acknowledge = (answer: object) => void;

const rooms = new Map<string, { name: string; seq: number }>();
const http = createServer((_request, response) => response.end('ok'));
const io = new Server(http);

io.on('connection', (socket) => {
  const user = { id: randomUUID() as string, username: '' };

  socket.on('authenticate', ({ username }: { username: string }, acknowledge: Acknowledge) => {
    user.username = username;
    acknowledge({ ok: true, user, token: user.id });
  });

  socket.on('create_room', ({ name }: { name: string }, acknowledge: Acknowledge) => {
    const id = randomUUID();
    rooms.set(id, { name, seq: 0 });
    void socket.join(id);
    acknowledge({ ok: true, room: { id, name } });
  });

  socket.on('join_room', ({ room_id }: { room_id: string }, acknowledge: Acknowledge) => {
    void socket.join(room_id);
    acknowledge({ ok: true, room: { id: room_id }, users: [], messages: [], has_more: false });
  });

  socket.on('send_message', (sent: { room_id: string; content: string }, acknowledge: Acknowledge) => {
    const room = rooms.get(sent.room_id);
    if (!room) return acknowledge({ ok: false, error: { code: 'ROOM_NOT_FOUND', message: 'There is no such room.' } });
    room.seq += 1;
    const message = {
      id: randomUUID(),
      room_id: sent.room_id,
      seq: room.seq,
      rev: room.seq,
      user_id: user.id,
      username: user.username,
      content: sent.content,
      timestamp: new Date().toISOString(),
      is_system_message: false,
      edited: false,
      edited_at: null,
      deleted: false,
      deleted_at: null,
    };
    io.to(sent.room_id).emit('message', message);
    acknowledge({ ok: true, message });
  });
});

http.listen(Number(process.env['PORT']), process.env['HOST']);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
