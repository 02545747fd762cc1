import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTACKS } from '../bench/abuse/attacks.ts';
import type { Room } from '../protocol/index.ts';
import { guest, type TestClient } from './support/client.ts';
import { type ServerProcess, spawnServer } from './support/process.ts';

/** The bound of V8's old generation, in MiB: a load that holds more there ends the process. */
const HEAP_MAX = 256;
/** By how much a load may let the process grow, in bytes: a heap full of garbage, and little outside of it. */
const GROWTH_MAX = (HEAP_MAX + 64) * 2 ** 20;
const CONNECTIONS = 10;
const TIME_MS = 6_000;

describe('loads from below', () => {
  let server: ServerProcess;
  let witness: TestClient;
  let room: Room;
  let port: number;

  beforeAll(async () => {
    const env = {
      RATE_LIMITS: 'handshakes_burst=400',
      SIGN_IN_TIMEOUT: '1',
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MAX}`,
    };
    server = await spawnServer(env);
    port = Number(new URL(server.url).port);
    witness = await guest(server, 'witness');
    room = await witness.createRoom();
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** The memory of the server, in bytes. */
  async function memory(): Promise<number> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
  }

  it.each(ATTACKS)('$name: $what', async ({ run, isEnded }) => {
    const before = await memory();
    const { opened, ended } = await run(port, CONNECTIONS, TIME_MS);
    if (isEnded) expect(ended).toBe(opened);
    else expect(ended).toBeGreaterThan(0);
    expect((await memory()) - before).toBeLessThan(GROWTH_MAX);
    expect(witness.socket.connected).toBe(true);
    const message = await witness.say(room, 'still here');
    await witness.waitFor('message', ({ id }) => id === message.id);
  });
});
