import { expect, it } from 'vitest';
import { pages, slices } from './pages.ts';

it('reads page by page until there is no next one', async () => {
  const asked: (string | undefined)[] = [];
  const read = async (after: string | undefined) => {
    asked.push(after);
    return { items: [asked.length], next: asked.length < 3 ? `after ${asked.length}` : null };
  };
  const found: number[] = [];
  for await (const item of pages(read)) found.push(item);
  expect(found).toEqual([1, 2, 3]);
  expect(asked).toEqual([undefined, 'after 1', 'after 2']);
});

it('cuts a list into parts', () => {
  expect([...slices([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
  expect([...slices([1, 2], 2)]).toEqual([[1, 2]]);
  expect([...slices([], 2)]).toEqual([]);
});
