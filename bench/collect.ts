/**
 * Loaded into a server before its own code when memory is measured (`--expose-gc --import`): on a message from the
 * bench it collects garbage twice and answers with what is left.
 */
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({ rss, heapUsed, external });
});
// The channel alone must not keep the server running.
process.channel?.unref();
