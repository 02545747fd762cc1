import { Client, type ClientConfig } from 'pg';

/** Does something on a connection of its own, which ends with it. */
export async function withClient<T>(to: string | ClientConfig, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(to);
  // When the server ends the connection, the query under way rejects.
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
