// Checks the import directions that .dependency-cruiser.cjs states: npm run lint.
// By its API, since a run of the command over nothing passes: this fails when no module was read.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { loadersOf, loads } from './loaded.ts';

/** The folders that the rules speak of; some come later than others. */
const FOLDERS = ['app', 'protocol', 'client', 'console'];

/** Loads no Zod: it takes 13 MB in each worker of the store, and weighs several times what the SDK does. */
const WITHOUT_ZOD = /^(?:app\/(?:models|stores)|client)\/(?!.*\.test\.tsx?$)/;

/** Engines know no rule: of `models/` they import types. Steps of the schema may, which made rows what the rules said then. */
const ENGINES = /^app\/stores\/(?:sqlite|postgres)\/(?!migrations)(?!.*\.test\.ts$)/;

const folders = FOLDERS.filter((folder) => existsSync(folder));
const options = await extractDepcruiseOptions(resolve('.dependency-cruiser.cjs'));
// Packages without CommonJS are found by these conditions only.
const enhancedResolveOptions = { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] };
const { output } = await cruise(folders, { ...options, enhancedResolveOptions });
if (typeof output === 'string') throw new Error('dependency-cruiser gave a text where its result was asked for');
process.exitCode = report(output) ? 0 : 1;

/** Prints every violation and what was read; false when the check fails. */
function report({ summary, modules }: ICruiseResult): boolean {
  for (const { rule, from, to } of summary.violations) {
    console.error(`${rule.severity}: ${rule.name}: ${from} may not import ${to}`);
  }
  const unresolved = modules.flatMap(({ source, dependencies }) =>
    dependencies.filter((dependency) => dependency.couldNotResolve).map(({ module }) => `${source} → ${module}`),
  );
  for (const line of unresolved) console.error(`error: not found: ${line}`);
  const text = (file: string) => readFileSync(file, 'utf8');
  const heavy = [...loadersOf(modules, /^node_modules\/zod\//, text)].filter(([file]) => WITHOUT_ZOD.test(file));
  for (const [file, through] of heavy) console.error(`error: without-zod: ${file} loads Zod by ${through}`);
  const engines = modules.filter(({ source }) => ENGINES.test(source));
  const ruling = engines.flatMap(({ source, dependencies }) =>
    dependencies
      .filter(({ module, resolved }) => resolved.startsWith('app/models/') && loads(text(source), module))
      .map(({ resolved }) => `${source} → ${resolved}`),
  );
  for (const line of ruling) console.error(`error: engines-know-no-rule: ${line}`);
  const { totalCruised, totalDependenciesCruised = 0 } = summary;
  const read = `${totalCruised} modules and ${totalDependenciesCruised} imports in ${folders.join(', ')}`;
  const faults = summary.violations.length + unresolved.length + heavy.length + ruling.length;
  const fine = totalCruised > 0 && totalDependenciesCruised > 0 && faults === 0;
  console.log(`Imports: ${fine ? 'in order' : 'NOT in order'}, ${read}.`);
  return fine;
}
