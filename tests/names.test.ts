import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../protocol/index.ts';
import { connect } from './support/client.ts';
import { sharedServer, startServer } from './support/server.ts';

describe('a username', () => {
  const server = sharedServer();

  /** What becomes of a name: the username that is given, or the code of the refusal. */
  async function claim(username: string): Promise<string> {
    const client = await connect(server);
    const answer = await client.call('authenticate', { username });
    if (!answer.ok) expect(answer.error.field).toBe('username');
    return answer.ok ? answer.user.username : answer.error.code;
  }

  it.each([
    ['normalised to NFKC', 'ｗｉｄｅ ﬁn', 'wide fin'],
    ['composed', 'Gu\u0308ls\u0327en', 'Gülşen'],
    ['trimmed', '  around\u3000 ', 'around'],
    ['kept in its case', 'McTavish İlknur', 'McTavish İlknur'],
    ['as short as allowed', 'ab', 'ab'],
    ['as long as allowed', '\u{1f9ad}'.repeat(LIMITS.username_max), '\u{1f9ad}'.repeat(LIMITS.username_max)],
  ])('is %s', async (_, given, shown) => {
    expect(await claim(given)).toBe(shown);
  });

  it.each([
    ['nothing', ''],
    ['one character', 'a'],
    ['one character after trimming', '  a  '],
    ['only white space', '     '],
    ['one too many', 'a'.repeat(LIMITS.username_max + 1)],
    ['too long after NFKC', '\ufdfa'.repeat(LIMITS.username_max)],
    ['a control character', 'a\u0007bc'],
    ['a line break', 'ab\ncd'],
    ['NUL', 'ab\u0000cd'],
    ['a C1 control', 'ab\u0085cd'],
    ['a right-to-left override', 'ab\u202ecd'],
    ['a bidirectional isolate', 'ab\u2066cd'],
    ['a right-to-left mark', 'ab\u200fcd'],
    ['an Arabic letter mark', 'ab\u061ccd'],
    ['a zero-width space', 'ab\u200bcd'],
    ['a zero-width joiner', 'ab\u200dcd'],
    ['a byte order mark', 'ab\ufeffcd'],
    ['a word joiner', 'ab\u2060cd'],
    ['a lone surrogate', 'ab\ud800cd'],
  ])('is refused with %s', async (_, given) => {
    expect(await claim(given)).toBe('INVALID_INPUT');
  });

  it.each([
    ['case', 'Caseful', 'cASEFUL'],
    ['width', 'width', 'ＷＩＤＴＨ'],
    ['the dotted and the dotless i', 'Irmak Işıl', 'irmak İşil'],
    ['the dotless i', 'ılıca', 'ILICA'],
    ['the dotted i', 'İzmir', 'izmir'],
    ['composition', 'Çağlar', 'C\u0327ag\u0306lar'],
    ['the sharp s', 'straße', 'STRASSE'],
    ['the sigma at the end', 'ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
  ])('is the same whatever %s', async (_, first, second) => {
    const online = await connect(server, { username: first });
    expect(online.me.user.username).toBe(first);
    expect(await claim(second)).toBe('USERNAME_TAKEN');
  });
});

it('is never accepted outside its rules, whatever is sent', async () => {
  await using server = await startServer();
  const client = await connect(server, { username: 'first' });
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 40 }));
  await fc.assert(
    fc.asyncProperty(text, async (username) => {
      const other = await connect(server);
      const answer = await other.call('authenticate', { username });
      if (answer.ok) {
        const given = answer.user.username;
        expect(given).toBe(given.normalize('NFKC').trim());
        expect([...given].length).toBeGreaterThanOrEqual(LIMITS.username_min);
        expect([...given].length).toBeLessThanOrEqual(LIMITS.username_max);
        expect(given).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u200b-\u200d\u2060\ufeff]/u);
        const twin = await connect(server);
        expect(await twin.code('authenticate', { username: given })).toBe('USERNAME_TAKEN');
        twin.close();
      } else {
        expect(['INVALID_INPUT', 'USERNAME_TAKEN']).toContain(answer.error.code);
      }
      other.close();
    }),
    { numRuns: 60 },
  );
  expect((await client.ok('get_users', {})).users).not.toEqual([]);
});
