import type { SocketConnection } from './connection.ts';

/** How a server that stops sends its connections away. */
export interface DrainOptions {
  /** Over how long at most, in milliseconds. */
  readonly overMs: number;
  /** No faster than it takes so many a second, however few there are. */
  readonly perSecond: number;
  /** Each is told to wait up to this long before it comes back, in milliseconds. */
  readonly returnWithinMs: number;
  /** Ends a connection; called when none of its commands is under way. */
  readonly end: (connection: SocketConnection) => void;
}

/**
 * Tells connections to go, one after another, each with a delay of its own for coming back, so that they do not
 * return all at once. Each is served until its turn, and what it had asked by then is answered before it ends.
 */
export async function drainConnections(connections: readonly SocketConnection[], options: DrainOptions): Promise<void> {
  const overMs = Math.min(options.overMs, (connections.length / options.perSecond) * 1_000);
  const started = performance.now();
  let sent = 0;
  while (sent < connections.length) {
    const share = overMs === 0 ? 1 : Math.min(1, (performance.now() - started) / overMs);
    const due = Math.max(sent + 1, Math.ceil(share * connections.length));
    for (const connection of connections.slice(sent, due)) {
      const retry_after_ms = Math.floor(Math.random() * options.returnWithinMs);
      connection.send({ event: 'server_closing', payload: { retry_after_ms } });
      connection.leave = () => options.end(connection);
      if (connection.running === 0) connection.leave();
    }
    sent = due;
    if (sent < connections.length) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
