/** A call in the code, as far as this looks at it. */
interface Path {
  isCallExpression(): boolean;
  readonly node: { readonly callee?: { readonly property?: { readonly name?: string } } };
}

/** What the documents say of a schema is held by the tests of the documents, not by those of the schema. */
export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'documents',
    value: {
      shouldIgnore: (path: Path) =>
        path.isCallExpression() && path.node.callee?.property?.name === 'meta' ? 'what the documents say' : undefined,
    },
  },
];
