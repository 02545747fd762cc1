import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

const SECRET_BYTES = 32;

/** The shortest secret that is taken from the file, in characters: 32 bytes in base64url. */
const SECRET_LENGTH = Math.ceil((SECRET_BYTES * 4) / 3);

/** A new random secret of 32 bytes in base64url, for signing tokens. */
export function createSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** Where the secret is kept in a data folder. */
export const secretFile = (dataDir: string): string => join(dataDir, 'token-secret');

/**
 * The secret kept in `token-secret` in the data folder, made at the first start (the folder too). The file is readable
 * by its owner alone and appears whole or not at all; when two processes make it at once, both get the same one.
 *
 * @throws {Error} with the path when the file is empty or too short, or cannot be read or made
 */
export async function loadOrCreateSecret(dataDir: string): Promise<string> {
  const path = secretFile(dataDir);
  try {
    const kept = await readSecret(path);
    if (kept !== null) return kept;
    await mkdir(dataDir, { recursive: true });
    await placeSecret(path, createSecret());
    const placed = await readSecret(path);
    if (placed === null) throw new Error('it vanished while it was being made');
    return placed;
  } catch (error) {
    // The file system does not always say where.
    throw new Error(`The token secret ${path}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function readSecret(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  });
  if (text === null) return null;
  const secret = text.trim();
  if (secret.length >= SECRET_LENGTH) return secret;
  throw new Error(
    `it holds ${secret.length} characters where at least ${SECRET_LENGTH} are needed. ` +
      'Put the right file back, or delete it: then a new one is made and every token given out so far is invalid.',
  );
}

/** Links a finished file to its place, which fails where another process was faster: then that one's secret holds. */
async function placeSecret(path: string, secret: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeDurably(draft, `${secret}\n`);
    await link(draft, path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(join(path, '..'));
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the new name survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // a folder cannot be opened there
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
