import { execFileSync } from 'node:child_process';

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
