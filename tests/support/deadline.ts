/** How long a test waits for anything, unless it says otherwise, in milliseconds. */
const PATIENCE_MS = 25_000;

/** The promise, or a rejection that says what was waited for once `ms` milliseconds are over. */
export async function deadline<T>(promise: Promise<T>, what: string, ms = PATIENCE_MS): Promise<T> {
  const late = new Error(`waited ${ms} ms in vain for ${what}`);
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late), ms);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until something holds, looking ten times a second. Rejects with what it was when it does not in time. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const ended = new AbortController();
  const waiting = (async () => {
    while (!ended.signal.aborted && !(await holds())) await new Promise((resolve) => setTimeout(resolve, 100));
  })();
  await deadline(waiting, what, 20_000).finally(() => ended.abort());
}
