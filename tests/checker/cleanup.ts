/** What is still to be undone. */
const left = new Set<() => void>();
process.once('exit', () => {
  for (const undo of left) undo();
});

/** Has something undone when the process ends early, so that nothing outlives it; call what it gives back instead. */
export function undoAtExit(undo: () => void): () => void {
  left.add(undo);
  return () => left.delete(undo);
}
