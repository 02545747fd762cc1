import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Answer } from '../../protocol/index.ts';
import { RunningProgram } from './process.ts';

/** A Python that has these modules, as in `socketio, aiohttp`; undefined when there is none on this machine. */
export function findPython(modules: string): string | undefined {
  const { PATH, HOME, PYTHONPATH } = process.env;
  return ['python3', '/usr/bin/python3'].find((python) => {
    try {
      execFileSync(python, ['-c', `import ${modules}`], { stdio: 'ignore', env: { PATH, HOME, PYTHONPATH } });
      return true;
    } catch {
      return false;
    }
  });
}

/** How a {@link Snake} connects. */
export interface SnakeOptions {
  /** Which of python-socketio's two clients. */
  readonly kind: 'sync' | 'async';
  /** With commas between them; several allow the upgrade. */
  readonly transports: string;
  /** What the first handshake carries. */
  readonly auth: object;
}

/** A plain python-socketio client in a process of its own, steered line by line (tests/support/snake.py). */
export class Snake implements AsyncDisposable {
  private readonly program: RunningProgram;

  constructor(python: string, url: string, { kind, transports, auth }: SnakeOptions) {
    const file = join(import.meta.dirname, 'snake.py');
    const { PYTHONPATH } = process.env;
    const args = [file, url, kind, transports, JSON.stringify(auth)];
    this.program = new RunningProgram(python, args, { cwd: import.meta.dirname, env: { PYTHONPATH } });
  }

  /** All values that came with `what` so far: `here`, `lost`, or the name of an event. */
  all<T = unknown>(what: string): T[] {
    const lines = this.program.stdout.split('\n').slice(0, -1);
    return lines
      .map((line) => JSON.parse(line) as [string, T])
      .flatMap(([name, value]) => (name === what ? [value] : []));
  }

  /** The value that comes with the n-th `what`, counted from 1. Throws when it does not come in time. */
  told<T = unknown>(what: string, n = 1): Promise<T> {
    return this.program.until(() => this.all<T>(what)[n - 1], `${what}, for the ${n}. time`);
  }

  /** Sends a command and gives its answer; one after another. */
  call<T = object>(command: string, payload: object): Promise<Answer<T>> {
    const answered = this.all('answer').length;
    this.write(command, payload);
    return this.told('answer', answered + 1);
  }

  /** Says what later handshakes are to carry. */
  setAuth(auth: object): void {
    this.write('auth', auth);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.program.kill('SIGKILL');
    await this.program.ended();
  }

  private write(command: string, payload: object): void {
    this.program.write(`${JSON.stringify([command, payload])}\n`);
  }
}
