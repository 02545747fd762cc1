import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One step of a schema. A step that has shipped never changes. */
export interface Step {
  /** `0001-tables` */
  readonly name: string;
  /** Null when it is code. */
  readonly sql: string | null;
  /** The oldest schema whose program may run on a database that has done this step. */
  readonly compatibleFrom: number;
}

const FILE = /^(\d{4}-[\w-]+)\.(sql|ts|js)$/;
const COMPATIBLE = /^-- compatible from (\d+)$/m;

/**
 * The steps of a schema, in order: the files `NNNN-name.sql` of a folder, or `.ts` where a step needs code. A line
 * `-- compatible from N` in it says that programs that know N steps may run on what it makes; without one, none that does
 * not know it.
 */
export function readSteps(folder: string): Step[] {
  const files = readdirSync(folder)
    .sort()
    .map((file) => FILE.exec(file) ?? []);
  return files.flatMap(([file, name, kind]): Step[] => {
    if (file === undefined || name === undefined) return [];
    const sql = kind === 'sql' ? readFileSync(join(folder, file), 'utf8') : null;
    return [{ name, sql, compatibleFrom: Number(COMPATIBLE.exec(sql ?? '')?.[1] ?? Number.parseInt(name, 10)) }];
  });
}

/**
 * Lets a program use a database that has done more steps than it knows only where those leave all as it expects it.
 * @param compatibleFrom `compatible_from` of the database's `meta`, null where it has none
 * @throws Error when it may not
 */
export function refuseNewer({
  done,
  known,
  compatibleFrom,
}: {
  done: number;
  known: number;
  compatibleFrom: number | null;
}): void {
  if (done <= known || (compatibleFrom !== null && compatibleFrom <= known)) return;
  const remedy = 'start the newer one, or restore a backup of before';
  throw new Error(`It has schema ${done}, made by a newer version; this one knows ${known}: ${remedy}`);
}
