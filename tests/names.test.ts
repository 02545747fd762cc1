import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../protocol/index.ts';
import { connect, guest } from './support/client.ts';
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
    ['as short as a name may be', '王', '王'],
    ['kept with the joiners that its script needs', 'علی\u200cرضا', 'علی\u200cرضا'],
    ['kept with its emoji whole', '👨\u200d👩\u200d👧 ❤\ufe0f', '👨\u200d👩\u200d👧 ❤\ufe0f'],
    ['as long as allowed', '\u{1f9ad}'.repeat(LIMITS.username_max), '\u{1f9ad}'.repeat(LIMITS.username_max)],
  ])('is %s', async (_, given, shown) => {
    expect(await claim(given)).toBe(shown);
  });

  it.each([
    ['nothing', ''],
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
    ['a selector after a letter', 'ada\ufe0f'],
    ['a blank of Braille', 'ada\u2800'],
    ['fillers alone', '\u3164\u115f\u2800'],
    ['accents alone', '\u0301\u0302'],
    ['31 accents on a letter', `a${'\u0301'.repeat(31)}`],
    ['a character that no font can know', 'ab\ue000cd'],
    ['a character that is not assigned', 'ab\u{30000}cd\u{3fffd}'],
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
    ['the joiner', 'می\u200cآید', 'میآید'],
    ['the form of an emoji', 'I ❤\ufe0f you', 'i ❤ YOU'],
  ])('is the same whatever %s', async (_, first, second) => {
    const online = await connect(server, { username: first });
    expect(online.me.user.username).toBe(first);
    expect(await claim(second)).toBe('USERNAME_TAKEN');
  });
});

describe('a room name', () => {
  const server = sharedServer();

  it.each([
    ['nothing that is seen', '\u200b\u200b'],
    ['a right-to-left override', 'lobby\u202eybbol'],
    ['a selector after a letter', 'lobby\ufe0f'],
    ['a control character', 'lob\u0007by'],
    ['a line break', 'lob\nby'],
    ['a C1 control', 'lob\u0085by'],
    ['a line separator', 'lob\u2028by'],
    ['accents alone', '\u0301\u0302'],
    ['31 accents on a letter', `a${'\u0301'.repeat(31)}`],
  ])('is refused with %s', async (_, name) => {
    const ada = await guest(server, 'ada');
    expect(await ada.refused('create_room', { name })).toMatchObject({ code: 'INVALID_INPUT', field: 'name' });
  });

  it.each(['王', 'خانه\u200cها', '👩\u200d🚀 space', '½ price ™', '  around '])('may be %j', async (name) => {
    const ada = await guest(server, 'ada');
    expect((await ada.createRoom({ name })).name).toBe(name.trim());
  });
});

it('a message shows something', async () => {
  await using server = await startServer();
  const ada = await guest(server, 'ada');
  const room = await ada.createRoom();
  const blank = [
    '\u200b',
    '\u2800 \u2800',
    '\u3164',
    '\ufe0f\u200d',
    '\u{e0041}',
    '\u{1d159}\n',
    '\u0007',
    ' \u3000\u00a0',
  ];
  const said = await ada.say(room, 'something');
  for (const content of blank) {
    const refusals = [
      await ada.refused('send_message', { room_id: room.id, content }),
      await ada.refused('update_message', { message_id: said.id, content }),
    ];
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'INVALID_INPUT', field: 'content' });
  }
  for (const content of ['.', '\u0301', '👩\u200d🚀', '\u202eabc', '\ue000', '\u{3fffd}', '\ta\n']) {
    expect((await ada.say(room, content)).content).toBe(content);
  }
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
        expect(given).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u200b\u2060\ufeff]/u);
        const twin = await connect(server);
        expect(await twin.code('authenticate', { username: given.replace(/[\u200c\u200d]/gu, '') })).toBe(
          'USERNAME_TAKEN',
        );
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
