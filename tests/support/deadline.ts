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
