import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const ID_BYTES = 16;
const POOL_BYTES = 256 * ID_BYTES;

/**
 * Makes ids: UUIDs of version 7 (RFC 9562), in lower case. Random bytes are fetched for many at once, since asking
 * for sixteen costs more than all the rest of an id.
 */
export function createIds(): () => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return () => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const random = pool.subarray(used, used + ID_BYTES);
    used += ID_BYTES;
    return v7({ random });
  };
}
