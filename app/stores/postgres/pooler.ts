import { UnopenedError } from '../fault.ts';
import { Connection, type ConnectionOptions } from './connection.ts';

/** So often is it tried whether a session stays the same while others work. */
const TRIES = 3;

/** Which session of the database answers. */
const SESSION = { name: '', text: 'SELECT pg_backend_pid()::bigint AS pid' };

/**
 * Refuses a pooler that gives a session to others after each transaction. There the claim of the database would stay with
 * a session that is nobody's, and others would work with our settings. One that keeps a session for each client is as good
 * as the database itself. Nothing is changed in the session meanwhile.
 * @throws UnopenedError, or what the database throws
 */
export async function refusePooler(options: Omit<ConnectionOptions, 'name' | 'settings'>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const open = async () => {
    const connection = await Connection.open({ ...options, name: 'sohbet look', settings: {} });
    stack.defer(() => connection.end());
    return connection;
  };
  const own = await open();
  // A pooler names a session of its own to the client.
  const first = await sessionOf(own);
  if (first === own.announcedSession) return;
  const other = await open();
  for (let i = 0; i < TRIES; i++) {
    await other.run('BEGIN');
    // Should the pooler have a single session, the second question would wait for the end of the first.
    const isShared = (await sessionOf(other)) === first || (await sessionOf(own)) !== first;
    await other.run('ROLLBACK');
    if (isShared) refuse();
  }
}

async function sessionOf(connection: Connection): Promise<number | undefined> {
  const [row] = await connection.rows<{ pid: number }>(SESSION, []);
  return row?.pid;
}

function refuse(): never {
  throw new UnopenedError(
    'The database cannot be used through a pooler that gives a connection to others after each transaction: set DATABASE_DIRECT_URL to the database itself, or have the pooler keep it for the session.',
    'unopened',
  );
}
