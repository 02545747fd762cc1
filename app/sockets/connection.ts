import type { Sessions } from '../services/session.ts';
import { ANSWERED, type Handlers } from './handle.ts';

/** The commands of a connection itself: signing in and out. */
export function connectionHandlers(sessions: Sessions): Handlers<'authenticate' | 'sign_out'> {
  return {
    async authenticate({ connection, payload, answer }) {
      await sessions.signIn(connection, payload, ({ result, visible }) => {
        answer(result);
        const { user, token, epoch } = result;
        connection.send({ event: 'connect_response', payload: { status: 'success', user, token, epoch } });
        connection.send({ event: 'rooms_list', payload: visible });
      });
      return ANSWERED;
    },

    async sign_out({ connection, payload, answer }) {
      await sessions.signOut(connection, payload.everywhere, () => answer({}));
      return ANSWERED;
    },
  };
}
