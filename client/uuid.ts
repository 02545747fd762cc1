interface RandomSource {
  getRandomValues?(bytes: Uint8Array): unknown;
}

/**
 * A random UUID (version 4). Only its uniqueness matters here: it opens nothing, so that `Math.random` will do where
 * there is no `crypto`, as in React Native, or no `randomUUID`, as on pages that did not come over HTTPS.
 */
export function randomId(): string {
  const bytes = Uint8Array.from({ length: 16 }, () => Math.random() * 256);
  (globalThis as { crypto?: RandomSource }).crypto?.getRandomValues?.(bytes);
  const hex = Array.from(bytes, (byte, i) => {
    const value = i === 6 ? (byte & 0x0f) | 0x40 : i === 8 ? (byte & 0x3f) | 0x80 : byte;
    return value.toString(16).padStart(2, '0');
  }).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
