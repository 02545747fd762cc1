import { adminReads } from './admin.ts';
import { erasureReads } from './erasure.ts';
import { healthReads } from './health.ts';
import { messageReads } from './message.ts';
import { noticeReads } from './notice.ts';
import { pruneReads } from './prune.ts';
import { roomReads } from './room.ts';
import { timeReads } from './times.ts';
import { userReads } from './user.ts';

/** All that can be read, by noun. */
export const READS = {
  users: userReads,
  rooms: roomReads,
  messages: messageReads,
  notices: noticeReads,
  erasures: erasureReads,
  times: timeReads,
  health: healthReads,
  admin: { ...adminReads, ...pruneReads },
};
