import { connect, type TestClient, unique } from '../support/client.ts';
import type { ServerProcess } from '../support/process.ts';
import { HOSTILE } from './inputs.ts';
import { Dice } from './random.ts';

/** How to fuzz. */
export interface FuzzOptions {
  /** A server in a process of its own, with {@link FUZZ_ENV}. */
  readonly server: ServerProcess;
  readonly seed: number;
  readonly ms: number;
  /** How many hostile clients there are at a time. */
  readonly parallel: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (report: FuzzReport) => void;
}

/** What came of it. */
export interface FuzzReport {
  /** How many hostile clients there were, by kind. */
  readonly hostile: Readonly<Record<string, number>>;
  /** Messages of well-behaved clients that were acknowledged. */
  readonly acknowledged: number;
  /** The most memory of the server, in bytes, after the first second. */
  readonly memory: { readonly first: number; readonly most: number };
  /** What went wrong, in words; empty when nothing did. */
  readonly findings: readonly string[];
}

/** Limits on, but all come from one address. With a small heap, memory that is never given back ends the server. */
export const FUZZ_ENV = {
  NODE_OPTIONS: '--max-old-space-size=64',
  LOG_LEVEL: 'error',
  SIGN_IN_TIMEOUT: '2',
  RATE_LIMITS: [
    'connections_per_address=10000',
    'handshakes_per_second=100000',
    'handshakes_burst=100000',
    'sign_ins_per_second=100000',
    'guests_per_minute=1000000',
    'guests_burst=100000',
  ].join(','),
} as const;

const SEND_EVERY_MS = 300;
const LOOK_EVERY_MS = 1_000;

/** One well-behaved client, which says something every now and then. */
interface Bystander {
  readonly client: TestClient;
  readonly acknowledged: string[];
}

async function memoryOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
}

/** Lets hostile clients at a server for a while, beside well-behaved ones who must notice nothing. */
export class Fuzz {
  readonly #options: FuzzOptions;
  readonly #hostile: Record<string, number> = {};
  readonly #findings: string[] = [];
  readonly #under = new Map<number, string>();
  #bystanders: Bystander[] = [];
  #memory = { first: 0, most: 0 };
  #number = 0;
  #isOver = false;

  constructor(options: FuzzOptions) {
    this.#options = options;
  }

  /** Runs it and tells what came of it. The same seed makes the same inputs; how they interleave is up to the machine. */
  async run(): Promise<FuzzReport> {
    const { server, ms, parallel } = this.#options;
    const port = Number(new URL(server.url).port);
    const transports = ['websocket', 'websocket', 'polling'] as const;
    const clients = await Promise.all(
      transports.map((transport) => connect(server, { username: unique('calm'), transport })),
    );
    const [first] = clients;
    const room = await first?.createRoom();
    const room_id = room?.id ?? '';
    for (const client of clients) await client.ok('join_room', { room_id });
    this.#bystanders = clients.map((client) => ({ client, acknowledged: [] }));
    void server.program.exit.then((exit) => {
      if (!this.#isOver)
        this.#fault(`the server ended with ${JSON.stringify(exit)} during ${[...this.#under.values()]}`);
    });
    const until = performance.now() + ms;
    const goesOn = () => performance.now() < until && this.#findings.length === 0;
    await Promise.all([
      ...Array.from({ length: parallel }, () => this.#attack(port, goesOn)),
      ...this.#bystanders.map((bystander) => this.#talk(bystander, room_id, goesOn)),
      this.#watch(goesOn),
    ]);
    await this.#compare();
    this.#isOver = true;
    return this.report();
  }

  /** How far it is. */
  report(): FuzzReport {
    const acknowledged = this.#bystanders.reduce((sum, one) => sum + one.acknowledged.length, 0);
    return { hostile: this.#hostile, acknowledged, memory: this.#memory, findings: this.#findings };
  }

  async #attack(port: number, goesOn: () => boolean): Promise<void> {
    const kinds = Object.keys(HOSTILE);
    while (goesOn()) {
      const number = this.#number++;
      const kind = kinds[number % kinds.length] ?? '';
      this.#hostile[kind] = (this.#hostile[kind] ?? 0) + 1;
      this.#under.set(number, `${kind} ${number}`);
      // A hostile client that fails has been cut off in the middle of something, as it should be.
      await HOSTILE[kind]?.(new Dice(this.#options.seed + number), port).catch(() => {});
      this.#under.delete(number);
    }
  }

  async #talk({ client, acknowledged }: Bystander, room_id: string, goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const asked = performance.now();
      try {
        acknowledged.push((await client.ok('send_message', { room_id, content: 'all is well' })).message.id);
      } catch (error) {
        this.#fault(`a well-behaved client was refused during ${[...this.#under.values()]}: ${String(error)}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, asked + SEND_EVERY_MS - performance.now())));
    }
  }

  async #watch(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      const memory = await memoryOf(this.#options.server.url).catch(() => 0);
      const first = this.#memory.first || memory;
      this.#memory = { first, most: Math.max(this.#memory.most, memory) };
      this.#options.onProgress?.(this.report());
    }
  }

  /** Every acknowledged message reached every well-behaved client, in one order, and the server met no fault. */
  async #compare(): Promise<void> {
    const all = this.#bystanders.flatMap(({ acknowledged }) => acknowledged);
    for (const { client } of this.#bystanders) {
      const missing = () => {
        const seen = new Set(client.all('message').map(({ id }) => id));
        return all.filter((id) => !seen.has(id)).length;
      };
      await client
        .until(() => (missing() === 0 ? true : undefined), 'all messages')
        .catch(() => {
          this.#fault(`a well-behaved client misses ${missing()} of ${all.length} acknowledged messages`);
        });
      if (!client.socket.connected) this.#fault('a well-behaved client lost its connection');
      for (const violation of client.violations) this.#fault(violation);
    }
    const { stdout, stderr } = this.#options.server.program;
    if (stdout.includes('met a fault')) this.#fault(`the server logged a fault: ${stdout.slice(-4_000)}`);
    if (stderr !== '') this.#fault(`the server wrote to standard error: ${stderr.slice(-4_000)}`);
  }

  #fault(finding: string): void {
    this.#findings.push(`${finding} (seed ${this.#options.seed})`);
  }
}
