/** A node of the code, as far as this looks at it. */
interface Path {
  readonly node: unknown;
  readonly parent?: {
    readonly type: string;
    readonly callee?: { readonly property?: { readonly name?: string } };
    readonly arguments?: readonly unknown[];
  };
}

/** Whether it is what is given to `.meta(…)` of a schema. */
const isMeta = ({ node, parent }: Path) =>
  parent?.type === 'CallExpression' && parent.callee?.property?.name === 'meta' && parent.arguments?.includes(node);

/** What the documents say of a schema is held by the tests of the documents, not by those of the schema. */
export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'documents',
    value: { shouldIgnore: (path: Path) => (isMeta(path) ? 'what the documents say' : undefined) },
  },
];
