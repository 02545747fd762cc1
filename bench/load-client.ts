import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Reply, Request, Results } from './load/operations.ts';
import { busySeconds, cpuSeconds, startNode, stopChild } from './processes.ts';
import type { Server } from './servers.ts';

const RUN = fileURLToPath(new URL('./load/run.ts', import.meta.url));
/** Beyond every limit that the load client keeps itself. */
const REQUEST_LIMIT_MS = 900_000;

/** The server between the two edges of a window of measurement. */
export interface Watched {
  /** Processor seconds that the server took for each second, workers included. */
  cpu: number;
  /** The same, over the whole window. */
  cpuSeconds: number;
  /** Resident memory at the end of the window, in bytes. */
  rss: number;
  /** Processor seconds that the PostgreSQL behind it took, for each second; 0 without one. */
  postgres: number;
  /** Processor seconds that the machine spent on anything but these and the load client, for each second. */
  others: number;
}

/** The load client's process, and one server that it is connected to. */
export class LoadClient {
  readonly #server: Server;
  readonly #child: ChildProcess;

  constructor(server: Server) {
    this.#server = server;
    this.#child = startNode('client', ['--max-semi-space-size=32', RUN], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  /** Has the client do one thing, and watches the server meanwhile. Throws when either fails. */
  async request<R extends Request>(request: R): Promise<Results[R['op']] & { server: Watched }> {
    const server: Watched = {
      cpu: Number.NaN,
      cpuSeconds: Number.NaN,
      rss: Number.NaN,
      postgres: 0,
      others: Number.NaN,
    };
    let begin = this.#clocks();
    const onEdge = (edge: 'begin' | 'end') => {
      const now = this.#clocks();
      if (edge === 'begin') begin = now;
      else {
        server.cpuSeconds = now.server - begin.server;
        server.rss = this.#server.rss;
        // By this process's own clock: the edges reach it a little after they happened.
        const wall = now.wall - begin.wall;
        server.cpu = server.cpuSeconds / wall;
        const postgres = now.postgres - begin.postgres;
        server.postgres = postgres / wall;
        const ours = server.cpuSeconds + postgres + now.delay - begin.delay + now.client - begin.client;
        server.others = Math.max(0, now.machine - begin.machine - ours) / wall;
      }
    };
    const result = (await this.#ask(request, onEdge)) as Results[R['op']];
    this.#server.assertAlive();
    return { ...result, server };
  }

  /** Ends the process, and with it all its connections. */
  stop(): Promise<void> {
    return stopChild(this.#child, 0);
  }

  #clocks(): Record<'wall' | 'server' | 'postgres' | 'delay' | 'client' | 'machine', number> {
    return {
      wall: performance.now() / 1000,
      server: this.#server.cpu,
      postgres: this.#server.postgresCpu,
      delay: this.#server.delayCpu,
      client: cpuSeconds(this.#child.pid ?? 0),
      machine: busySeconds(),
    };
  }

  #ask(request: Request, onEdge: (edge: 'begin' | 'end') => void): Promise<unknown> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => {
        settle();
        reject(new Error(`${this.#server.name}, ${request.op}: ${reason}\n${this.#server.output}`.trimEnd()));
      };
      const onExit = () => fail('the load client ended');
      const timer = setTimeout(() => fail(`no answer after ${REQUEST_LIMIT_MS / 1000} s`), REQUEST_LIMIT_MS);
      const onMessage = (reply: Reply) => {
        if (reply.type === 'window') return onEdge(reply.edge);
        if (reply.type === 'error') return fail(reply.message);
        settle();
        resolve(reply.result);
      };
      const settle = () => {
        clearTimeout(timer);
        child.off('exit', onExit);
        child.off('message', onMessage);
      };
      child.once('exit', onExit);
      child.on('message', onMessage);
      child.send({ ...request });
    });
  }
}
