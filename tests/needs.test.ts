import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../app/services/caller.ts';
import { COMMAND_NAMES, COMMANDS, type CommandName } from '../protocol/index.ts';
import { lone, TestConnection, TestServices } from './support/services.ts';

// Every command, called by who may and by who may not, and answered as its declaration says of who may.
const server = await TestServices.create();
afterAll(() => server[Symbol.asyncDispose]());

/** What payloads name. */
interface Named {
  readonly room_id: string;
  readonly message_id: string;
  readonly user_id: string;
}

interface Scene {
  /** A room that everyone may know of. */
  readonly open: Named;
  /** A room that only its members know of. */
  readonly hidden: Named;
}

let scene: Scene;

beforeAll(async () => {
  const owner = await server.connect();
  const name = async (type: 'public' | 'private'): Promise<Named> => {
    const { room } = await server.ok(owner, 'create_room', { name: type, type });
    const { message } = await server.ok(owner, 'send_message', { room_id: room.id, content: 'hello' });
    return { room_id: room.id, message_id: message.id, user_id: message.user_id };
  };
  scene = { open: await name('public'), hidden: await name('private') };
});

/** The refusals that say of the caller that it may not. */
const ABOUT_CALLER = ['UNAUTHENTICATED', 'NOT_A_MEMBER', 'ROOM_NOT_FOUND', 'MESSAGE_NOT_FOUND'];

/** The refusal that says so of a caller; 'may' where nothing does. */
async function outcome(caller: Caller, name: CommandName, named: Named): Promise<string> {
  const payload: Record<string, unknown> = { ...COMMANDS[name].example.payload };
  for (const [field, value] of Object.entries(named)) if (field in payload) payload[field] = value;
  const answer = await server.call(caller, name, payload);
  return !answer.ok && ABOUT_CALLER.includes(answer.error.code) ? answer.error.code : 'may';
}

/** What is answered to who may not know of what a payload names. */
function unknownTo({ payload }: (typeof COMMANDS)[CommandName]): string {
  if ('room_id' in payload.shape) return 'ROOM_NOT_FOUND';
  return 'message_id' in payload.shape ? 'MESSAGE_NOT_FOUND' : 'may';
}

const KINDS = ['a connection', 'a request without one'] as const;

describe.each(KINDS.flatMap((kind) => COMMAND_NAMES.map((name) => ({ name, kind }))))(
  '$name is called over $kind',
  ({ name, kind }) => {
    const { needs } = COMMANDS[name];
    /** Who has signed in, or nobody, over what. */
    const over = (connection: TestConnection) => (kind === 'a connection' ? connection : lone(connection));

    it('by nobody', async () => {
      const expected = needs === 'anyone' ? 'may' : 'UNAUTHENTICATED';
      for (const named of [scene.open, scene.hidden])
        expect(await outcome(over(new TestConnection('nobody')), name, named)).toBe(expected);
    });

    it('by a stranger, who may not know of the room', async () => {
      expect(await outcome(over(await server.connect()), name, scene.hidden)).toBe(unknownTo(COMMANDS[name]));
    });

    it('by who is no member', async () => {
      const expected = needs === 'member' ? 'NOT_A_MEMBER' : 'may';
      expect(await outcome(over(await server.connect()), name, scene.open)).toBe(expected);
    });

    it('by a member', async () => {
      const member = await server.connect();
      await server.ok(member, 'join_room', { room_id: scene.open.room_id });
      expect(await outcome(over(member), name, scene.open)).toBe('may');
    });
  },
);
