import fc from 'fast-check';
import type { Call } from '../../app/stores/engine.ts';

/** What is done to a store, one after the other: calls in one turn of the event loop, or what happens around them. */
export type Step =
  | { readonly kind: 'together' | 'beside'; readonly calls: readonly Call[] }
  /** What a server does by and by: departures, erasures, times in the future. */
  | { readonly kind: 'chores'; readonly at: number }
  | { readonly kind: 'restart' };

/** A call before its ids are known: numbers that choose among what there is by then. */
interface Recipe {
  readonly kind: Kind;
  readonly who: number;
  readonly other: number;
  readonly where: number;
  readonly key: number;
  readonly back: number;
}

/** What calls may be about. Some of it was refused, and is not there. */
class World {
  readonly users: string[] = [];
  readonly rooms: string[] = [];
  readonly messages: string[] = [];
  /** Who may have said what, as far as it was told before this step: nobody else knows an id. */
  told: Said[] = [];
  readonly said: Said[] = [];
  at = 1_700_000_000_000;
  #made = 0;

  id(): string {
    return `00000000-0000-7000-8000-${String(++this.#made).padStart(12, '0')}`;
  }

  /** One of the newest, since what is old is mostly gone. */
  pick(all: readonly string[], i: number, of: number): string {
    return all[Math.max(0, all.length - of) + (i % Math.min(of, Math.max(1, all.length)))] ?? NOBODY;
  }

  make(all: string[]): string {
    const id = this.id();
    all.push(id);
    return id;
  }
}

interface Said {
  readonly message_id: string;
  readonly user_id: string;
}

const NOBODY = '00000000-0000-7000-8000-999999999999';
const NAMES = ['Ada', 'ada', 'Can', 'Çiğdem', 'a b', 'a', 'System', '🙂'];
/** Of which some are the beginnings of others. */
const KEYS = ['k', 'k ', 'k k', 'k\nk', ' k', 'k'.repeat(64), 'K'];

/** How often each call comes. */
const WEIGHTS = {
  send: 40,
  edit: 12,
  delete: 5,
  create: 4,
  join: 20,
  leave: 8,
  add: 5,
  remove: 2,
  guest: 3,
  revoke: 1,
  forgetRevoked: 1,
  touch: 3,
  retireUnseen: 1,
  setOwner: 2,
  deleteRoom: 1,
  eraseUser: 1,
  deleteUser: 1,
};

type Kind = keyof typeof WEIGHTS;

/** What each takes. */
const INPUTS: { readonly [K in Kind]: (world: World, recipe: Recipe) => unknown } = {
  send(world, { key, back, ...r }) {
    // Seldom an id that is taken: a fault of its own, which must fail no other.
    const id = back === TAKEN ? world.pick(world.messages, key, 20) : world.make(world.messages);
    const where = roomAndUser(world, r);
    world.said.push({ message_id: id, user_id: where.user_id });
    const client_id = back % 3 === 0 ? (KEYS[key % KEYS.length] ?? null) : null;
    return {
      id,
      ...where,
      username: `name of ${r.who % USERS}`,
      content: `${back} "said" \\ 🙂`,
      client_id,
      at: world.at,
    };
  },
  edit: (world, recipe) => ({ ...change(world, recipe), content: `changed ${recipe.back}` }),
  delete: (world, recipe) => change(world, recipe),
  create: (world, { key, back, ...r }) => ({
    room_id: world.make(world.rooms),
    message_id: world.make(world.messages),
    name: NAMES[key % NAMES.length],
    type: back % 4 === 0 ? 'private' : 'public',
    password_hash: back % 4 === 1 ? 'hash' : null,
    client_id: back % 2 === 0 ? (KEYS[key % KEYS.length] ?? null) : null,
    user_id: world.pick(world.users, r.who, USERS),
    rooms_max: back % 5 === 0 ? 3 : 100,
    at: world.at,
  }),
  join: (world, { key, ...r }) => ({
    ...membership(world, r),
    rooms_max: key === 6 ? 3 : 100,
    verified_hash: key % 3 === 0 ? 'hash' : null,
  }),
  leave: (world, recipe) => membership(world, recipe),
  add: (world, { other, ...r }) => ({
    ...membership(world, { ...r, who: other }),
    by: world.pick(world.users, r.who, USERS),
    rooms_max: 100,
  }),
  remove: (world, { other, ...r }) => ({
    ...membership(world, { ...r, who: other }),
    by: world.pick(world.users, r.who, USERS),
  }),
  guest: (world, { key, back }) => ({
    id: world.make(world.users),
    username: NAMES[(key + back) % NAMES.length],
    at: world.at,
    ...(back % 2 === 0 && { seen_at: world.at - back }),
  }),
  revoke: (world, { who, key }) => ({
    user_id: world.pick(world.users, who, USERS),
    token_id: key % 2 === 0 ? null : `token ${key}`,
    expires_at: world.at + key,
    at: world.at,
  }),
  forgetRevoked: (world, { back }) => ({ expired_before: world.at - back }),
  touch: (world, { who, other, back }) => ({
    users: [who, other].map((i) => {
      return { id: world.pick(world.users, i, USERS), connected_at: world.at - back, last_activity: world.at };
    }),
    at: world.at,
  }),
  retireUnseen: (world, { who, back }) => ({
    user_id: world.pick(world.users, who, USERS),
    unseen_since: world.at - back,
    at: world.at,
  }),
  setOwner: (world, recipe) => membership(world, recipe),
  deleteRoom: (world, { where, back }) => ({
    room_id: world.pick(world.rooms, where, ROOMS),
    at: world.at,
    ...(back % 2 === 0 && { unused_since: world.at - back }),
  }),
  eraseUser: (world, { who }) => ({ user_id: world.pick(world.users, who, USERS), at: world.at }),
  deleteUser: (world, { who }) => ({ user_id: world.pick(world.users, who, 3 * USERS) }),
};

const NAMES_OF: { readonly [K in Kind]: string } = {
  send: 'messages.send',
  edit: 'messages.edit',
  delete: 'messages.delete',
  create: 'rooms.create',
  join: 'rooms.join',
  leave: 'rooms.leave',
  add: 'rooms.add',
  remove: 'rooms.remove',
  guest: 'users.create',
  revoke: 'users.revoke',
  forgetRevoked: 'users.forgetRevoked',
  touch: 'users.touch',
  retireUnseen: 'users.retireUnseen',
  setOwner: 'admin.setOwner',
  deleteRoom: 'admin.deleteRoom',
  eraseUser: 'admin.eraseUser',
  deleteUser: 'admin.deleteUser',
};

/** Asks for an id that is taken. */
const TAKEN = 200;

const USERS = 6;
const ROOMS = 4;

const roomAndUser = (world: World, { where, who }: Pick<Recipe, 'where' | 'who'>) => ({
  room_id: world.pick(world.rooms, where, ROOMS),
  user_id: world.pick(world.users, who, USERS),
});

const membership = (world: World, recipe: Pick<Recipe, 'where' | 'who'>) => ({
  ...roomAndUser(world, recipe),
  message_id: world.make(world.messages),
  at: world.at,
});

const change = (world: World, { who, key, where, back }: Recipe) => {
  const said = world.told.slice(-20);
  const { message_id, user_id } = said[(key * ROOMS + where) % said.length] ?? { message_id: NOBODY, user_id: NOBODY };
  return { message_id, user_id: back % 4 === 0 ? world.pick(world.users, who, USERS) : user_id, at: world.at };
};

const kinds = fc.oneof(
  ...(Object.keys(WEIGHTS) as Kind[]).map((kind) => ({ arbitrary: fc.constant(kind), weight: WEIGHTS[kind] })),
);
const number = fc.nat({ max: 30 });
const recipe: fc.Arbitrary<Recipe> = fc.record({
  kind: kinds,
  who: number,
  other: number,
  where: number,
  key: fc.nat({ max: 6 }),
  back: fc.oneof({ arbitrary: number, weight: 60 }, { arbitrary: fc.constant(TAKEN), weight: 1 }),
});

const plan = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constant('together' as const), recipes: fc.array(recipe, { maxLength: 24 }) }),
    weight: 12,
  },
  {
    arbitrary: fc.record({ kind: fc.constant('beside' as const), recipes: fc.array(recipe, { maxLength: 6 }) }),
    weight: 3,
  },
  { arbitrary: fc.record({ kind: fc.constant('chores' as const) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('restart' as const) }), weight: 1 },
  // How much time passes, in milliseconds: sometimes the clock goes back.
  {
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(90_000_000, -5_000) }),
    weight: 6,
  },
);

/** Whatever may be done to a store, with guests and rooms there from the beginning. */
export const anySteps = (length: number): fc.Arbitrary<Step[]> =>
  fc.array(plan, { minLength: length, maxLength: length }).map((plans) => {
    const world = new World();
    const steps: Step[] = [{ kind: 'together', calls: beginning(world) }];
    for (const one of plans) {
      if (one.kind === 'time') world.at += one.ms;
      else if (one.kind === 'chores') steps.push({ kind: 'chores', at: world.at });
      else if (one.kind === 'restart') steps.push({ kind: 'restart' });
      else {
        world.told = [...world.said];
        world.at += 1_500;
        steps.push({ kind: one.kind, calls: few(one.recipes).map((r) => callOf(world, r)) });
      }
    }
    return steps;
  });

/**
 * Not many with one that meets a fault: a batch is then tried more often on one engine than on the other, and places by
 * activity are written so many times a second alone.
 */
const few = (recipes: readonly Recipe[]) =>
  recipes.some(({ back }) => back === TAKEN) ? recipes.slice(0, 8) : recipes;

const callOf = (world: World, r: Recipe): Call => ({ name: NAMES_OF[r.kind], input: INPUTS[r.kind](world, r) });

function beginning(world: World): Call[] {
  const r = { other: 0, where: 0, back: 7 };
  return [
    ...NAMES.map((_, key) => callOf(world, { ...r, kind: 'guest', who: 0, key: key + 1 })),
    ...Array.from({ length: ROOMS }, (_, i) => callOf(world, { ...r, kind: 'create', who: i, key: i })),
    ...Array.from({ length: USERS * ROOMS }, (_, i) =>
      callOf(world, { ...r, kind: 'join', who: i % USERS, where: i % ROOMS, key: 3 }),
    ),
  ];
}
