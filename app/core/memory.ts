import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

/** How often it looks, in milliseconds. */
const LOOK_MS = 1_000;
/** Calm begins when the event loop was busy for less than this share of the time, and ends above the other. */
const CALM_BELOW = 0.3;
const BUSY_ABOVE = 0.5;

/**
 * Has V8 give memory back while there is little to do, for as long as the process lives: to be called once. After a
 * burst, such as thousands who come back at once, V8 keeps the pages of what it collected for later, and its own reducer
 * of memory never finds a server in Node idle. In memory saver mode it does; under load that mode costs a fifth of the
 * throughput in many small rooms (docs/decisions.md), so it is on in calm times only.
 */
export function saveMemoryWhileCalm(): void {
  let calm = false;
  let before = performance.eventLoopUtilization();
  const look = () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (calm ? utilization <= BUSY_ABOVE : utilization >= CALM_BELOW) return;
    calm = !calm;
    setFlagsFromString(calm ? '--memory-saver-mode' : '--no-memory-saver-mode');
  };
  setInterval(look, LOOK_MS).unref();
}
