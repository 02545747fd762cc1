/**
 * A random key: a UUID where the platform makes them, which React Native and pages that did not come over HTTPS do not.
 * Only its uniqueness matters here: it opens nothing, so that `Math.random` will do.
 */
export function randomId(): string {
  const { crypto } = globalThis as { crypto?: { randomUUID?(): string } };
  return crypto?.randomUUID?.() ?? `${Math.random()}${Math.random()}`;
}
