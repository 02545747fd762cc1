/** Stock Socket.IO: nothing is stored, messages are numbered by room. */
import { randomUUID } from 'node:crypto';
import { serve } from './serve.ts';

const numbers = new Map<string, number>();

serve(({ room_id }) => {
  const seq = (numbers.get(room_id) ?? 0) + 1;
  numbers.set(room_id, seq);
  return { id: randomUUID(), seq };
});
