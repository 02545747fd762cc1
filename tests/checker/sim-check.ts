import type { Presence } from '../../app/services/presence.ts';
import { checkReads } from './check-reads.ts';
import { checkStates } from './check-states.ts';
import { checkStream } from './check-streams.ts';
import type { Finding } from './findings.ts';
import { Knowledge } from './knowledge.ts';
import type { Recorder } from './records.ts';
import { readLogs } from './room-log.ts';
import type { SimConnection, SimDelivery } from './sim-delivery.ts';
import type { SimStore } from './sim-store.ts';

/** Everyone in the simulation. */
export const USERS = ['ada', 'can', 'ece'];

/** A simulation that has ended. */
export interface Simulated {
  readonly recorder: Recorder;
  readonly store: SimStore;
  /** Those that live. */
  readonly connections: ReadonlySet<SimConnection>;
  readonly delivery: SimDelivery;
  readonly presence: Presence;
}

/** What was wrong. `remembers`: memory was large enough for all that was looked for. */
export function* checkSimulation(simulated: Simulated, remembers: boolean): Generator<Finding> {
  const { recorder, store } = simulated;
  const logs = readLogs(store.stored());
  const knowledge = new Knowledge(recorder);
  for (const text of leftOvers(simulated)) yield { kind: 'fault', text };
  // Where memory was too small, connections may have been given up before they were told of a removal.
  if (remembers) for (const text of wrongPresence(simulated)) yield { kind: 'fault', text };
  yield* checkReads(recorder, logs, knowledge);
  yield* [...checkStates(recorder, logs, knowledge)].filter(({ kind }) => kind !== 'gap');
  for (const connection of recorder.connections) yield* checkStream(connection, logs);
}

/** Commands that nobody answered, and subscriptions that nobody ended. */
function* leftOvers({ recorder, store, connections, delivery }: Simulated): Generator<string> {
  const alive = new Set([...connections].map(({ id }) => id));
  for (const { command, connection, answer } of recorder.calls)
    if (answer === undefined && alive.has(connection)) yield `${command} of ${connection} was never answered`;
  for (const [room_id, group] of delivery.groups)
    for (const { id, closed } of group.connections) {
      if (closed) yield `${id}, which has ended, receives ${room_id}`;
      if (!store.rooms.has(room_id)) yield `${id} receives ${room_id}, which is deleted`;
    }
}

/** Who is taken for a member of a room by presence alone, or by the store alone. */
function* wrongPresence({ presence, store }: Simulated): Generator<string> {
  for (const user_id of USERS) {
    const user = presence.get(user_id);
    if (user === undefined || user.connections.size === 0) continue;
    for (const { id } of store.stored().rooms)
      if (user.rooms.has(id) !== store.isMember(id, user_id)) yield `presence is wrong about ${user_id} in ${id}`;
  }
}
