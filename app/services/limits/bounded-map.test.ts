import { expect, it } from 'vitest';
import { BoundedMap } from './bounded-map.ts';

/** State that stops mattering at `until`. */
function create(max = 3) {
  let made = 0;
  return new BoundedMap({
    create: () => ({ held: 0, until: 0, number: ++made }),
    idle: ({ until }, now) => until <= now,
    max,
  });
}

it('makes the state of a key once, and anew after it was deleted', () => {
  const keyed = create();
  expect(keyed.peek('a')).toBeUndefined();
  const first = keyed.get('a');
  expect([keyed.get('a'), keyed.peek('a'), keyed.size]).toEqual([first, first, 1]);
  keyed.delete('a');
  expect(keyed.size).toBe(0);
  expect(keyed.get('a').number).toBe(2);
});

it('sweeps away what nobody holds and no longer matters', () => {
  const keyed = create();
  keyed.get('over').until = 10;
  keyed.get('held').held = 1;
  keyed.get('matters').until = 11;
  keyed.sweep(10);
  expect([keyed.peek('over'), keyed.peek('held')?.number, keyed.peek('matters')?.number]).toEqual([undefined, 2, 3]);
});

it('lets the oldest go that nobody holds when there are too many', () => {
  const keyed = create();
  keyed.get('held').held = 1;
  for (const key of ['b', 'c', 'd']) keyed.get(key);
  expect([keyed.size, keyed.peek('held')?.number, keyed.peek('b')]).toEqual([3, 1, undefined]);
  expect(keyed.peek('c')?.number).toBe(3);
  for (const key of ['c', 'd']) keyed.get(key).held = 1;
  keyed.get('e');
  expect(keyed.size).toBe(4);
});
