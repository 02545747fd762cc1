import type { Messages } from '../services/message.ts';
import type { Handlers } from './handle.ts';

type MessageCommand = 'send_message' | 'update_message' | 'delete_message' | 'get_messages' | 'sync';

/** The commands about messages. */
export function messageHandlers(messages: Messages): Handlers<MessageCommand> {
  return {
    send_message: ({ user, payload }) => messages.send(user, payload),
    update_message: ({ user, payload }) => messages.edit(user, payload),
    delete_message: ({ user, payload }) => messages.delete(user, payload),
    get_messages: ({ user, payload }) => messages.page(user, payload),
    sync: ({ connection, user, payload }) => messages.sync(connection, user, payload),
  };
}
