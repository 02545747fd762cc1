import { foldCase } from '../../../models/text.ts';
import { isReserved, namesLike } from '../../../models/user.ts';
import type { Database } from '../database.ts';

/**
 * Gives the name back to each user of whom others took it, or one that is like it: before this a guest's name could be
 * taken by others while the guest was away.
 */
export function giveNames(db: Database): void {
  const isFree = (name_key: string) => db.get('SELECT 1 FROM users WHERE name_key = ?', name_key) === undefined;
  const sql = 'SELECT id, username FROM users WHERE name_key IS NULL AND retired_at IS NULL';
  for (const { id, username } of db.all<{ id: string; username: string }>(sql)) {
    const name_key = foldCase(username);
    const isOwn = !isReserved(name_key) && isFree(name_key);
    const others = () => [username, 'guest'].flatMap((like) => namesLike(like));
    const name = isOwn ? username : others().find((one) => isFree(foldCase(one)));
    if (name !== undefined)
      db.run('UPDATE users SET username = ?, name_key = ? WHERE id = ?', name, foldCase(name), id);
  }
}
