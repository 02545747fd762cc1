import type { Message } from '../../protocol/message.ts';
import type { StoredRoom } from '../models/room.ts';
import type { StoredUser } from '../models/user.ts';

/** One entry of a room's log: a message in the state that the change left it in. */
export interface LogEntry {
  readonly message: Message;
  /** For a join: who joined and the room, as they were right after. */
  readonly joined?: { readonly user: StoredUser; readonly room: StoredRoom };
}
