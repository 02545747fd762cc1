import { setTimeout as pause } from 'node:timers/promises';
import { Refusal } from '../models/refusal.ts';
import type { StoredRoom } from '../models/room.ts';
import type { StaleUser, ToolStore } from '../stores/store.ts';
import { type DepartureOptions, leaveAllRooms } from './departures.ts';
import { type FinishOptions, finishErasure } from './erasure.ts';
import { pages, slices } from './pages.ts';

/** Where {@link prune} works. */
export interface PruneOptions extends DepartureOptions, FinishOptions {
  readonly store: ToolStore;
}

/** What is removed, and how much of each there was. */
export type Pruned = Record<'retired' | 'deleted' | 'rooms', number>;

/** What to prune, and who is told of it. */
export interface PruneRequest {
  /** Guests and rooms that nobody has seen since then, in milliseconds since 1970. */
  readonly before: number;
  /** Only tells what would be done. */
  readonly dryRun: boolean;
  readonly onUser: (user: StaleUser, what: 'retire' | 'delete') => void;
  readonly onRoom: (room: StoredRoom) => void;
  /** A room whose deletion was interrupted, and is finished. */
  readonly onRest: (room_id: string) => void;
}

const ROWS_A_STEP = 10_000;
/** So many users are looked up at once among the authors of all messages. */
const USERS_A_ROUND = 100_000;
/** So many go at once, since their commits are shared. */
const AT_ONCE = 16;

/**
 * Retires guests who were not seen for long, removes those of them who said nothing, and removes rooms that nobody is in
 * and that were not active for as long, and what is left of rooms whose deletion was interrupted. In small steps, beside a
 * running server.
 */
export async function prune(options: PruneOptions, request: PruneRequest): Promise<Pruned> {
  const { store } = options;
  const { before } = request;
  const pruned: Pruned = { retired: 0, deleted: 0, rooms: 0 };
  // First, since who wrote nothing but that has said nothing.
  for (const room_id of await store.admin.deletedRooms()) {
    if (!request.dryRun) await finishErasure(options, { kind: 'room', id: room_id });
    pruned.rooms++;
    request.onRest(room_id);
  }
  let round: StaleUser[] = [];
  const end = async () => {
    const silent = await saidNothing(store, round);
    for (const users of slices(round, AT_ONCE)) {
      const began = performance.now();
      await Promise.all(
        users.map((user) => pruneUser(options, request, { user, silent: silent.has(user.id), pruned })),
      );
      // A running server finds the database free every other moment, where it would wait for one step after another.
      if (!request.dryRun) await pause(performance.now() - began);
    }
    round = [];
  };
  for await (const user of pages((after) => store.admin.staleUsers({ before, after, limit: 1_000 }))) {
    if (round.push(user) >= USERS_A_ROUND) await end();
  }
  await end();
  const removed: string[] = [];
  for await (const room of pages((after) => store.admin.unusedRooms({ before, after, limit: 1_000 }))) {
    if (!request.dryRun && !(await removeRoom(options, room.id, before))) continue;
    removed.push(room.id);
    request.onRoom(room);
  }
  pruned.rooms += removed.length;
  if (!request.dryRun) for (const id of removed) await finishErasure(options, { kind: 'room', id });
  return pruned;
}

/** Those of the users who wrote none of the messages that there are. */
async function saidNothing(store: ToolStore, users: readonly StaleUser[]): Promise<Set<string>> {
  const silent = new Set(users.map(({ id }) => id));
  for (let after: string | null = ''; after !== null && silent.size > 0; ) {
    const page: { user_ids: string[]; next: string | null } = await store.admin.authors({ after, rows: ROWS_A_STEP });
    for (const id of page.user_ids) silent.delete(id);
    after = page.next;
  }
  return silent;
}

async function pruneUser(
  options: PruneOptions,
  { before, dryRun, onUser }: PruneRequest,
  { user, silent, pruned }: { user: StaleUser; silent: boolean; pruned: Pruned },
): Promise<void> {
  const { store, now } = options;
  const user_id = user.id;
  if (!user.retired) {
    if (!dryRun && !(await store.users.retireUnseen({ user_id, unseen_since: before, at: now() }))) return;
    pruned.retired++;
    onUser(user, 'retire');
  }
  if (!dryRun) await leaveAllRooms(options, user_id);
  if (!silent || (!dryRun && !(await store.admin.deleteUser({ user_id })))) return;
  pruned.deleted++;
  onUser(user, 'delete');
}

/** Removes a room unless somebody has come since, or has removed it. */
async function removeRoom({ store, now }: PruneOptions, room_id: string, unused_since: number): Promise<boolean> {
  try {
    await store.admin.deleteRoom({ room_id, unused_since, at: now() });
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'ROOM_NOT_FOUND') return false;
    throw error;
  }
}
