// Runs after npm ci, on whatever Node is there. npm 10, which comes with Node 20, loses node_modules/.bin/node: it drops
// the Node packages of the other platforms and with them the link, which has the same name for all of them.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';

const runtimes = JSON.parse(readFileSync('tools/node-runtime/package.json', 'utf8')).optionalDependencies;
const installed = Object.keys(runtimes).find((name) => existsSync(`node_modules/${name}/bin/node`));
if (installed && !existsSync('node_modules/.bin/node')) {
  mkdirSync('node_modules/.bin', { recursive: true });
  symlinkSync(`../${installed}/bin/node`, 'node_modules/.bin/node');
}

// Scripts begin with exec, so that no shell stands between npm and the server: it would die of a signal that the server
// then never gets. The shell of Windows has no such word and passes signals to all; there it just runs what follows.
if (process.platform === 'win32') {
  mkdirSync('node_modules/.bin', { recursive: true });
  writeFileSync('node_modules/.bin/exec.cmd', '@%*\r\n');
}
