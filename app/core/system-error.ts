/** What to do about what the operating system refuses, by its code. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'Run the server as the user to whom it belongs, or give it to the user who runs the server.',
  EPERM: 'Run the server as the user to whom it belongs, or give it to the user who runs the server.',
  EROFS: 'The file system is read-only: mount it for writing, or set DATABASE_URL to another place.',
  ENOSPC: 'The disk is full: make room.',
  EDQUOT: 'The disk quota of this user is used up: make room, or raise it.',
  ENOTDIR: 'A file stands where a folder is needed.',
  EEXIST: 'A file stands where a folder is needed.',
  EISDIR: 'A folder stands where a file is needed.',
  EMFILE: 'Raise the limit of open files: `ulimit -n`, or LimitNOFILE in systemd.',
  ENFILE: 'The machine has no open files left.',
  EADDRINUSE: 'Another program listens there: end it, or set PORT.',
  EADDRNOTAVAIL: 'This machine has no such address: set HOST to one of its own, or to 0.0.0.0.',
  EAI_AGAIN: 'There is no such host: set HOST to an address of this machine.',
  ENOTFOUND: 'There is no such host: set HOST to an address of this machine.',
};

/** What a fault tells people, in one line: its message, which names the path or the address, and what to do about it. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall } = (error.cause ?? error) as NodeJS.ErrnoException;
  if (code === 'EACCES' && syscall === 'listen') {
    return `${error.message}. This user may not listen on that port: set PORT to 1024 or above.`;
  }
  const remedy = code !== undefined && Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : undefined;
  return remedy === undefined ? error.message : `${error.message}. ${remedy}`;
}
