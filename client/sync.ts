import type { LIMITS } from '../protocol/limits.ts';
import { Backoff, Sleep } from './backoff.ts';
import { type Connection, PAGE_MS } from './connection.ts';
import { ChatError } from './error.ts';
import type { ChatRoom } from './room.ts';
import type { RoomLog } from './room-log.ts';
import type { RoomState } from './room-state.ts';

/** A room with what is known of it. */
export interface RoomEntry {
  readonly room: ChatRoom;
  readonly state: RoomState;
}

/** The connection that rooms catch up over, and who is told what comes of it. */
export interface SyncerOptions {
  readonly connection: Connection;
  readonly epoch: () => string;
  /** The history is another one: all that is loaded is worth nothing. */
  readonly onEpoch: (epoch: string) => void;
  /** This user may not read the room any more. */
  readonly onGone: (room_id: string) => void;
  /** Called when it begins or ends. */
  readonly onBusy: () => void;
}

/** The rooms of one `sync` by id, each with the log that was asked for: by the answer it may be another one. */
type Asked = Map<string, readonly [RoomEntry, RoomLog]>;

/** Its type holds it to the protocol's number, and the bundle needs no table for it. */
const SYNC_ROOMS: (typeof LIMITS)['sync_rooms'] = 100;

/** Brings rooms up to date: one `sync` at a time, of at most 100 rooms; those that must start afresh are joined anew. */
export class Syncer {
  readonly #options: SyncerOptions;
  readonly #behind = new Set<RoomEntry>();
  readonly #afresh = new Set<RoomEntry>();
  readonly #backoff = new Backoff();
  readonly #sleep = new Sleep();
  #running = false;
  #generation = 0;

  constructor(options: SyncerOptions) {
    this.#options = options;
  }

  /** Whether rooms are being brought up to date. */
  get busy(): boolean {
    return this.#running;
  }

  /** Fetches what the room misses. */
  request(entry: RoomEntry): void {
    this.#behind.add(entry);
    void this.#run();
  }

  /** Drops what is loaded of the room and loads the newest. */
  startAfresh(entry: RoomEntry): void {
    entry.state.close();
    this.#behind.delete(entry);
    this.#afresh.add(entry);
    void this.#run();
  }

  /** Forgets what was asked: the connection is another one. Rooms that were to start afresh still are. */
  restart(): void {
    this.#behind.clear();
    this.#sleep.wake();
    void this.#run();
  }

  /** Forgets everything. */
  stop(): void {
    this.#generation++;
    this.#behind.clear();
    this.#afresh.clear();
    this.#sleep.wake();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#options.onBusy();
    const generation = this.#generation;
    try {
      while (generation === this.#generation && this.#options.connection.phase === 'ready' && this.#hasWork) {
        await this.#step();
      }
    } finally {
      this.#running = false;
      this.#options.onBusy();
    }
    if (generation !== this.#generation && this.#hasWork) void this.#run();
  }

  get #hasWork(): boolean {
    return this.#behind.size + this.#afresh.size > 0;
  }

  async #step(): Promise<void> {
    try {
      await this.#work();
      this.#backoff.reset();
    } catch (error) {
      await this.#failed(error);
    }
  }

  async #work(): Promise<void> {
    const [afresh] = this.#afresh;
    if (afresh !== undefined) return this.#join(afresh);
    const asked: Asked = new Map();
    for (const entry of this.#behind) {
      const { log } = entry.state;
      if (log === undefined) this.#behind.delete(entry);
      else if (asked.size < SYNC_ROOMS) asked.set(entry.room.id, [entry, log]);
    }
    if (asked.size > 0) await this.#sync(asked);
  }

  async #join(entry: RoomEntry): Promise<void> {
    try {
      await entry.room.join();
      this.#afresh.delete(entry);
    } catch (error) {
      if (!(error instanceof ChatError) || error.isRetryable || error.code === 'UNAUTHENTICATED') throw error;
      this.#afresh.delete(entry);
      this.#options.onGone(entry.room.id);
    }
  }

  async #sync(asked: Asked): Promise<void> {
    const { connection, epoch, onEpoch } = this.#options;
    const rooms = [...asked].map(([room_id, [, log]]) => ({ room_id, seq: log.cursor }));
    let retry: ChatError | undefined;
    const payload = { epoch: epoch(), rooms };
    await connection.call('sync', payload, {
      answerMs: PAGE_MS,
      apply: (answer) => {
        if (answer.epoch !== payload.epoch) return onEpoch(answer.epoch);
        for (const result of answer.rooms) {
          const [entry, log] = asked.get(result.room_id) ?? [];
          if (entry === undefined) continue;
          if ('error' in result)
            retry = this.#refused(entry, new ChatError({ code: result.error, message: '' })) ?? retry;
          else if (log !== entry.state.log) continue;
          else if (result.reset) this.startAfresh(entry);
          else if (!log?.page(result)) this.#behind.delete(entry);
        }
      },
    });
    if (retry !== undefined) throw retry;
  }

  /** The error again when the room can be asked for once more. */
  #refused(entry: RoomEntry, error: ChatError): ChatError | undefined {
    if (error.isRetryable) return error;
    this.#behind.delete(entry);
    this.#options.onGone(entry.room.id);
    return undefined;
  }

  /** Waits where trying again helps; otherwise another connection, after a wait, is what is left. */
  async #failed(error: unknown): Promise<void> {
    if (!(error instanceof ChatError)) throw error;
    if (error.code === 'OFFLINE' || error.code === 'NO_ANSWER') return;
    if (!error.isRetryable) return this.#options.connection.reconnect(error.retryAfterMs);
    this.#backoff.ask(error.retryAfterMs);
    await this.#sleep.for(this.#backoff.next());
  }
}
