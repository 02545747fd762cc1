// Loaded into the server before its own code: each transaction that wrote something says on standard error how safe
// its COMMIT is, as `COMMIT synchronous=2 journal_mode=wal`.
import { writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const exec = DatabaseSync.prototype.exec;
const STANDARD_ERROR = 2;

DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  const before = sql === 'COMMIT' ? this.prepare('PRAGMA query_only').get() : undefined;
  if (before?.['query_only'] === 0) {
    const { synchronous } = this.prepare('PRAGMA synchronous').get() ?? {};
    const { journal_mode } = this.prepare('PRAGMA journal_mode').get() ?? {};
    writeSync(STANDARD_ERROR, `COMMIT synchronous=${synchronous} journal_mode=${journal_mode}\n`);
  }
  exec.call(this, sql);
};
