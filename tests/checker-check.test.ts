import { describe, expect, it } from 'vitest';
import { roomAt, Story } from './checker/story.ts';

const send = (content: string, client_id?: string) => ({
  room_id: 'room',
  content,
  ...(client_id !== undefined && { client_id }),
});

describe('a promise that was kept', () => {
  it('has no findings, whatever happens', () => {
    const story = new Story();
    const can = story.connect('can');
    can.signIn(2);
    const first = story.say('ada', 'first');
    const edited = story.edit(first, 'first, edited');
    const second = story.say('can', 'second', 'key');
    const gone = story.remove(edited);
    can.told(first, edited);
    can.ok('send_message', send('second', 'key'), { message: second });
    can.told(second, gone);
    can.ok('send_message', send('second', 'key'), { message: second, duplicate: true });
    can.ok('get_messages', { room_id: 'room' }, { messages: story.messages, has_more: false });
    const page = { room_id: 'room', head: 6, messages: [second, gone], has_more: false, reset: false };
    can.ok('sync', { epoch: 'epoch', rooms: [{ room_id: 'room', seq: 4 }] }, { epoch: 'epoch', rooms: [page] });
    story.holds('can', story.messages);
    expect(story.findings()).toEqual([]);
  });

  it('allows what the protocol allows: unknown outcomes, overtaken entries, leaving and coming back', () => {
    const story = new Story();
    const ada = story.connect('ada');
    const can = story.connect('can');
    ada.signIn(2);
    can.signIn(2);
    ada.ask('send_message', send('never stored', 'a'));
    ada.ask('send_message', send('stored', 'b'));
    const stored = story.say('ada', 'stored', 'b');
    story.edit(stored, 'overtaken');
    const newest = story.edit(stored, 'newest');
    ada.ask('update_message', { message_id: stored.id, content: 'overtaken' });
    ada.end();
    can.told(newest);
    can.ok('leave_room', { room_id: 'room' }, {});
    const left = story.leave('can');
    can.told(left);
    can.leftAt(left.seq);
    story.say('ada', 'behind the back of can');
    const back = story.join('can');
    can.ok(
      'join_room',
      { room_id: 'room' },
      { room: roomAt(back.seq), users: [], messages: [...story.messages], has_more: false },
    );
    const last = story.say('ada', 'last');
    can.told(last);
    story.holds('can', story.messages);
    expect(story.findings()).toEqual([]);
  });
});

describe('lost', () => {
  it('is an acknowledged message, edit or deletion that is not in the database', () => {
    const story = new Story();
    const ada = story.connect('ada');
    const message = story.say('ada', 'lost');
    ada.ok('send_message', send('lost'), { message });
    story.forget(message);
    expect(story.kinds()).toContain('lost');

    const edits = new Story();
    const before = edits.say('ada', 'before');
    const after = edits.edit(before, 'after');
    edits.connect('ada').ok('update_message', { message_id: before.id, content: 'after' }, { message: after });
    edits.messages[2] = before;
    expect(edits.kinds()).toContain('lost');

    const deletions = new Story();
    const kept = deletions.say('ada', 'kept');
    const gone = deletions.remove(kept);
    deletions.connect('ada').ok('delete_message', { message_id: kept.id }, { message: gone });
    deletions.messages[2] = { ...gone, deleted: false, deleted_at: null, content: 'kept' };
    expect(deletions.kinds()).toContain('lost');
  });

  it('is an acknowledged join, leave, addition or removal that the log does not tell', () => {
    for (const command of ['leave_room', 'remove_member', 'add_member', 'join_room'] as const) {
      const story = new Story();
      const eve = story.connect('eve');
      eve.end();
      const payload = { room_id: 'room', user_id: 'eve' };
      if (command === 'join_room') {
        eve.ok(command, { room_id: 'room' }, { room: roomAt(2), users: [], messages: story.messages, has_more: false });
      } else if (command === 'leave_room') eve.ok(command, { room_id: 'room' }, {});
      else story.connect('ada').ok(command, payload, {});
      expect(story.kinds(), command).toContain('lost');
    }
  });

  it('is an entry that a connection which lived to the end never got', () => {
    const story = new Story();
    story.connect('can').signIn(2);
    story.say('ada', 'to nobody');
    expect(story.kinds()).toEqual(['lost']);
  });

  it('is an entry that someone was told and that is not stored', () => {
    const story = new Story();
    const can = story.connect('can');
    can.signIn(2);
    const message = story.say('ada', 'too early');
    can.told(message);
    story.forget(message);
    story.head = 2;
    expect(story.kinds()).toEqual(['lost']);
  });

  it('is a change that a later read does not know', () => {
    const story = new Story();
    const ada = story.connect('ada');
    const message = story.say('ada', 'new');
    ada.ok('send_message', send('new'), { message });
    story.connect('can').signIn(2);
    expect(story.kinds()).toContain('lost');
  });

  it('is a message that a client does not hold in the end', () => {
    const story = new Story();
    story.holds('can', story.messages);
    story.say('ada', 'not held');
    story.recorder.finals[0] = {
      client: 'can',
      user_id: 'can',
      rooms: [{ room_id: 'room', cursor: 3, floor: 0, messages: story.messages.slice(0, 2) }],
    };
    expect(story.kinds()).toEqual(['lost']);
  });
});

describe('doubled', () => {
  it('is a key, a text, a number or a place that is there twice', () => {
    const keys = new Story();
    keys.say('ada', 'once', 'key');
    keys.say('ada', 'twice', 'key');
    expect(keys.kinds()).toEqual(['doubled']);

    const texts = new Story();
    texts.say('ada', 'the same');
    texts.say('ada', 'the same');
    expect(texts.kinds()).toEqual(['doubled']);

    const numbers = new Story();
    const message = numbers.say('ada', 'one');
    numbers.messages.push({ ...message, id: 'another', content: 'two' });
    expect(numbers.kinds()).toContain('doubled');
  });

  it('is an entry that came twice on one connection', () => {
    const story = new Story();
    const can = story.connect('can');
    can.signIn(2);
    const message = story.say('ada', 'twice');
    can.told(message, message);
    expect(story.kinds()).toEqual(['doubled']);
  });

  it('is a key that two answers call new', () => {
    const story = new Story();
    const ada = story.connect('ada');
    const message = story.say('ada', 'new', 'key');
    const [a, b] = [ada.ask('send_message', send('new', 'key')), ada.ask('send_message', send('new', 'key'))];
    ada.answer(a, { message });
    ada.answer(b, { message });
    ada.end();
    expect(story.kinds()).toEqual(['doubled']);
  });

  it('is a leave that the log tells more often than it was asked for', () => {
    const story = new Story();
    story.leave('can');
    expect(story.kinds()).toEqual(['doubled']);
  });
});

describe('gap', () => {
  it('is a number that was skipped though it holds something', () => {
    const story = new Story();
    const can = story.connect('can');
    can.signIn(2);
    story.say('ada', 'skipped');
    can.told(story.say('ada', 'told'));
    expect(story.kinds()).toEqual(['gap']);
  });

  it('is a number that nothing took', () => {
    const story = new Story();
    story.head++;
    story.say('ada', 'after a hole');
    expect(story.kinds()).toEqual(['gap']);
  });

  it('is a page that leaves something out', () => {
    for (const command of ['sync', 'get_messages', 'join_room'] as const) {
      const story = new Story();
      const can = story.connect('can');
      can.signIn(2);
      const [one, two, three] = [story.say('ada', 'one'), story.say('ada', 'two'), story.say('ada', 'three')];
      can.told(one, two, three);
      const messages = [one, three];
      const room = { room_id: 'room', head: 5, messages, has_more: false, reset: false };
      if (command === 'sync') {
        can.ok(command, { epoch: 'e', rooms: [{ room_id: 'room', seq: 2 }] }, { epoch: 'e', rooms: [room] });
      } else if (command === 'get_messages')
        can.ok(command, { room_id: 'room', after: 2 }, { messages, has_more: false });
      else can.ok(command, { room_id: 'room' }, { room: roomAt(5), users: [], messages, has_more: true });
      expect(story.kinds(), command).toEqual(['gap']);
    }
  });
});

describe('reordered', () => {
  it('is an entry before its snapshot, or after a later one', () => {
    const early = new Story();
    const can = early.connect('can');
    const message = early.say('ada', 'early');
    can.told(message);
    can.signIn(3);
    expect(early.kinds()).toEqual(['reordered']);

    const swapped = new Story();
    const other = swapped.connect('can');
    other.signIn(2);
    const [one, two] = [swapped.say('ada', 'one'), swapped.say('ada', 'two')];
    other.told(two, one);
    expect(swapped.kinds()).toEqual(['gap', 'reordered']);
  });

  it('is a snapshot that is answered after what follows it', () => {
    const story = new Story();
    const can = story.connect('can');
    can.signIn(2);
    const call = can.ask('join_room', { room_id: 'room' });
    can.told(story.say('ada', 'above the snapshot'));
    can.answer(call, { room: roomAt(2), users: [], messages: story.messages.slice(0, 2), has_more: false });
    expect(story.kinds()).toEqual(['reordered']);
  });

  it('is a number below one that was known when it was asked for', () => {
    const story = new Story();
    const ada = story.connect('ada');
    const [one, two] = [story.say('ada', 'one'), story.say('ada', 'two')];
    ada.ok('send_message', send('two'), { message: two });
    ada.ok('send_message', send('one'), { message: one });
    ada.end();
    expect(story.kinds()).toEqual(['reordered']);
  });

  it('is a page out of order', () => {
    const story = new Story();
    const messages = story.messages.toReversed();
    story.connect('can').ok('get_messages', { room_id: 'room' }, { messages, has_more: false });
    story.recorder.connections.map((connection) => story.recorder.end(connection, 'over'));
    expect(story.kinds()).toEqual(['reordered']);
  });
});

describe('disagreement', () => {
  it('is a number that two were told differently, or that the database holds differently', () => {
    const story = new Story();
    const [ada, can] = [story.connect('ada'), story.connect('can')];
    ada.signIn(2);
    can.signIn(2);
    const message = story.say('ada', 'this');
    ada.told(message);
    can.told({ ...message, content: 'that' });
    expect(story.kinds()).toEqual(['disagreement']);
  });

  it('is a state that a client holds in the end and the database does not', () => {
    const story = new Story();
    const message = story.say('ada', 'this');
    story.holds('can', [...story.messages.slice(0, 2), { ...message, content: 'that' }]);
    story.holds('ada', story.messages, { cursor: 2 });
    expect(story.findings().map(({ kind }) => kind)).toEqual(['disagreement', 'disagreement']);
  });

  it('is a list of members, an owner or a count that does not follow from the log', () => {
    expect(new Story().kinds({ members: [{ room_id: 'room', user_id: 'ada', joined_seq: 1 }] })).toEqual([
      'disagreement',
    ]);
    const story = new Story();
    story.owner = 'can';
    expect(story.kinds()).toEqual(['disagreement']);
  });

  it('is something refused that is there all the same', () => {
    const story = new Story();
    const ada = story.connect('ada');
    ada.refused('send_message', send('refused'), 'UNAVAILABLE');
    ada.end();
    story.say('ada', 'refused');
    expect(story.kinds()).toEqual(['disagreement']);

    const repeated = new Story();
    const can = repeated.connect('can');
    can.refused('send_message', send('again', 'key'), 'UNAVAILABLE');
    const message = repeated.say('can', 'again', 'key');
    can.ok('send_message', send('again', 'key'), { message, duplicate: true });
    can.end();
    expect(repeated.kinds()).toEqual(['disagreement']);
  });

  it('is NOT_A_MEMBER, told to a member', () => {
    const story = new Story();
    const can = story.connect('can');
    can.signIn(2);
    can.refused('get_messages', { room_id: 'room' }, 'NOT_A_MEMBER');
    expect(story.kinds()).toEqual(['disagreement']);
  });
});

describe('unauthorised', () => {
  it('is an entry above the removal, or a word of the room after it', () => {
    const story = new Story();
    const can = story.connect('can');
    can.signIn(2);
    can.ok('leave_room', { room_id: 'room' }, {});
    const left = story.leave('can');
    can.told(left);
    can.leftAt(left.seq);
    can.told(story.say('ada', 'a secret'));
    expect(story.kinds()).toEqual(['unauthorised']);
  });

  it('is an entry between a removal and a return, told in the stream', () => {
    const story = new Story();
    const can = story.connect('can');
    can.signIn(2);
    can.ok('leave_room', { room_id: 'room' }, {});
    can.told(story.leave('can'), story.say('ada', 'a secret'), story.join('can'));
    expect(story.kinds()).toContain('unauthorised');
  });

  it('is a read by someone who is no member there', () => {
    const story = new Story();
    const eve = story.connect('eve');
    const page = { room_id: 'room', head: 2, messages: story.messages, has_more: false, reset: false };
    eve.ok('sync', { epoch: 'e', rooms: [{ room_id: 'room', seq: 0 }] }, { epoch: 'e', rooms: [page] });
    eve.ok('get_messages', { room_id: 'room' }, { messages: story.messages, has_more: false });
    expect(story.findings().map(({ kind }) => kind)).toEqual(['unauthorised', 'unauthorised']);
  });

  it('is a message, a change or an addition by someone who was not allowed', () => {
    const story = new Story();
    const message = story.say('can', 'a member yet');
    const left = story.leave('can');
    story.edit(message, 'no member any more');
    story.say('eve', 'never a member');
    const call = story.connect('can').ask('leave_room', { room_id: 'room' });
    expect(call.answer).toBeUndefined();
    expect(left.seq).toBe(4);
    story.recorder.connections.map((connection) => story.recorder.end(connection, 'over'));
    expect(story.findings().map(({ kind }) => kind)).toEqual(['unauthorised', 'unauthorised']);
  });
});

describe('fault', () => {
  it('is what a client noticed by itself, a broken file, or a code that is never right', () => {
    const story = new Story();
    story.recorder.fault('left unanswered');
    const ada = story.connect('ada');
    ada.refused('get_rooms', {}, 'INTERNAL');
    ada.end();
    expect(story.findings({ integrity: 'broken' }).map(({ kind }) => kind)).toEqual(['fault', 'fault', 'fault']);
  });
});
