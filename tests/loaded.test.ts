import { expect, it } from 'vitest';
import { loadersOf } from '../tools/loaded.ts';

/** The files that load `lib/`, of these: each with its text. */
function loaders(files: Readonly<Record<string, string>>): string[] {
  const modules = Object.entries(files).map(([source, code]) => ({
    source,
    dependencies: [...code.matchAll(/'(.+?)'/g)].map(([, module = '']) => ({ module, resolved: module })),
  }));
  return [...loadersOf(modules, /^lib\//, (file) => files[file] ?? '').keys()].sort();
}

it('finds who loads a library, by itself or through others, and lets types be imported', () => {
  expect(
    loaders({
      direct: "import { z } from 'lib/index.js';",
      again: "export * from 'direct';",
      beside: "import 'again';",
      mixed: "import {\n  type A,\n  b,\n} from 'direct';",
      named: "import { type A } from 'direct';",
      types: "import type { A } from 'direct';\nexport type { B } from 'lib/index.js';",
      byTypes: "import { c } from 'types';",
      both: "import type { A } from 'direct';\nimport { d } from 'direct';",
      round: "import { e } from 'trip';",
      trip: "import { f } from 'round';",
    }),
  ).toEqual(['again', 'beside', 'both', 'direct', 'mixed', 'named']);
});
