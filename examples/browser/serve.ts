// Bundles the page with the SDK and serves it: node examples/browser/serve.ts [PORT]
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const { outputFiles } = buildSync({
  entryPoints: [join(import.meta.dirname, 'page.ts')],
  bundle: true,
  minify: true,
  format: 'esm',
  write: false,
});
const files: Record<string, { type: string; body: string | Buffer }> = {
  '/': { type: 'text/html', body: readFileSync(join(import.meta.dirname, 'index.html')) },
  '/page.js': { type: 'text/javascript', body: outputFiles[0]?.text ?? '' },
};

const server = createServer((request, response) => {
  const file = files[new URL(request.url ?? '/', 'http://localhost').pathname];
  response.writeHead(file === undefined ? 404 : 200, {
    'Content-Type': `${file?.type ?? 'text/plain'}; charset=utf-8`,
  });
  response.end(file?.body ?? 'There is no such page.');
});
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`Open http://localhost:${(server.address() as AddressInfo).port}`);
});
