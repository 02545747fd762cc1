import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSecret, loadOrCreateSecret } from './secret.ts';

const temporary = () => mkdtempDisposable(join(tmpdir(), 'sohbet-secret-'));

describe('createSecret', () => {
  test('makes 32 random bytes in base64url', () => {
    expect(createSecret()).toMatch(/^[\w-]{43}$/);
    expect(createSecret()).not.toBe(createSecret());
  });
});

describe('loadOrCreateSecret', () => {
  test('makes the folder and the secret once, readable by its owner alone, and leaves no draft', async () => {
    await using folder = await temporary();
    const dataDir = join(folder.path, 'new', 'data');
    const secret = await loadOrCreateSecret(dataDir);
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(await loadOrCreateSecret(dataDir)).toBe(secret);
    expect(await readdir(dataDir)).toEqual(['token-secret']);
    if (process.platform !== 'win32') {
      expect((await stat(join(dataDir, 'token-secret'))).mode & 0o777).toBe(0o600);
    }
  });

  test('gives everyone the same secret when many make it at once', async () => {
    await using folder = await temporary();
    const secrets = await Promise.all(Array.from({ length: 20 }, () => loadOrCreateSecret(folder.path)));
    expect(new Set(secrets).size).toBe(1);
    expect(await readdir(folder.path)).toEqual(['token-secret']);
  });

  test('takes a secret of one’s own, without its line ending', async () => {
    await using folder = await temporary();
    await writeFile(join(folder.path, 'token-secret'), `${'s'.repeat(50)}\n`);
    expect(await loadOrCreateSecret(folder.path)).toBe('s'.repeat(50));
  });

  test.each(['', '\n', 'x'.repeat(42)])('refuses %j and leaves the file alone', async (text) => {
    await using folder = await temporary();
    const path = join(folder.path, 'token-secret');
    await writeFile(path, text);
    const fault = loadOrCreateSecret(folder.path);
    await expect(fault).rejects.toThrow(
      `${path}: it holds ${text.trim().length} characters where at least 43 are needed`,
    );
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test('passes on what the file system says', async () => {
    await using folder = await temporary();
    await mkdir(join(folder.path, 'token-secret'));
    await expect(loadOrCreateSecret(folder.path)).rejects.toThrow('EISDIR');
  });
});
