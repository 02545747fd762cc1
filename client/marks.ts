import type { ChatStorage } from './storage.ts';
import { StoredValue } from './stored-value.ts';

/** Up to where each room was read, for one history of the server. */
interface StoredMarks {
  readonly epoch: string;
  /** The `seq` of the last message read, by room, the room read last at the end. */
  readonly rooms: readonly (readonly [room_id: string, seq: number])[];
}

const NOTHING: StoredMarks = { epoch: '', rooms: [] };

/** So many rooms are remembered. */
const ROOMS_MAX = 1_000;

/** Where marks are kept, and who is told of their changes. */
export interface MarksOptions {
  readonly storage: ChatStorage;
  readonly key: string;
  readonly onChange: (room_id: string) => void;
  /** Told of what the storage throws; the marks then live in memory. */
  readonly onFault: (error: unknown) => void;
}

/** How far this user has read each room. Kept on this device. */
export class Marks {
  readonly #options: MarksOptions;
  readonly #value: StoredValue<StoredMarks>;
  readonly #marks = new Map<string, number>();
  readonly #firsts = new Map<string, number>();
  #epoch = '';
  #stored: StoredMarks | undefined;
  #saving = false;

  constructor(options: MarksOptions) {
    this.#options = options;
    this.#value = new StoredValue({ ...options, empty: NOTHING });
    void this.#value.read().then((stored) => this.#load(stored ?? NOTHING));
  }

  /** The history that the numbers belong to. Those of another one mean nothing and are forgotten. */
  set epoch(epoch: string) {
    if (this.#epoch !== '' && this.#epoch !== epoch) this.#marks.clear();
    this.#epoch = epoch;
    if (this.#stored !== undefined) this.#load(this.#stored);
    // What was set while it was not known which history it belongs to.
    if (this.#marks.size > 0) this.#save();
  }

  /** The `seq` up to which a room was read; undefined when it never was. */
  get(room_id: string): number | undefined {
    return this.#marks.get(room_id);
  }

  /** Everything in the room up to this `seq` was read. A lower number than before changes nothing. */
  set(room_id: string, seq: number): void {
    const known = this.#marks.get(room_id);
    if (known !== undefined && known >= seq) return;
    this.#marks.delete(room_id);
    this.#marks.set(room_id, seq);
    for (const oldest of this.#marks.keys()) {
      if (this.#marks.size <= ROOMS_MAX) break;
      this.#marks.delete(oldest);
    }
    this.#options.onChange(room_id);
    this.#save();
  }

  /** The room is seen for the first time on this device, unless a mark was stored: what is there counts as read. */
  begin(room_id: string, seq: number): void {
    this.#firsts.set(room_id, seq);
    if (this.#stored !== undefined) this.#load(this.#stored);
  }

  #load(stored: StoredMarks): void {
    this.#stored = stored;
    if (this.#epoch === '') return;
    for (const [room_id, seq] of stored.epoch === this.#epoch ? stored.rooms : []) {
      const known = this.#marks.get(room_id);
      if (known !== undefined && known >= seq) continue;
      this.#marks.set(room_id, seq);
      this.#options.onChange(room_id);
    }
    for (const [room_id, seq] of this.#firsts) if (!this.#marks.has(room_id)) this.set(room_id, seq);
    this.#firsts.clear();
  }

  /** Marks that are set before the storage has its turn are all in that one write. */
  #save(): void {
    if (this.#saving || this.#epoch === '') return;
    this.#saving = true;
    const merge = (stored: StoredMarks) => {
      this.#saving = false;
      return this.#merged(stored);
    };
    void this.#value.update(merge).then((saved) => {
      if (saved === undefined) this.#saving = false;
    });
  }

  #merged(stored: StoredMarks): StoredMarks {
    const rooms = new Map(stored.epoch === this.#epoch ? stored.rooms : []);
    for (const [room_id, seq] of this.#marks) {
      const other = rooms.get(room_id) ?? 0;
      rooms.delete(room_id);
      rooms.set(room_id, Math.max(other, seq));
    }
    return { epoch: this.#epoch, rooms: [...rooms].slice(-ROOMS_MAX) };
  }
}
