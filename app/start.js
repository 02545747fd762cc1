// What `npm start` runs. JavaScript, so that nothing needs Node's type stripper before the compile cache is on: the cache
// keeps what it made of the TypeScript, and a server that finds all it loads there loads no stripper, in any thread.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Beside the packages that it holds the code of: as trusted as they are, and gone when they are installed anew. Nobody
// else may put code there. Where it cannot be written, Node goes without.
const folder = process.env.NODE_COMPILE_CACHE || join(import.meta.dirname, '../node_modules/.cache/sohbet');
process.umask(0o077);
enableCompileCache(folder);
// A worker thread reads this when it starts.
process.env.NODE_COMPILE_CACHE = folder;

await import('./main.ts');
