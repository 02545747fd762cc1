// Loaded into the server before its own code: now and then a worker of the store holds back what it has done. Others
// then see a commit long before the server hears of it, and the server hears of commits that a snapshot does not know.
import { parentPort } from 'node:worker_threads';

const SHARE = 0.3;
const LONGEST_MS = 40;
const never = new Int32Array(new SharedArrayBuffer(4));

if (parentPort !== null) {
  const post = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (...message: Parameters<typeof post>) => {
    if (Math.random() < SHARE) Atomics.wait(never, 0, 0, Math.random() * LONGEST_MS);
    post(...message);
  };
}
