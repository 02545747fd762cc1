import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files of the repository that the pages show, from its root. */
export const TEXTS = {
  protocol: 'docs/protocol.md',
  rules: { en: 'docs/client-rules.md', tr: 'docs/client-rules.tr.md' },
  firstChat: 'examples/first-chat/chat.mjs',
} as const;

const ROOT = join(import.meta.dirname, '../..');

/** The text of one of {@link TEXTS}. Throws when it is missing. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
