// Loaded into a server (`--import`): V8 tells of each collection, and there is always something to collect. SIGUSR2
// begins, and ends, work that leaves the event loop no rest.
import { setFlagsFromString } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  setFlagsFromString('--trace-gc');
  const kept: unknown[] = [];
  const litter = () => {
    kept.push(Array.from({ length: 20_000 }, (_, i) => ({ i })));
    if (kept.length > 10) kept.shift();
  };
  setInterval(litter, 100).unref();
  let busy = false;
  const toil = () => {
    const until = performance.now() + 40;
    while (performance.now() < until);
    if (busy) setImmediate(toil);
  };
  process.on('SIGUSR2', () => {
    busy = !busy;
    toil();
  });
}
