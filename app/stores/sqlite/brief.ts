import { type Call, type Reply, type Written, writeOf } from '../engine.ts';
import type { LogEntry } from '../entry.ts';

/**
 * What became of a batch as it crosses between threads. Most calls are sends, whose answer and entry are one object that
 * holds little but what the main thread has given: in its place cross what it is short of, and its place.
 */
export interface BriefWritten {
  /** Each a reply, or what the value of a call that has a `brief` is short of. */
  readonly replies: readonly (Reply | number)[];
  /** Each the entry, or the number of the reply that it is. */
  readonly entries: readonly (LogEntry | number)[];
}

/** Shortens what became of calls. */
export function shorten(calls: readonly Call[], { replies, entries }: Written): BriefWritten {
  const places = new Map<unknown, number>();
  const short = replies.map((reply, i) => {
    const value = reply.ok ? writeOf(calls[i]?.name ?? '').brief?.shorten(reply.value) : undefined;
    if (!reply.ok || value === undefined) return reply;
    places.set(reply.value, i);
    return value;
  });
  return { replies: short, entries: entries.map((entry) => places.get(entry) ?? entry) };
}

/** Makes of it what it was. */
export function restore(calls: readonly Call[], { replies, entries }: BriefWritten): Written {
  const whole = replies.map((reply, i): Reply => {
    if (typeof reply !== 'number') return reply;
    const call = calls[i];
    const brief = call && writeOf(call.name).brief;
    if (brief === undefined) throw new Error('A reply was shortened that cannot be restored.');
    return { ok: true, value: brief.restore(call?.input, reply) };
  });
  return {
    replies: whole,
    entries: entries.map((entry) => (typeof entry === 'number' ? entryOf(whole[entry]) : entry)),
  };
}

function entryOf(reply: Reply | undefined): LogEntry {
  if (!reply?.ok) throw new Error('An entry was told by a call that was refused.');
  // A call whose value is an entry is the only one that is put in the place of one.
  return reply.value as LogEntry;
}
