import { setTimeout as sleep } from 'node:timers/promises';
import { clientFrame, OPCODE } from '../load/frames.ts';
import { fragment, openSession, openSocket, RawConnection, request, upgradeRequest } from './raw.ts';

/** What an attack came to. */
export interface Outcome {
  /** How many connections or sessions took part. */
  readonly opened: number;
  /** How many of them the server ended. */
  readonly ended: number;
}

/** One load from below. It ends by itself after `ms` milliseconds at the latest. */
export interface Attack {
  readonly name: string;
  /** What it does, in a few words. */
  readonly what: string;
  /** Whether the server ends every one of its connections within the time. */
  readonly isEnded: boolean;
  run(port: number, connections: number, ms: number): Promise<Outcome>;
}

const CHUNK_BYTES = 65_536;

/** A request for the largest answer, of 150 kB. */
const LARGEST = request('GET', '/assets/socket.io.js');
/**
 * So many of them the network may hold for one who does not read: 4 MB on Linux. More are asked for slowly, each third
 * pause, since nine that have not left are a flood.
 */
const HELD = 26;
const PAUSE_MS = 200;

/** As many copies as fit into one chunk. */
const many = (part: Buffer) => Buffer.concat(Array(Math.floor(CHUNK_BYTES / part.length)).fill(part));

/** Runs one per connection until all have ended or the time is over; closes what is left. */
async function each(count: number, ms: number, run: (until: number) => Promise<RawConnection>): Promise<Outcome> {
  const until = performance.now() + ms;
  const all = await Promise.all(Array.from({ length: count }, () => run(until)));
  await Promise.race([Promise.all(all.map((raw) => raw.ended)), sleep(Math.max(0, until - performance.now()))]);
  const ended = all.filter((raw) => raw.isEnded).length;
  for (const raw of all) raw.destroy();
  return { opened: count, ended };
}

/** Writes the same chunk again and again. */
async function pour(raw: RawConnection, chunk: Buffer, until: number): Promise<void> {
  while (performance.now() < until && (await raw.write(chunk))) await new Promise((resolve) => setImmediate(resolve));
}

/** A flood of one chunk over WebSockets in the namespace. */
function flood(name: string, what: string, chunk: Buffer, prepare?: (raw: RawConnection) => void): Attack {
  return {
    name,
    what,
    isEnded: true,
    run: (port, connections, ms) =>
      each(connections, ms, async (until) => {
        const raw = await openSocket(port);
        prepare?.(raw);
        void pour(raw, chunk, until);
        return raw;
      }),
  };
}

/** A connection that says little, or nothing. */
const slow = (name: string, what: string, head: string, line: string): Attack => ({
  name,
  what,
  isEnded: true,
  run: (port, connections, ms) =>
    each(connections, ms, async (until) => {
      const raw = new RawConnection(port);
      void (async () => {
        if (head !== '') await raw.write(head);
        while (line !== '' && performance.now() < until && (await raw.write(line))) await sleep(200);
      })();
      return raw;
    }),
});

const PING = clientFrame(OPCODE.ping, '');
const SESSION_PATH = '/socket.io/?EIO=4&transport=polling';

/** All loads from below that the server is held against. */
export const ATTACKS: readonly Attack[] = [
  flood('ping flood', 'WebSocket pings without end', many(PING)),
  flood('deaf ping flood', 'the same, and the pongs are never read', many(PING), (raw) => raw.socket.pause()),
  flood(
    'fragment flood',
    'one message in fragments of a byte, never finished',
    Buffer.concat([fragment(OPCODE.text, '4'), many(fragment(0, 'x'))]),
  ),
  flood(
    'empty fragments',
    'the same with empty fragments',
    Buffer.concat([fragment(OPCODE.text, '4'), many(fragment(0, ''))]),
  ),
  flood('faulty frames', 'frames that are not masked, as they must be', many(Buffer.from([0x81, 1, 0x33]))),
  flood('pong flood', "Engine.IO's pongs without end", many(clientFrame(OPCODE.text, '3'))),
  flood(
    'command flood',
    'commands without end, no answer waited for',
    many(clientFrame(OPCODE.text, '42["get_rooms"]')),
  ),
  flood(
    'namespace flood',
    'asking for namespaces that there are not',
    many(Buffer.concat([clientFrame(OPCODE.text, '40/nowhere,')])),
  ),
  slow('half-open connections', 'TCP connections that say nothing', '', ''),
  slow(
    'half-open handshakes',
    'headers that never end, a line now and then',
    'GET / HTTP/1.1\r\nHost: a\r\n',
    'X: y\r\n',
  ),
  {
    name: 'unread pages',
    what: 'requests for pages without end, and no answer read',
    isEnded: true,
    run: (port, connections, ms) =>
      each(connections, ms, async (until) => {
        const raw = new RawConnection(port);
        raw.socket.pause();
        void pour(raw, many(Buffer.from(request('GET', '/'))), until);
        return raw;
      }),
  },
  {
    name: 'unread answers',
    what: 'requests for the largest script until the network holds no more, and no answer read',
    isEnded: true,
    run: (port, connections, ms) =>
      each(connections, ms, async (until) => {
        const raw = new RawConnection(port);
        raw.socket.pause();
        // Who does not read sees the end only by writing.
        void (async () => {
          for (let i = 0; performance.now() < until; i++) {
            if (!(await raw.write(i < HELD || i % 3 === 0 ? LARGEST : '\r\n'))) break;
            await sleep(i < HELD ? 20 : PAUSE_MS);
          }
        })();
        return raw;
      }),
  },
  {
    name: 'piled requests',
    what: 'one chunk of requests for pages and probes, again and again on new connections',
    isEnded: false,
    async run(port, connections, ms) {
      const until = performance.now() + ms;
      const chunk = many(Buffer.from(request('GET', '/') + request('GET', '/health')));
      let opened = 0;
      let ended = 0;
      const one = async () => {
        while (performance.now() < until) {
          const raw = new RawConnection(port);
          opened++;
          await raw.write(chunk);
          await Promise.race([raw.ended, sleep(Math.max(0, until - performance.now()))]);
          if (raw.isEnded) ended++;
          raw.destroy();
        }
      };
      await Promise.all(Array.from({ length: Math.min(connections, 8) }, one));
      return { opened, ended };
    },
  },
  {
    name: 'upgrades elsewhere',
    what: 'a page, then an upgrade where there is none, then silence',
    isEnded: true,
    run: (port, connections, ms) =>
      each(connections, ms, async () => {
        const raw = new RawConnection(port, true);
        await raw.write(request('GET', '/health'));
        await raw.seen(/"up"/);
        await raw.write(upgradeRequest('/'));
        raw.socket.end();
        return raw;
      }),
  },
  {
    name: 'no namespace',
    what: 'WebSockets that never enter the namespace',
    isEnded: true,
    run: (port, connections, ms) => each(connections, ms, () => openSocket(port, false)),
  },
  {
    name: 'slow bodies',
    what: 'polling POSTs of a byte at a time',
    isEnded: true,
    run: (port, connections, ms) =>
      each(connections, ms, async (until) => {
        const raw = new RawConnection(port);
        const head = request('POST', await openSession(port), '4', 60_000);
        void (async () => {
          await raw.write(head);
          while (performance.now() < until && (await raw.write('x'))) await sleep(500);
        })();
        return raw;
      }),
  },
  {
    name: 'packed POSTs',
    what: 'polling POSTs of 64 KiB packed with events, again and again',
    isEnded: true,
    run: (port, connections, ms) =>
      sessions(port, connections, ms, async (path, isOver) => {
        const body = Array(7_000).fill('42["x"]').join('\u001e');
        while (!isOver()) if ((await post(port, path, body)) !== 200) return true;
        return false;
      }),
  },
  {
    name: 'overlapping polls',
    what: 'a second poll while the first one waits',
    isEnded: true,
    run: (port, connections, ms) =>
      sessions(port, connections, ms, async (path) => {
        const first = status(port, path);
        await sleep(50);
        await Promise.all([first, status(port, path)]);
        return (await status(port, path)) === 400;
      }),
  },
  {
    name: 'handshake churn',
    what: 'handshakes without end, each left alone',
    isEnded: false,
    async run(port, connections, ms) {
      const until = performance.now() + ms;
      let opened = 0;
      let refused = 0;
      const churn = async () => {
        while (performance.now() < until && refused < connections) {
          opened++;
          if ((await status(port, SESSION_PATH)) === 429) refused++;
        }
      };
      await Promise.all(Array.from({ length: 8 }, churn));
      return { opened, ended: refused };
    },
  },
];

/** Opens sessions of long-polling and counts those that the server ended; what is left ends with its sign-in time. */
async function sessions(
  port: number,
  count: number,
  ms: number,
  run: (path: string, isOver: () => boolean) => Promise<boolean>,
): Promise<Outcome> {
  const until = performance.now() + ms;
  const isOver = () => performance.now() > until;
  const one = async () => run(await openSession(port), isOver);
  const ended = await Promise.all(Array.from({ length: count }, one));
  return { opened: count, ended: ended.filter(Boolean).length };
}

const post = (port: number, path: string, body: string) => ask(port, path, { method: 'POST', body });
const status = (port: number, path: string) => ask(port, path, {});

/** The status of an answer; 0 when the connection was cut. */
async function ask(port: number, path: string, init: RequestInit): Promise<number> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, signal: AbortSignal.timeout(10_000) });
    await response.text();
    return response.status;
  } catch {
    return 0;
  }
}
