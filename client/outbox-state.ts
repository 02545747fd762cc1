import type { ChatErrorCode } from './error.ts';

/** A message that has not been sent yet, as it is stored. */
export interface StoredItem {
  readonly client_id: string;
  readonly room_id: string;
  readonly content: string;
  /** When it was written, by this device's clock; ISO 8601. */
  readonly timestamp: string;
  /** Why the server refused it. */
  readonly failed?: { readonly code: ChatErrorCode; readonly message: string };
}

/** How a message left the outbox. */
export type Outcome = 'sent' | 'discarded';

/** What is stored: what waits, in order, and how the last ones ended, for other clients on the same storage. */
export interface OutboxState {
  readonly items: readonly StoredItem[];
  readonly settled: readonly { readonly client_id: string; readonly outcome: Outcome }[];
}

/** An outbox with nothing in it. */
export const EMPTY_OUTBOX: OutboxState = { items: [], settled: [] };

/** One change that is not stored yet. */
export type Change =
  | { readonly kind: 'add'; readonly item: StoredItem }
  | { readonly kind: 'fail'; readonly item: StoredItem }
  | { readonly kind: 'retry'; readonly item: StoredItem }
  | { readonly kind: 'settle'; readonly item: StoredItem; readonly outcome: Outcome };

/** So many ends are remembered. */
const SETTLED_MAX = 200;

/** The outbox after a change. What another client has settled meanwhile stays settled. */
export function changeOutbox(state: OutboxState, change: Change): OutboxState {
  const { client_id } = change.item;
  const others = state.items.filter((item) => item.client_id !== client_id);
  const isThere = others.length < state.items.length;
  switch (change.kind) {
    case 'add': {
      if (isThere || state.settled.some((end) => end.client_id === client_id)) return state;
      return { ...state, items: [...state.items, change.item] };
    }
    case 'fail': {
      const items = state.items.map((item) => (item.client_id === client_id ? change.item : item));
      return { ...state, items };
    }
    case 'retry':
      return isThere ? { ...state, items: [...others, change.item] } : state;
    case 'settle': {
      const settled = state.settled.filter((end) => end.client_id !== client_id);
      const ends = [...settled, { client_id, outcome: change.outcome }].slice(-SETTLED_MAX);
      return { items: others, settled: ends };
    }
  }
}
