import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Logger } from './logger.ts';

const INTERVAL_MS = 2_000;
/** While it lasts, it is said again so often, in milliseconds. */
const REPEAT_MS = 60_000;

/**
 * Says in the log when the process may open no more files: new connections are then refused by the system, and nothing
 * else tells of it.
 * @returns what ends it
 */
export function watchDescriptors(logger: Logger): () => void {
  let saidAt: number | undefined;
  const timer = setInterval(() => {
    const code = faultOfOpening();
    const now = performance.now();
    if (code !== undefined && (saidAt === undefined || now - saidAt > REPEAT_MS)) {
      saidAt = now;
      logger.error({ code }, 'no file can be opened: new connections are refused; raise the limit of open files');
    } else if (code === undefined && saidAt !== undefined) {
      saidAt = undefined;
      logger.warn('files can be opened again');
    }
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Why not one more file can be opened, if so. */
function faultOfOpening(): 'EMFILE' | 'ENFILE' | undefined {
  try {
    closeSync(openSync(devNull, 'r'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EMFILE' || code === 'ENFILE') return code;
  }
  return undefined;
}
