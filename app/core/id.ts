import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const ID_BYTES = 16;
const POOL_BYTES = 256 * ID_BYTES;

/**
 * Makes ids: UUIDs of version 7 (RFC 9562), in lower case, each above the one before (its section 6.2, method 1), so
 * that the order of ids is the order in which they were made. Random bytes are fetched for many at once, since asking
 * for sixteen costs more than all the rest of an id.
 */
export function createIds(): () => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  let msecs = 0;
  let seq = 0;
  return () => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const random = pool.subarray(used, used + ID_BYTES);
    used += ID_BYTES;
    const now = Date.now();
    if (now > msecs) {
      msecs = now;
      // 31 of its 32 bits are random: the highest leaves room to count up.
      seq = (((random[6] ?? 0) & 0x7f) << 24) | ((random[7] ?? 0) << 16) | ((random[8] ?? 0) << 8) | (random[9] ?? 0);
    } else seq++;
    return v7({ random, msecs, seq });
  };
}
