import { Socket } from 'node:net';
import pg, { types } from 'pg';

/** A statement that the database prepares once a connection and keeps by its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** How a connection is made. */
export interface ConnectionOptions {
  /** What `pg` takes as a connection string. */
  readonly url: string;
  /** What the database shows as the name of the connection; at most 63 characters. */
  readonly name: string;
  /** Settings of the session, by name. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** How long the database may take to accept the connection, in milliseconds. */
  readonly connectMs: number;
  /** How long it may stay silent while something is asked, in milliseconds; then the connection is given up. */
  readonly silenceMs: number;
}

/** How long the end of a connection may take, in milliseconds. */
const END_MS = 3_000;

/** The SQLSTATE of whatever comes behind a statement that has failed. */
const IN_FAILED_TRANSACTION = '25P02';

/** int8, and numeric, which sums of int8 are: all ours are whole numbers that JavaScript holds exactly. */
const NUMBERS: ReadonlySet<number> = new Set([20, 1700]);

const TYPES: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    NUMBERS.has(oid) ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

/**
 * One connection, on which whatever is asked is sent at once, without waiting for the answers to what was asked before.
 * Once lost it stays so.
 */
export class Connection {
  readonly #client: pg.Client;
  readonly #socket: Socket;
  readonly #watch: NodeJS.Timeout;
  #waiting = 0;
  #cause: Error | null = null;
  #lost: Error | null = null;
  #onLost: (error: Error) => void = () => {};

  private constructor(client: pg.Client, socket: Socket, silenceMs: number) {
    this.#client = client;
    this.#socket = socket;
    this.#watch = setTimeout(() => {
      if (this.#waiting > 0) this.destroy(new Error(`The database said nothing for ${silenceMs} ms.`));
    }, silenceMs).unref();
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('The connection was ended.')));
  }

  /** Connects. @throws what `pg` throws */
  static async open({ url, name, settings, connectMs, silenceMs }: ConnectionOptions): Promise<Connection> {
    const socket = new Socket();
    const client = new pg.Client({
      connectionString: url,
      pipeline: true,
      types: TYPES,
      connectionTimeoutMillis: connectMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      stream: () => socket,
    });
    const connection = new Connection(client, socket, silenceMs);
    try {
      await client.connect();
      // Not as parameters of the start: poolers refuse those.
      const all = { application_name: name, ...settings };
      await connection.run(
        Object.entries(all)
          .map(([key, value]) => `SET ${key} = '${value}'`)
          .join('; '),
      );
    } catch (error) {
      connection.destroy(error as Error);
      throw error;
    }
    return connection;
  }

  /** Why it was lost; null while it is there. */
  get lost(): Error | null {
    return this.#lost;
  }

  /** Calls back when the connection is lost, at once if it is. One listener. */
  onLost(listener: (error: Error) => void): void {
    this.#onLost = listener;
    if (this.#lost !== null) listener(this.#lost);
  }

  /** Calls back with each notification of a channel that this connection listens to. */
  onNotification(listener: () => void): void {
    this.#client.on('notification', listener);
  }

  /** The session by which a cancellation would reach this connection, as the server has announced it. */
  get announcedSession(): number | undefined {
    return (this.#client as pg.Client & { processID?: number }).processID;
  }

  /** Whether a transaction is open, as far as the answers tell that have come. */
  get isInTransaction(): boolean {
    return this.#client.getTransactionStatus() !== 'I';
  }

  /** Sends what `ask` asks in one piece. */
  together<T>(ask: () => T): T {
    this.#socket.cork();
    try {
      return ask();
    } finally {
      this.#socket.uncork();
    }
  }

  /** Asks with a statement; answers its rows. */
  rows<Row>({ name, text }: Statement, values: readonly unknown[]): Promise<Row[]> {
    return this.#ask<pg.QueryResult>({ name, text, values: values as unknown[] }).then(({ rows }) => rows);
  }

  /** The same, each row an array of its columns. */
  arrays({ name, text }: Statement, values: readonly unknown[]): Promise<pg.QueryArrayResult<unknown[]>> {
    return this.#ask({ name, text, values: values as unknown[], rowMode: 'array' } as pg.QueryConfig);
  }

  /** Runs statements that take no values; answers the word for what was done by the last one, such as COMMIT. */
  async run(text: string): Promise<string> {
    const result = await this.#ask<pg.QueryResult | pg.QueryResult[]>({ text });
    return (Array.isArray(result) ? result.at(-1) : result)?.command ?? '';
  }

  /** Gives the connection up, with whatever is under way. */
  destroy(reason: Error): void {
    this.#lose(reason);
    this.#socket.destroy();
  }

  /** Ends the connection after what is under way, or without the server's word when that takes too long. */
  async end(): Promise<void> {
    clearTimeout(this.#watch);
    if (this.#lost !== null) return;
    const late = setTimeout(() => this.#socket.destroy(), END_MS);
    await this.#client.end();
    clearTimeout(late);
  }

  #ask<R>(query: pg.QueryConfig): Promise<R> {
    if (this.#waiting++ === 0) this.#watch.refresh();
    return new Promise((resolve, reject) => {
      this.#client.query(query, (error: Error | null, result: unknown) => {
        this.#waiting--;
        this.#watch.refresh();
        if (error === null) resolve(result as R);
        else reject(this.#causeOf(error));
      });
    });
  }

  /** Of what fails only because the transaction has failed before: why it has. */
  #causeOf(error: Error): Error {
    if (!('code' in error && error.code === IN_FAILED_TRANSACTION)) this.#cause = error;
    return this.#cause ?? error;
  }

  #lose(reason: Error): void {
    if (this.#lost !== null) return;
    this.#lost = reason;
    clearTimeout(this.#watch);
    this.#onLost(reason);
  }
}

/** Where a connection string leads to, with no secret in it. */
export function placeOf(url: string): string {
  try {
    const { database, host, port } = new pg.Client({ connectionString: url });
    return `${database} at ${host}:${port}`;
  } catch {
    // It names a file that cannot be read, or is none.
    return 'of DATABASE_URL';
  }
}
