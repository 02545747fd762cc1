import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** Environment variables by name, as in `process.env`. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The process's environment over what a `.env` file in the folder holds. For the entry points only.
 *
 * @throws Error when there is a `.env` that cannot be read, or is no text
 */
export function loadEnv(folder: string = process.cwd(), env: Env = process.env): Env {
  const path = join(folder, '.env');
  const bytes = readIfThere(path);
  return bytes === null ? env : { ...parseEnv(decode(bytes, path)), ...env };
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new Error(`${path} cannot be read: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** The text of a file, as editors write it: in UTF-8, with a byte-order mark or without, or in UTF-16 with one. */
function decode(bytes: Buffer, path: string): string {
  const mark = bytes.toString('latin1', 0, 2);
  const encoding = mark === '\xff\xfe' ? 'utf-16le' : mark === '\xfe\xff' ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Told below, as for a zero, which stands in UTF-16 without its mark.
  }
  throw new Error(`${path} is not a text in UTF-8: save it as UTF-8.`);
}
