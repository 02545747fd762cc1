import { fileURLToPath } from 'node:url';
import { makeFolder, startNode, stopChild } from '../processes.ts';

const MAIN = fileURLToPath(new URL('../../app/main.ts', import.meta.url));

/** A whole server in a process of its own. */
export interface Target {
  readonly port: number;
  readonly pid: number;
  /** Settles when its process has ended. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts a server with these settings, on the database `abuse.db` of the folder. */
export async function startTarget(settings: NodeJS.ProcessEnv, folder = makeFolder()): Promise<Target> {
  const env = {
    ...process.env,
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${folder}/abuse.db`,
    LOG_LEVEL: 'silent',
    ...settings,
  };
  const child = startNode('server', [MAIN], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      const found = /listening on \S+:(\d+)/.exec(data.toString());
      if (found) resolve(Number(found[1]));
    });
    child.once('exit', () => reject(new Error('the server ended at its start')));
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return { port, pid: child.pid ?? 0, ended, stop: () => stopChild(child, 5_000) };
}

/** The longest delay of the server's event loop since the last time it was asked, in milliseconds. */
export async function loopDelay(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]) * 1_000;
}
