import { adminWrites } from './admin.ts';
import { erasureWrites } from './erasure.ts';
import { healthWrites } from './health.ts';
import { messageWrites } from './message.ts';
import { roomWrites } from './room.ts';
import { timeWrites } from './times.ts';
import { userWrites } from './user.ts';

/** All that is ever changed in the database, by noun. */
export const WRITES = {
  users: userWrites,
  rooms: roomWrites,
  messages: messageWrites,
  erasures: erasureWrites,
  times: timeWrites,
  admin: adminWrites,
  health: healthWrites,
};
