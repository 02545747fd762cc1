/**
 * The load client: a process of its own, driven over the IPC channel by {@link Request}s, one at a time. It speaks to
 * the server with raw sockets, since a full Socket.IO client would be slower than the servers it is to measure.
 */
import { resume, storm } from './catch-up.ts';
import { Fleet } from './fleet.ts';
import { closedLoop, fill, loneLoop, openLoop } from './loops.ts';
import { Meter } from './meter.ts';
import type { Reply, Request, Results } from './operations.ts';

let current: Fleet | null = null;

function fleet(): Fleet {
  if (!current) throw new Error('connect first');
  return current;
}

function reply(message: Reply): void {
  process.send?.(message);
}

const onEdge = (edge: 'begin' | 'end') => reply({ type: 'window', edge });

async function connect(request: Request & { op: 'connect' }): Promise<Results['connect']> {
  const begin = performance.now();
  current = new Fleet(request.port, new Meter());
  await current.connect(request);
  const first = current.clients[0];
  return { seconds: (performance.now() - begin) / 1000, token: first?.token ?? '', room: current.rooms[0] ?? '' };
}

function perform(request: Request): Promise<Results[keyof Results]> {
  switch (request.op) {
    case 'connect':
      return connect(request);
    case 'closed':
      return closedLoop(fleet(), request.window, request.seconds, onEdge);
    case 'open':
      return openLoop(fleet(), request.rate, request.seconds, onEdge);
    case 'lone':
      return loneLoop(fleet(), request.seconds, onEdge);
    case 'fill':
      return fill(fleet(), request);
    case 'resume':
      return resume(fleet(), request, onEdge);
    case 'storm':
      return storm(fleet(), request, onEdge);
    case 'deafen':
      return Promise.resolve(fleet().deafen(request.clients));
  }
}

process.on('message', (request: Request) => {
  perform(request).then(
    (result) => reply({ type: 'done', result }),
    (error: unknown) => reply({ type: 'error', message: error instanceof Error ? error.message : String(error) }),
  );
});
// Without the bench there is nothing to do, however it ended.
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => undefined);
