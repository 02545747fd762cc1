import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What becomes of a connection when a COMMIT comes: it goes through; it is lost before the server has it, after the server
 * has carried it out, a while before the server gets it, or so that the server waits for it for ever.
 */
export type AtCommit = 'pass' | 'before' | 'after' | 'late' | 'stuck';

/** How long a COMMIT is on its way that comes late, in milliseconds. */
const LATE_MS = 50;

/** As `pg` sends it: a simple query of 11 bytes. */
const COMMIT = Buffer.from('Q\0\0\0\x0bCOMMIT\0');
/** As PostgreSQL tells that it has carried it out. */
const COMMITTED = Buffer.from('C\0\0\0\x0bCOMMIT\0');

/** A proxy before a PostgreSQL, which counts round trips, and loses connections at the worst moments. */
export class DatabaseProxy implements AsyncDisposable {
  /** What happens at the next COMMIT, once. */
  atCommit: AtCommit = 'pass';
  /** Told of each COMMIT, when it is on its way to the server. */
  onCommit: () => void = () => {};
  /** How often the client has asked, after the server had answered. */
  trips = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: number;
  #isCut = false;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#connect(client));
  }

  /** @param target the port on 127.0.0.1 of the server behind it */
  static async start(target: number): Promise<DatabaseProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new DatabaseProxy(server, target);
  }

  /** The same way into a database, through this proxy. */
  url(url: string): string {
    const through = new URL(url);
    through.port = String((this.#server.address() as AddressInfo).port);
    return through.href;
  }

  /** Loses all connections, and lets none in. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets connections in again, to another server if a port is given. */
  mend(target = this.#target): void {
    this.#target = target;
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(client: Socket): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    for (const socket of [client, server]) {
      this.#sockets.add(socket.setNoDelay(true));
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    }
    const lose = () => {
      client.destroy();
      server.destroy();
    };
    let hasAnswered = true;
    let fate: AtCommit = 'pass';
    client.on('data', (asked) => {
      if (hasAnswered) this.trips++;
      hasAnswered = false;
      const at = asked.lastIndexOf(COMMIT);
      if (at >= 0) {
        fate = this.atCommit;
        this.atCommit = 'pass';
      }
      if (fate === 'before') lose();
      else server.write(fate === 'stuck' || fate === 'late' ? asked.subarray(0, at) : asked);
      if (fate === 'late') setTimeout(() => server.end(asked.subarray(at)), LATE_MS);
      if (fate === 'stuck' || fate === 'late') client.destroy();
      if (at >= 0) this.onCommit();
    });
    server.on('data', (answer) => {
      hasAnswered = true;
      if (fate !== 'after') client.write(answer);
      else if (answer.includes(COMMITTED)) lose();
    });
    server.on('close', () => client.destroy());
    client.on('close', () => {
      // The server does not hear of it.
      if ((fate !== 'stuck' && fate !== 'late') || this.#isCut) server.destroy();
    });
  }
}
