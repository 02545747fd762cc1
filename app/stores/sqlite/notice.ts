import type { Notice } from '../store.ts';
import type { Database } from './database.ts';

interface NoticeRow {
  number: number;
  kind: Notice['kind'];
  subject: string;
  token_id: string | null;
  generation: number | null;
}

/** What the reader does with notices. */
export function noticeReads(db: Database) {
  return {
    notices({ after }: { after: number }): Notice[] {
      return db.all<NoticeRow>('SELECT * FROM notices WHERE number > ? ORDER BY number', after).map(toNotice);
    },

    newestNotice(): number {
      return db.get<{ number: number | null }>('SELECT max(number) AS number FROM notices')?.number ?? 0;
    },
  };
}

function toNotice({ number, kind, subject, token_id, generation }: NoticeRow): Notice {
  switch (kind) {
    case 'token_revoked':
      return { number, kind, user_id: subject, token_id: token_id ?? '' };
    case 'tokens_revoked':
      return { number, kind, user_id: subject, generation: generation ?? 0 };
    case 'room_deleted':
      return { number, kind, room_id: subject };
  }
}
