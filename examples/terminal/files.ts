import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ChatStorage } from '../../client/storage.ts';

/** Keeps everything in one file, readable by this user alone; one program a file. */
export function fileStorage(path: string): ChatStorage {
  const kept: Record<string, string> = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  const save = () => {
    writeFileSync(`${path}.new`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  return {
    get: (key) => kept[key],
    set: (key, value) => {
      kept[key] = value;
      save();
    },
    delete: (key) => {
      delete kept[key];
      save();
    },
  };
}
