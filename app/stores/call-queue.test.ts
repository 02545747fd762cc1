import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallQueue } from './call-queue.ts';

const call = (name: string, turn: string | null = null, bytes = 1) => {
  return { name, input: null, bytes, turn, resolve: () => {}, reject: () => {} };
};
const open = (options: Partial<ConstructorParameters<typeof CallQueue>[0]> = {}) =>
  new CallQueue({ queueMax: 1_000, batchMax: 3, batchBytesMax: 100, turnsMax: 2, ...options });
const names = (queue: CallQueue) => queue.take().map(({ name }) => name);

describe('calls that wait', () => {
  it('go in order, so many and so many bytes together, and one that is larger goes alone', () => {
    const queue = open();
    for (const name of ['a', 'b', 'c', 'd']) queue.add(call(name));
    for (const [name, bytes] of [
      ['e', 99],
      ['f', 2],
      ['g', 500],
      ['h', 1],
    ] as const)
      queue.add(call(name, null, bytes));
    expect(queue.size).toBe(8);
    expect([names(queue), names(queue), names(queue), names(queue), names(queue), names(queue)]).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
      ['f'],
      ['g'],
      ['h'],
      [],
    ]);
    expect(queue.size).toBe(0);
  });

  it('take turns by key where they have one, a few with each batch, and keep nobody else waiting', () => {
    const queue = open();
    for (let i = 1; i <= 4; i++) queue.add(call(`greedy ${i}`, 'greedy'));
    queue.add(call('modest', 'modest'));
    expect(names(queue)).toEqual(['greedy 1', 'modest']);
    for (const name of ['a', 'b', 'c', 'd']) queue.add(call(name));
    queue.add(call('late', 'late'));
    expect(names(queue)).toEqual(['a', 'b', 'c', 'greedy 2', 'late']);
    expect(names(queue)).toEqual(['d', 'greedy 3', 'greedy 4']);
    expect(queue.size).toBe(0);
  });

  it('are bounded in number, those that take turns apart from the others', () => {
    const queue = open({ queueMax: 2 });
    const added = ['x', null, 'y', 'x', null, null].map((turn) => queue.add(call('call', turn)));
    expect(added).toEqual([true, true, true, false, true, false]);
    expect(queue.clear()).toHaveLength(4);
    expect(queue.size).toBe(0);
    expect(queue.add(call('again', 'x'))).toBe(true);
    expect(names(queue)).toEqual(['again']);
  });

  it('all go, each once, and in order of their key', () => {
    const turn = fc.constantFrom(null, 'a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(fc.option(turn, { nil: 'take' as const })), (steps) => {
        const queue = open();
        const added: string[] = [];
        const taken: string[] = [];
        for (const step of steps) {
          if (step === 'take') taken.push(...names(queue));
          else if (queue.add(call(`${step} ${added.length}`, step))) added.push(`${step} ${added.length}`);
        }
        while (queue.size > 0) taken.push(...names(queue));
        const of = (key: string, list: string[]) => list.filter((name) => name.startsWith(`${key} `));
        for (const key of ['null', 'a', 'b', 'c']) expect(of(key, taken)).toEqual(of(key, added));
        expect(taken).toHaveLength(added.length);
      }),
    );
  });
});
