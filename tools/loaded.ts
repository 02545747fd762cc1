/** A file and what it imports, as dependency-cruiser gives it. */
interface Importing {
  readonly source: string;
  readonly dependencies: readonly { readonly module: string; readonly resolved: string }[];
}

/** Whether the text of a file loads a module: an import of types alone is gone when the file runs. */
export function loads(code: string, module: string): boolean {
  const statements = [...code.matchAll(/^(?:import|export)\s(?!type\s)[^;']*?'([^']+)'/gm)];
  return statements.some(([, name]) => name === module);
}

/**
 * The files that load one whose path matches `loaded`, by themselves or through others, each with what it loads on the
 * way. `read` gives the text of a file.
 */
export function loadersOf(
  modules: readonly Importing[],
  loaded: RegExp,
  read: (file: string) => string,
): Map<string, string> {
  const importers = new Map<string, string[]>();
  for (const { source, dependencies } of modules) {
    if (loaded.test(source)) continue;
    const code = dependencies.length > 0 ? read(source) : '';
    for (const { module, resolved } of dependencies) {
      if (loads(code, module)) importers.set(resolved, [...(importers.get(resolved) ?? []), source]);
    }
  }
  const found = new Map<string, string>();
  const next = [...importers.keys()].filter((file) => loaded.test(file));
  for (let file = next.pop(); file !== undefined; file = next.pop()) {
    for (const importer of importers.get(file) ?? []) {
      if (found.has(importer)) continue;
      found.set(importer, file);
      next.push(importer);
    }
  }
  return found;
}
