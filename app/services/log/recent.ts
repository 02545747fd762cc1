import { membershipChange } from '../../models/message.ts';
import type { LogEntry } from '../../stores/store.ts';

/** An entry that was delivered to a room: it moved the room's cursor from `from` to its own number. */
export interface DeliveredEntry {
  readonly from: number;
  readonly entry: LogEntry;
}

/** A moment to look back to; entries since then are kept until it is closed. */
export interface Bookmark {
  readonly position: number;
}

const MAX_KEPT = 50_000;
const TRIM_STEP = 1_024;

/**
 * The entries delivered lately, kept only while somebody reads a snapshot: the snapshot tells a room up to some
 * number, and what was delivered above it meanwhile is found here, with no second read.
 */
export class RecentEntries {
  #entries: DeliveredEntry[] = [];
  #base = 0;
  readonly #bookmarks = new Set<Bookmark>();
  /** Deleted rooms, by where the end was then. */
  readonly #deleted = new Map<string, number>();
  readonly #max: number;

  /** @param max more entries than this are not kept: who looks back further reads the store instead */
  constructor(max = MAX_KEPT) {
    this.#max = max;
  }

  /** Call before the snapshot is read. */
  open(): Bookmark {
    const bookmark = { position: this.#base + this.#entries.length };
    this.#bookmarks.add(bookmark);
    return bookmark;
  }

  /** Call when nothing before now is looked for any more. */
  close(bookmark: Bookmark): void {
    this.#bookmarks.delete(bookmark);
    const [oldest] = this.#bookmarks;
    if (oldest === undefined) this.#drop(this.#entries.length);
    else if (oldest.position - this.#base > TRIM_STEP) this.#drop(oldest.position - this.#base);
    for (const [room_id, position] of this.#deleted) {
      if (oldest !== undefined && position >= oldest.position) break;
      this.#deleted.delete(room_id);
    }
  }

  /** Call when a room is deleted: a snapshot that is being read may still hold it. */
  addDeleted(room_id: string): void {
    if (this.#bookmarks.size > 0) this.#deleted.set(room_id, this.#base + this.#entries.length);
  }

  /** Whether a room that is in a snapshot has been deleted since the bookmark of that snapshot. */
  isDeleted(room_id: string): boolean {
    return this.#deleted.has(room_id);
  }

  /** Whether everything delivered since the bookmark is still kept. */
  reachesBackTo(bookmark: Bookmark): boolean {
    return bookmark.position >= this.#base;
  }

  /** Call for each delivered entry. */
  add(delivered: DeliveredEntry): void {
    if (this.#bookmarks.size === 0) return;
    this.#entries.push(delivered);
    if (this.#entries.length > this.#max) this.#drop(this.#max >> 1);
  }

  /**
   * What was delivered to each of these rooms since the bookmark, in order. Rooms with nothing are absent; with a bookmark
   * older than what is kept, entries are missing at the beginning, which shows in their `from`.
   */
  since(bookmark: Bookmark, room_ids: ReadonlySet<string>): Map<string, DeliveredEntry[]> {
    const found = new Map<string, DeliveredEntry[]>();
    for (let i = Math.max(0, bookmark.position - this.#base); i < this.#entries.length; i++) {
      const delivered = this.#entries[i];
      const room_id = delivered?.entry.message.room_id;
      if (delivered === undefined || room_id === undefined || !room_ids.has(room_id)) continue;
      const entries = found.get(room_id);
      if (entries === undefined) found.set(room_id, [delivered]);
      else entries.push(delivered);
    }
    return found;
  }

  /**
   * The rooms that a user was made a member of (true), or ceased to be one of (false), since the bookmark, by the change
   * of the highest number: entries may come late.
   */
  membershipsSince(bookmark: Bookmark, user_id: string): Map<string, boolean> {
    const rooms = new Map<string, { readonly rev: number; readonly member: boolean }>();
    for (let i = Math.max(0, bookmark.position - this.#base); i < this.#entries.length; i++) {
      const message = this.#entries[i]?.entry.message;
      const change = message?.system === undefined ? undefined : membershipChange(message);
      if (message === undefined || change === undefined) continue;
      const { room_id, rev } = message;
      const member = 'joined' in change;
      if ((member ? change.joined : change.left) !== user_id || rev < (rooms.get(room_id)?.rev ?? 0)) continue;
      rooms.set(room_id, { rev, member });
    }
    return new Map([...rooms].map(([room_id, { member }]) => [room_id, member]));
  }

  #drop(count: number): void {
    this.#entries = count >= this.#entries.length ? [] : this.#entries.slice(count);
    this.#base += count;
  }
}

/** The delivered entries above `known`, each once, which reach up to `cursor`; undefined when they are not all there. */
export function missedEntries(
  delivered: readonly DeliveredEntry[],
  known: number,
  cursor: number,
): LogEntry[] | undefined {
  const missed: LogEntry[] = [];
  let at = known;
  for (const { from, entry } of delivered) {
    if (entry.message.rev <= at) continue;
    if (from > at) return undefined;
    missed.push(entry);
    at = entry.message.rev;
  }
  return at >= cursor ? missed : undefined;
}
