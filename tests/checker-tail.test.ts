import { expect, it } from 'vitest';
import { simulate } from './checker/sim.ts';

// The real tail and presence in orders of events that seeds decide; `npm run torture -- --only schedules` tries more.
it.each([
  { orders: 1_000, steps: 60 },
  { orders: 200, steps: 200 },
])('keeps every stream whole and for members only in $orders orders of $steps steps', async ({ orders, steps }) => {
  for (let seed = 1; seed <= orders; seed++) {
    const found = await simulate(seed, steps);
    expect(found.map(({ kind, text }) => `seed ${seed}: ${kind}: ${text}`).join('\n')).toBe('');
  }
});

it('takes nobody for a member by a snapshot that was overtaken, though the connection ends at once', async () => {
  // The room was left meanwhile; it was deleted.
  for (const seed of [558_497_471, 558_502_853]) expect(await simulate(seed, 120)).toEqual([]);
});
