// Loaded into the server before its own code: lines on standard input break the workers of its store. `die writer` ends
// that worker, `blind` lets it fail to look whether another process has written, `see` mends that.
import { DatabaseSync } from 'node:sqlite';
import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';

const channel = new BroadcastChannel('break-store');
channel.unref();
let blind = false;

if (isMainThread) {
  process.stdin.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) channel.postMessage(line);
  });
  process.stdin.unref();
} else {
  channel.onmessage = (message) => {
    const { data } = message as { data: string };
    if (data === `die ${(workerData as { role: string }).role}`) process.exit(7);
    if (data === 'blind' || data === 'see') blind = data === 'blind';
  };
  const prepare = DatabaseSync.prototype.prepare;
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string) {
    const statement = prepare.call(this, sql);
    if (sql !== 'PRAGMA data_version') return statement;
    const get = statement.get.bind(statement);
    statement.get = () => {
      if (blind) throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
      return get();
    };
    return statement;
  };
}
