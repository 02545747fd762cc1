/**
 * A line to a port of this machine that is longer than loopback: `node delay.ts PORT MS`. Holds each chunk for half of
 * MS in each direction, in order, so that a round trip takes MS more. Says over the IPC channel which port it listens on.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const [target = 0, roundTripMs = 0] = process.argv.slice(2).map(Number);
/** Timers count whole milliseconds: below that the thread sleeps so long between two looks at the sockets. */
const NAP_MS = 0.05;

/** What is under way to a socket; its end where there is no chunk. All are held for the same time, so they leave in order. */
const held: { due: number; to: Socket; chunk: Buffer | null }[] = [];
const clock = new Int32Array(new SharedArrayBuffer(4));

function hold(to: Socket, chunk: Buffer | null): void {
  if (held.length === 0) setImmediate(release);
  held.push({ due: performance.now() + roundTripMs / 2, to, chunk });
}

function release(): void {
  let [next] = held;
  while (next && next.due <= performance.now()) {
    if (next.chunk) next.to.write(next.chunk);
    else next.to.end();
    held.shift();
    [next] = held;
  }
  if (!next) return;
  Atomics.wait(clock, 0, 0, Math.min(NAP_MS, Math.max(0, next.due - performance.now())));
  setImmediate(release);
}

function forward(from: Socket, to: Socket): void {
  from.setNoDelay(true);
  from.on('data', (chunk: Buffer) => hold(to, chunk));
  from.on('end', () => hold(to, null));
  from.on('error', () => to.destroy());
}

const server = createServer({ allowHalfOpen: true }, (client) => {
  const upstream = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
  forward(client, upstream);
  forward(upstream, client);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
// Without the bench there is nobody to forward for.
process.on('disconnect', () => process.exit(0));
