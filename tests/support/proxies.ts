import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePort, RunningProgram } from './process.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');

/** The proxies that docs/operating.md shows a configuration for. */
export const PROXY_NAMES = ['nginx', 'haproxy', 'caddy'] as const;
/** One of them; also the language of its code block. */
export type ProxyName = (typeof PROXY_NAMES)[number];

/** How the configuration of the guide becomes one that a test can run. */
interface Recipe {
  /** What asks for the version; it is printed to standard output or error. */
  readonly version: readonly string[];
  /** The line of the guide that says where the proxy listens. */
  readonly listens: string;
  /** The same for a test. */
  readonly at: (port: string) => string;
  /** The whole file, around what the guide shows. */
  readonly file: (guide: string, folder: string) => string;
  /** What starts the proxy, in the foreground. */
  readonly run: (file: string, folder: string) => readonly string[];
}

const RECIPES: Readonly<Record<ProxyName, Recipe>> = {
  nginx: {
    version: ['-v'],
    listens: 'listen 443 ssl;',
    at: (port) => `listen 127.0.0.1:${port};`,
    file: (guide, folder) => `
      daemon off; master_process off; pid ${folder}/pid; error_log stderr;
      events {}
      http {
        access_log off;
        ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
        ${guide}
      }`,
    run: (file, folder) => ['-p', folder, '-e', 'stderr', '-c', file],
  },
  haproxy: {
    version: ['-v'],
    listens: 'bind :443 ssl crt /etc/haproxy/chat.example.com.pem',
    at: (port) => `bind 127.0.0.1:${port}`,
    file: (guide) => guide,
    run: (file) => ['-db', '-f', file],
  },
  caddy: {
    version: ['version'],
    listens: 'chat.example.com {',
    at: (port) => `http://127.0.0.1:${port} {`,
    file: (guide, folder) => `{\n admin unix/${folder}/admin\n default_bind 127.0.0.1\n}\n${guide}`,
    run: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  },
};

/** A proxy in front of a server: `await using proxy = await startProxy('nginx', server.url)`. */
export class RunningProxy implements AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** The file that it was started with. */
  readonly file: string;
  private readonly folder: string;
  private readonly program: RunningProgram;

  constructor(name: ProxyName, folder: string, port: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.folder = folder;
    this.file = join(folder, 'configuration');
    this.program = new RunningProgram(name, RECIPES[name].run(this.file, folder), {
      cwd: folder,
      env: { HOME: folder },
    });
  }

  /** Resolves once it answers. Throws with what it said when it does not. */
  async ready(): Promise<void> {
    const looks = vi.waitUntil(() => fetch(this.url).catch(() => undefined), { interval: 10, timeout: 20_000 });
    const gone = this.program.exit.then((exit) => {
      throw new Error(`the proxy ended with ${JSON.stringify(exit)}:\n${this.program.stdout}\n${this.program.stderr}`);
    });
    gone.catch(() => {});
    await Promise.race([looks, gone]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.program.kill('SIGKILL');
    await this.program.ended();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The version of a proxy on this machine; undefined when it is not installed. */
export function proxyVersion(name: ProxyName): string | undefined {
  const { stdout, stderr, error } = spawnSync(name, RECIPES[name].version, { encoding: 'utf8' });
  return error === undefined ? /\d+(\.\d+)+/.exec(stdout + stderr)?.[0] : undefined;
}

/** What the guide shows for a proxy; below a path, for nginx, in place of how its `location /` begins. */
function guideOf(name: ProxyName, isBelow: boolean): string {
  const shown = [...GUIDE.matchAll(new RegExp(`\`\`\`${name}\\n([^]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '');
  const [first = '', last = ''] = [shown[0], shown.at(-1)];
  if (!isBelow) return first;
  return name === 'nginx' ? first.replace(/ *location \/ \{\n *proxy_pass .*\n/, last) : last;
}

/** How a proxy differs from the first configuration of the guide. */
interface Differences {
  /** It is the one that shows the server below `/chat/`. */
  readonly isBelow?: boolean;
  /** This line is left out. */
  readonly without?: string;
}

/** Starts a proxy with the configuration of the guide, but for its address and certificate, in front of a server. */
export async function startProxy(
  name: ProxyName,
  server: string,
  { isBelow = false, without = '' }: Differences = {},
): Promise<RunningProxy> {
  const { listens, at, file } = RECIPES[name];
  const port = await freePort();
  const shown = guideOf(name, isBelow);
  if (!shown.includes(without)) throw new Error(`the guide does not show "${without}" for ${name}`);
  const guide = shown.replace(without, '');
  const [before, after] = [guide.split(listens), guide.split('127.0.0.1:8000')];
  if (before.length !== 2 || after.length !== 2) throw new Error(`the guide shows another configuration of ${name}`);
  const adapted = guide.replace(listens, at(port)).replace('127.0.0.1:8000', new URL(server).host);
  const folder = await mkdtemp(join(tmpdir(), `sohbet-${name}-`));
  await writeFile(join(folder, 'configuration'), file(adapted, folder));
  const proxy = new RunningProxy(name, folder, port);
  try {
    await proxy.ready();
  } catch (error) {
    await proxy[Symbol.asyncDispose]();
    throw error;
  }
  return proxy;
}
