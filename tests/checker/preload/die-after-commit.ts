// Loaded into the server before its own code: the process kills itself right when the reply to a batch of writes
// arrives, that is after COMMIT and before anything is answered or delivered. `DIE_AFTER_COMMITS` says at which one.
import { isMainThread, Worker } from 'node:worker_threads';

interface DoneMessage {
  readonly kind?: string;
  readonly written?: { readonly replies: readonly unknown[] };
}

let left = Number(process.env['DIE_AFTER_COMMITS']);
const emit = Worker.prototype.emit;

/** Whether messages were stored: a send is replied to with the number that it took. */
function storedMessages(message: DoneMessage | undefined): boolean {
  return message?.kind === 'write' && (message.written?.replies ?? []).some((reply) => typeof reply === 'number');
}

if (isMainThread) {
  Worker.prototype.emit = function (this: Worker, ...args: Parameters<typeof emit>): boolean {
    if (args[0] === 'message' && storedMessages(args[1] as DoneMessage)) {
      left--;
      if (left <= 0) process.kill(process.pid, 'SIGKILL');
    }
    return emit.apply(this, args);
  } as typeof emit;
}
