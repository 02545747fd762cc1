import type { Notice } from '../store.ts';
import type { Database } from './database.ts';

interface NoticeRow {
  number: number;
  kind: Notice['kind'];
  subject: string;
  token_id: string | null;
  generation: number | null;
  username: string | null;
  stays: number;
}

const NOTICES = `SELECT n.number, n.kind, n.subject, n.token_id, n.generation, u.username,
    u.id IS NOT NULL AND u.retired_at IS NULL AS stays
  FROM notices n LEFT JOIN users u ON u.id = n.subject WHERE n.number > ? ORDER BY n.number`;

/** What the reader does with notices. */
export function noticeReads(db: Database) {
  return {
    notices({ after }: { after: number }): Notice[] {
      return db.all<NoticeRow>(NOTICES, after).map(toNotice);
    },

    newestNotice(): number {
      return db.get<{ number: number | null }>('SELECT max(number) AS number FROM notices')?.number ?? 0;
    },
  };
}

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
