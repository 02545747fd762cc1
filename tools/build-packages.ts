// Builds what is published: client/dist and protocol/dist. `npm pack` in either folder runs it first.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const BUILT = join(ROOT, 'dist/packages');

rmSync(BUILT, { recursive: true, force: true });
const compiler = join(ROOT, 'node_modules/.bin/tsc');
execFileSync(compiler, ['-p', join(ROOT, 'client/tsconfig.build.json')], { stdio: 'inherit' });
for (const name of ['client', 'protocol']) {
  const target = join(ROOT, name, 'dist');
  rmSync(target, { recursive: true, force: true });
  cpSync(join(BUILT, name), target, { recursive: true });
  for (const file of readdirSync(target)) {
    const path = join(target, file);
    writeFileSync(path, published(readFileSync(path, 'utf8')));
  }
}
rmSync(BUILT, { recursive: true, force: true });

/** Imports as they are outside this repository: the protocol is a package, and declarations name JavaScript files. */
function published(code: string): string {
  return code
    .replace(/(['"])\.\.\/protocol\/([\w-]+)\.(?:ts|js)\1/g, '$1sohbet-protocol/$2$1')
    .replace(/(['"])(\.\/[\w-]+)\.ts\1/g, '$1$2.js$1');
}
