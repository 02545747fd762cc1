import { backupDatabase } from '../../app/stores/sqlite/backup.ts';
import { claimDatabase, findDatabase } from '../../app/stores/sqlite/claim.ts';
import { restoreDatabase } from '../../app/stores/sqlite/restore.ts';

/** What backup and restore do, in a process that starts fast: `tool-core.ts backup|restore DATABASE FILE`. */
const [, , tool, path = '', file = ''] = process.argv;
process.umask(0o077);
if (tool === 'backup') backupDatabase(findDatabase(path), file);
else {
  const claim = claimDatabase(path);
  restoreDatabase(claim.path, file);
  claim.release();
}
