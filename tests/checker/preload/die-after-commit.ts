// Loaded into the server before its own code: the process kills itself right when the reply to a batch of writes
// arrives, that is after COMMIT and before anything is answered or delivered. `DIE_AFTER_COMMITS` says at which one.
import { isMainThread, Worker } from 'node:worker_threads';
import { Query } from 'pg';

interface DoneMessage {
  readonly kind?: string;
  readonly written?: { readonly replies: readonly unknown[] };
}

/** What `pg` calls when the database has carried out a statement. */
interface Statement {
  readonly text?: string;
  handleCommandComplete(this: Statement, done: { readonly text: string }, connection: object): void;
}

let left = Number(process.env['DIE_AFTER_COMMITS']);

/** Call when messages were committed. */
function committed(): void {
  left--;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}

const emit = Worker.prototype.emit;

/** Whether messages were stored: a send is replied to with the number that it took. */
function storedMessages(message: DoneMessage | undefined): boolean {
  return message?.kind === 'write' && (message.written?.replies ?? []).some((reply) => typeof reply === 'number');
}

if (isMainThread) {
  Worker.prototype.emit = function (this: Worker, ...args: Parameters<typeof emit>): boolean {
    if (args[0] === 'message' && storedMessages(args[1] as DoneMessage)) committed();
    return emit.apply(this, args);
  } as typeof emit;

  const statements = Query.prototype as unknown as Statement;
  const { handleCommandComplete } = statements;
  /** Connections whose transaction holds messages. */
  const storing = new WeakSet<object>();
  statements.handleCommandComplete = function (done, connection) {
    if (this.text?.includes('INSERT INTO messages')) storing.add(connection);
    if (done.text === 'COMMIT' && storing.delete(connection)) committed();
    handleCommandComplete.call(this, done, connection);
  };
}
