import { describe, expect, it } from 'vitest';
import { EMPTY_OUTBOX } from './outbox-state.ts';
import { OutboxStore } from './outbox-store.ts';
import { asyncStorage, memoryStorage, webStorage } from './storage.ts';
import { StoredValue } from './stored-value.ts';

const onFault = (error: unknown) => expect.fail(String(error));

const area = () => {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
};

describe.each([
  ['memoryStorage', () => memoryStorage()],
  ['webStorage', () => webStorage(area())],
  ['asyncStorage', () => asyncStorage(area())],
] as const)('%s', (_name, create) => {
  it('keeps, replaces and forgets', async () => {
    const storage = create();
    expect((await storage.get('a')) ?? null).toBeNull();
    await storage.set('a', '1');
    await storage.set('a', '2');
    expect(await storage.get('a')).toBe('2');
    await storage.delete('a');
    expect((await storage.get('a')) ?? null).toBeNull();
  });

  it('lets many change one value with nothing lost', async () => {
    const storage = create();
    const values = [1, 2].map(() => new StoredValue({ storage, key: 'n', empty: { n: 0 }, onFault }));
    await Promise.all(Array.from({ length: 50 }, (_, i) => values[i % 2]?.update(({ n }) => ({ n: n + 1 }))));
    expect(await values[0]?.read()).toEqual({ n: 50 });
  });
});

describe('a stored value', () => {
  it('is empty where what is stored is no JSON object', async () => {
    const storage = memoryStorage();
    for (const text of ['{', '1', 'null', '']) {
      await storage.set('a', text);
      expect(await new StoredValue({ storage, key: 'a', empty: EMPTY_OUTBOX, onFault }).read()).toBe(EMPTY_OUTBOX);
    }
  });
});

describe('the outbox store', () => {
  it('stays bounded when the storage fails for long', () => {
    const broken = {
      get: () => null,
      set: () => {
        throw new Error('full');
      },
      delete: () => {},
    };
    const faults: unknown[] = [];
    const store = new OutboxStore({
      storage: broken,
      key: 'a',
      onChange: () => {},
      onFault: (fault) => faults.push(fault),
    });
    const item = (i: number) => ({ client_id: `${i}`, room_id: 'r', content: '', timestamp: '' });
    for (let i = 0; i < 3_000; i++) {
      store.change({ kind: 'add', item: item(i) });
      if (i > 0) store.change({ kind: 'settle', item: item(i - 1), outcome: 'sent' });
    }
    expect(store.state.items).toEqual([item(2_999)]);
    expect(store.state.settled.length).toBeLessThanOrEqual(200);
  });
});
