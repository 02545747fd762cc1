import type { Argon2Parameters, argon2 } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { guest } from './support/client.ts';
import { startServer } from './support/server.ts';

type Derived = (error: Error | null, key: Buffer) => void;

const { hashed } = vi.hoisted(() => ({ hashed: [] as Pick<Argon2Parameters, 'memory' | 'passes' | 'parallelism'>[] }));

vi.mock('node:crypto', async (original) => {
  const crypto = await original<{ argon2: typeof argon2 }>();
  const counted = (algorithm: 'argon2id', parameters: Argon2Parameters, done: Derived) => {
    const { memory, passes, parallelism } = parameters;
    hashed.push({ memory, passes, parallelism });
    crypto.argon2(algorithm, parameters, done);
  };
  return { ...crypto, argon2: counted };
});

/** What time would tell is counted, since a busy machine tells the time wrongly. */
it.each(['off', 'on'])(
  'refuses a password for a hidden room, for none, and a wrong one, with as much work: limits %s',
  async (RATE_LIMITS) => {
    await using server = await startServer({ env: { RATE_LIMITS } });
    const [owner, ada] = [await guest(server, 'owner'), await guest(server, 'ada')];
    const hidden = await owner.createRoom({ type: 'private' });
    const locked = await owner.createRoom({ type: 'private', password: 'correct horse' });
    await ada.call('join_room', { room_id: locked.id, password: 'the first guess since the start' });
    const rooms = { hidden: hidden.id, none: crypto.randomUUID(), locked: locked.id };
    const work: Record<string, unknown> = {};
    for (const [name, room_id] of Object.entries(rooms)) {
      hashed.length = 0;
      const code = await ada.code('join_room', { room_id, password: 'wrong wrong' });
      expect(code).toBe(name === 'locked' ? 'WRONG_PASSWORD' : 'ROOM_NOT_FOUND');
      work[name] = [...hashed];
    }
    expect(work['locked']).toHaveLength(1);
    expect(work).toEqual({ hidden: work['locked'], none: work['locked'], locked: work['locked'] });
  },
);
