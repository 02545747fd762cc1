// Makes JavaScript of the server and its tools in dist/, or in the folder that is named: npm run build. File by file, so
// that all lies where it lies in the source; the packages stay in node_modules. `node dist/app/main.js` starts it.
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { TEXTS } from '../app/http/texts.ts';

const ROOT = join(import.meta.dirname, '..');
const BUILT = resolve(process.argv[2] ?? join(ROOT, 'dist'));

/** A file of this repository, as an import names it and the address of a worker. */
const OWN_FILE = /(["'])(\.{1,2}\/[\w./-]+)\.ts\1/g;

/** What is read while the server runs, beside its code. */
const DATA = [
  'package.json',
  'app/http/assets',
  ...globSync('app/stores/*/migrations/*.sql', { cwd: ROOT }),
  ...Object.values(TEXTS).flatMap((text) => (typeof text === 'string' ? [text] : Object.values(text))),
];

// What an earlier build has made and this one does not.
for (const part of ['app', 'protocol']) rmSync(join(BUILT, part), { recursive: true, force: true });
const sources = globSync('{app,protocol}/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] });
await build({
  absWorkingDir: ROOT,
  entryPoints: sources,
  outbase: '.',
  outdir: BUILT,
  format: 'esm',
  platform: 'node',
  target: 'node24',
});
for (const source of sources) {
  const file = join(BUILT, source.replace(/\.ts$/, '.js'));
  writeFileSync(file, readFileSync(file, 'utf8').replace(OWN_FILE, '$1$2.js$1'));
}
for (const part of DATA) {
  mkdirSync(dirname(join(BUILT, part)), { recursive: true });
  cpSync(join(ROOT, part), join(BUILT, part), { recursive: true });
}
