import type { Message } from '../../../protocol/message.ts';
import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import { RawJson } from '../../models/raw-json.ts';
import { Refusal } from '../../models/refusal.ts';
import type { ToolStore } from '../admin-store.ts';
import type { LogEntry, SendInput, Sent, StoreFault } from '../store.ts';
import { BatchQueue, type Input, type Output, type Outputs } from './batch-queue.ts';
import type { PendingCall } from './call-queue.ts';
import type { ReadCalls, WriteCalls } from './calls.ts';
import { FaultLog } from './fault-log.ts';
import type { Fault } from './faults.ts';
import type { MessagesPage, Written } from './message.ts';
import { toMessage } from './rows.ts';
import { endWorker, startThreads } from './threads.ts';
import type { BatchReply, OutsideWrite, ReplyMessage, WatchFailed } from './worker-messages.ts';

/** What the SQLite store is opened with. */
export interface SqliteOptions {
  /** The database file, or `:memory:`. Its folder must exist. */
  readonly path: string;
  /** How many writes may wait before more are refused `OVERLOADED`. */
  readonly queueMax: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const WRITE_BATCH_MAX = 1_000;
const WRITE_BATCH_BYTES_MAX = 1_048_576;
/** Small, so that a quick read does not wait for many slow ones to be replied with it. */
const READ_BATCH_MAX = 16;
/** Lists and syncs take a few milliseconds each at most: a quick read that comes meanwhile waits for so many of them. */
const READ_TURNS_MAX = 4;

/** What callers of the writer get. */
type WriteOutputs = Omit<Outputs<WriteCalls>, 'send'> & { send: Sent };

/** Calls whose reply holds the entries they made. */
type EntryCall = Exclude<keyof WriteCalls & string, 'send' | 'probeWrite'>;

/**
 * Opens the embedded store: one worker that writes, in group commits, and one that reads, so that no query ever
 * blocks the event loop and a storm of reads does not hold up commits. A database in memory has one worker for both.
 * @throws Error with the reason when the database cannot be opened
 */
export async function openSqliteStore(options: SqliteOptions): Promise<ToolStore> {
  const { metrics } = options;
  const { writer, reader, epoch } = await startThreads(options.path, options.logger);

  let listener: (entries: readonly LogEntry[]) => void = () => {};
  let onOutsideWrite: () => void = () => {};
  let onFailure: (error: Error) => void = () => {};
  let closing = false;
  const faults = new FaultLog(options.logger);
  let isDamaged = false;
  const onFault = (call: string, fault: Fault) => {
    isDamaged ||= fault.kind === 'damaged';
    faults.add(call, fault);
  };
  const writes = new BatchQueue<WriteCalls, WriteOutputs>(writer, {
    kind: 'write',
    queueMax: options.queueMax,
    batchMax: WRITE_BATCH_MAX,
    batchBytesMax: WRITE_BATCH_BYTES_MAX,
    turnsMax: 0,
    onBatch(calls, replies, seconds) {
      metrics.commitBatch.observe(calls.length);
      metrics.commitSeconds.observe(seconds);
      const entries = collectEntries(calls, replies);
      if (entries.length > 0) listener(entries);
    },
    onQueue: (waiting) => metrics.writeQueue.set(waiting),
    onFault,
  });
  const reads = new BatchQueue<ReadCalls>(reader, {
    kind: 'read',
    queueMax: options.queueMax,
    batchMax: READ_BATCH_MAX,
    batchBytesMax: Number.POSITIVE_INFINITY,
    turnsMax: READ_TURNS_MAX,
    onQueue: (waiting) => metrics.readQueue.set(waiting),
    onFault,
  });
  for (const worker of new Set([writer, reader])) {
    worker.on('message', (message: BatchReply | OutsideWrite | WatchFailed) => {
      if (message.kind === 'outside write') onOutsideWrite();
      else if (message.kind === 'watch failed') onFault('watch', message.fault);
      else (message.kind === 'write' ? writes : reads).settle(message.replies);
    });
    const fail = (error: Error) => {
      if (closing) return;
      closing = true;
      writes.fail(error);
      reads.fail(error);
      onFailure(error);
    };
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`The database's worker ended with code ${code}.`)));
  }

  return {
    epoch,
    get isCommitting() {
      return writes.isBusy;
    },
    ...stores(writes, reads),
    onEntries: (callback) => {
      listener = callback;
    },
    onOutsideWrite: (callback) => {
      onOutsideWrite = callback;
    },
    onFailure: (callback) => {
      onFailure = callback;
    },
    settleTimes: async (input) => void (await writes.call('settleTimes', input)),
    get isDamaged() {
      return isDamaged;
    },
    probeRead: () => faultIn(reads.call('probeRead', undefined)),
    probeWrite: () => faultIn(writes.call('probeWrite', Date.now())),
    async close() {
      await Promise.all([writes.drained(), reads.drained()]);
      closing = true;
      await Promise.all([...new Set([reader, writer])].map(endWorker));
    },
  };
}

/** What a call meets, if anything. */
async function faultIn(call: Promise<unknown>): Promise<StoreFault | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) return 'other';
    return error.code === 'OVERLOADED' ? 'overloaded' : ((error.cause as StoreFault | undefined) ?? 'other');
  }
}

/**
 * The entries that a batch made, in the order of their numbers in each room. The worker answers a send with a number
 * alone, to copy less; the sender's answer is made here, so that it holds the same message as the entry.
 */
function collectEntries(calls: readonly PendingCall[], replies: ReplyMessage[]): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const [i, { name, input }] of calls.entries()) {
    const reply = replies[i];
    if (reply === undefined || !reply.ok || name === 'probeWrite') continue;
    if (name !== 'send') {
      entries.push(...(reply.value as Written<unknown>).entries);
      continue;
    }
    const value = sent(input as SendInput, reply.value as number | Message);
    replies[i] = { ok: true, value };
    if (value.duplicate === undefined) entries.push(value);
  }
  return entries;
}

/** What a send answers: the message that it stored under this number, or the one that its key stored before. */
function sent(input: SendInput, reply: number | Message): Sent {
  if (typeof reply !== 'number') return { message: reply, duplicate: true };
  const { id, room_id, user_id, username, content, client_id, at: timestamp } = input;
  const place = { room_id, seq: reply, rev: reply };
  const unchanged = { system: null, edited_at: null, deleted_at: null };
  return { message: toMessage({ id, ...place, user_id, username, content, timestamp, client_id, ...unchanged }) };
}

/** A page whose messages came as JSON. */
function pageOf<P extends MessagesPage>(page: P): Omit<P, 'messages'> & { messages: RawJson<Message[]> } {
  return { ...page, messages: new RawJson(page.messages) };
}

/** The nouns of the interface, each method one call. */
function stores(
  writes: BatchQueue<WriteCalls, WriteOutputs>,
  reads: BatchQueue<ReadCalls>,
): Pick<ToolStore, 'users' | 'rooms' | 'messages' | 'erasures' | 'admin' | 'notices' | 'newestNotice'> {
  const read =
    <K extends keyof ReadCalls & string>(name: K) =>
    (input: Input<ReadCalls, K>) =>
      reads.call(name, input);
  /** For what may take long: users take turns, and sign-ins and other quick reads go first. */
  const readInTurn =
    <K extends 'list' | 'sync'>(name: K) =>
    (input: Input<ReadCalls, K>) =>
      reads.call(name, input, { turn: input.user_id });
  const write =
    <K extends EntryCall>(name: K) =>
    async (input: Input<WriteCalls, K>): Promise<Output<WriteCalls, K>['value']> =>
      (await writes.call(name, input)).value;
  const join = write('join');
  const leave = write('leave');
  const add = write('add');
  const remove = write('remove');
  const touchUsers = write('touchUsers');
  const forgetRevoked = write('forgetRevoked');

  const setOwner = write('setOwner');
  const deleteRoom = write('deleteRoom');
  const eraseUser = write('eraseUser');
  const snapshot = read('snapshot');
  const page = read('page');
  const sync = readInTurn('sync');
  const requireMember = read('requireMember');

  return {
    notices: read('notices'),
    newestNotice: () => reads.call('newestNotice', undefined),
    admin: {
      rooms: read('allRooms'),
      users: read('allUsers'),
      user: read('user'),
      memberships: read('memberships'),
      countMessages: () => reads.call('countMessages', undefined),
      messagesOf: read('messagesOf'),
      setOwner: async (input) => void (await setOwner(input)),
      deleteRoom: async (input) => void (await deleteRoom(input)),
      deletedRooms: () => reads.call('deletedRooms', undefined),
      eraseUser: async (input) => void (await eraseUser(input)),
      tellsOf: read('tellsOf'),
      erasure: read('erasure'),
      staleUsers: read('staleUsers'),
      authors: read('authors'),
      deleteUser: write('deleteUser'),
      unusedRooms: read('unusedRooms'),
    },
    users: {
      create: write('createUser'),
      newestSeen: () => reads.call('newestSeen', undefined),
      forgetRevoked: async (input) => void (await forgetRevoked(input)),
      freeNameLike: read('freeNameLike'),
      session: read('session'),
      revoke: write('revokeTokens'),
      departing: read('departing'),
      depart: write('depart'),
      unseen: read('unseen'),
      retireUnseen: write('retireUnseen'),
      touch: async (input) => void (await touchUsers(input)),
      members: read('members'),
    },
    rooms: {
      create: write('create'),
      byClientId: read('byClientId'),
      access: read('access'),
      join: async (input) => void (await join(input)),
      leave: async (input) => void (await leave(input)),
      add,
      remove: async (input) => void (await remove(input)),
      snapshot: async (input) => pageOf(await snapshot(input)),
      list: readInTurn('list'),
      heads: read('heads'),
      requireMember: async (input) => void (await requireMember(input)),
    },
    messages: {
      send: (input) => writes.call('send', input, { bytes: 512 + input.content.length * 2 }),
      byClientId: read('messageByClientId'),
      edit: write('edit'),
      delete: write('delete'),
      page: async (input) => pageOf(await page(input)),
      sync: async (input) => new RawJson(await sync(input)),
      log: read('log'),
    },
    erasures: { step: write('eraseSome') },
  };
}
