import { ask, sql } from '../query.ts';
import { read } from '../read.ts';
import type { Row } from '../tables.ts';

/** Something that servers must hear of and that is in no room's log. Numbers only rise. */
export type Notice = { readonly number: number } & (
  | ({ readonly kind: 'token_revoked'; readonly token_id: string } & Revoked)
  /** Every token of the user up to this generation. */
  | ({ readonly kind: 'tokens_revoked'; readonly generation: number } & Revoked)
  | { readonly kind: 'room_deleted'; readonly room_id: string }
);

/** Whose tokens were revoked. */
export interface Revoked {
  readonly user_id: string;
  /** The name that the user has now, which is another one when it was erased; undefined when there is no such user. */
  readonly username: string | undefined;
  /** Whether the user can never come back. */
  readonly retired: boolean;
}

/** A notice, and the user whom it is about. */
interface NoticeRow extends Row<'notices'> {
  readonly username: string | null;
  /** 1 or 0. */
  readonly stays: number;
}

const NOTICES = `SELECT n.number, n.kind, n.subject, n.token_id, n.generation, u.username,
    CASE WHEN u.id IS NOT NULL AND u.retired_at IS NULL THEN 1 ELSE 0 END AS stays
  FROM notices n LEFT JOIN users u ON u.id = n.subject WHERE n.number > ? ORDER BY n.number`;
const NEWEST = "SELECT value FROM counters WHERE name = 'notices'";

/** What is read of notices. */
export const noticeReads = {
  /** What happened outside of rooms' logs after a number, in order. */
  after: read(function* ({ after }: { after: number }) {
    const [rows] = yield* ask(sql<NoticeRow>(NOTICES, after));
    return rows.map(toNotice);
  }),

  /** The number of the newest notice; 0 when there is none. */
  newest: read<void, number>(function* () {
    const [[newest]] = yield* ask(sql<{ value: number }>(NEWEST));
    return newest?.value ?? 0;
  }),
};

function toNotice({ number, kind, subject, token_id, generation, username, stays }: NoticeRow): Notice {
  const revoked = { user_id: subject, username: username ?? undefined, retired: stays === 0 };
  switch (kind) {
    case 'token_revoked':
      return { number, kind, token_id: token_id ?? '', ...revoked };
    case 'tokens_revoked':
      return { number, kind, generation: generation ?? 0, ...revoked };
    case 'room_deleted':
      return { number, kind, room_id: subject };
  }
}
