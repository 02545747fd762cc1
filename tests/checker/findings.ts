/** The ways in which the promise can be broken; `fault` is anything else that should not happen. */
export const FINDING_KINDS = ['lost', 'doubled', 'gap', 'reordered', 'disagreement', 'unauthorised', 'fault'] as const;

/** One of them. */
export type FindingKind = (typeof FINDING_KINDS)[number];

/** One breach of the promise, with a counterexample for people. */
export interface Finding {
  readonly kind: FindingKind;
  readonly text: string;
}

/** How many findings of each kind there are, as one line: `lost 0, doubled 0, …`. */
export function tally(findings: readonly Finding[]): string {
  const plural: Partial<Record<FindingKind, string>> = { gap: 'gaps', disagreement: 'disagreements', fault: 'faults' };
  return FINDING_KINDS.map(
    (kind) => `${plural[kind] ?? kind} ${findings.filter((finding) => finding.kind === kind).length}`,
  ).join(', ');
}
