import { Connection } from './connection.ts';
import { HAS_SERVER } from './writer.ts';

/** How long it may take, in milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Whether a server uses a database at this moment.
 * @param url one with no transaction pooler between
 * @throws what the database throws
 */
export async function isServed(url: string): Promise<boolean> {
  const patience = { connectMs: PATIENCE_MS, silenceMs: PATIENCE_MS };
  const connection = await Connection.open({ url, name: 'sohbet look', settings: {}, ...patience });
  try {
    const rows = await connection.rows<{ servers: number }>({ name: '', text: HAS_SERVER }, []);
    return (rows[0]?.servers ?? 0) > 0;
  } finally {
    await connection.end();
  }
}
