import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

/** A message as someone sent it, before it has its number. */
export interface Draft {
  room_id: string;
  user_id: string;
  username: string;
  content: string;
  /** ISO, by the server's clock. */
  timestamp: string;
}

/** What a message is called once it is kept. */
export interface Kept {
  id: string;
  seq: number;
}

/** What a server does with a message before anybody gets it; throws or rejects when it cannot. */
export type Keep = (draft: Draft) => Kept | Promise<Kept>;

type Acknowledge = (answer: object) => void;

const refusal = (code: string, message: string) => ({ ok: false, error: { code, message } });

/**
 * Starts Socket.IO on ws as its own guide has it: default settings, the same event names and answers as Sohbet, messages
 * of the same shape and size. Users and rooms are kept in memory only. Reads HOST and PORT from the environment; answers
 * any HTTP request with `ok`.
 */
export function serve(keep: Keep): void {
  const rooms = new Set<string>();
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
      rooms.add(id);
      void socket.join(id);
      acknowledge({ ok: true, room: { id, name } });
    });

    socket.on('join_room', ({ room_id }: { room_id: string }, acknowledge: Acknowledge) => {
      void socket.join(room_id);
      acknowledge({ ok: true, room: { id: room_id }, users: [], messages: [], has_more: false });
    });

    socket.on('send_message', (sent: { room_id: string; content: string }, acknowledge: Acknowledge) => {
      if (!rooms.has(sent.room_id)) return acknowledge(refusal('ROOM_NOT_FOUND', 'There is no such room.'));
      const draft = {
        room_id: sent.room_id,
        user_id: user.id,
        username: user.username,
        content: sent.content,
        timestamp: new Date().toISOString(),
      };
      const deliver = (kept: Kept) => {
        const message = messageOf(draft, kept);
        io.to(draft.room_id).emit('message', message);
        acknowledge({ ok: true, message });
      };
      const kept = keep(draft);
      // With nothing to wait for, nothing is waited for: a promise would be a cost that only this bench made.
      if (kept instanceof Promise) kept.then(deliver, (error) => acknowledge(refusal('INTERNAL', String(error))));
      else deliver(kept);
    });
  });

  http.listen(Number(process.env['PORT']), process.env['HOST']);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
}

function messageOf(draft: Draft, { id, seq }: Kept): object {
  return {
    id,
    room_id: draft.room_id,
    seq,
    rev: seq,
    user_id: draft.user_id,
    username: draft.username,
    content: draft.content,
    timestamp: draft.timestamp,
    is_system_message: false,
    edited: false,
    edited_at: null,
    deleted: false,
    deleted_at: null,
  };
}
