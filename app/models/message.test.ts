import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { System } from '../../protocol/message.ts';
import { allowDelete, allowEdit, logEvent, type MessageFacts, membershipChange, systemContent } from './message.ts';
import { orRefusal, Refusal } from './refusal.ts';
import { maySee, requireJoinable, requireMember, requireOwner } from './room.ts';

const room = fc.record({
  type: fc.constantFrom('public' as const, 'private' as const),
  password_hash: fc.constantFrom(null, 'hash'),
  owner_id: fc.constantFrom(null, 'ada', 'can'),
});
const roomFacts = fc.oneof(fc.record({ room, member: fc.boolean() }), fc.constant({ room: undefined, member: false }));
const message = fc.record({
  user_id: fc.constantFrom('ada', 'can'),
  is_system_message: fc.boolean(),
  deleted: fc.boolean(),
  content: fc.constantFrom('', 'a', 'b'),
});
const facts = fc.tuple(roomFacts, message).map(([inRoom, found]) => ({ ...inRoom, message: found }));

/** The code of a refusal; undefined when a rule allows. */
function codeOf(rule: () => unknown) {
  const given = orRefusal(rule);
  return given instanceof Refusal ? given.code : undefined;
}

const decideEdit = (given: MessageFacts, who: string, content: string) =>
  codeOf(() => allowEdit(given, who, content)) ?? allowEdit(given, who, content).changes;
const decideDelete = (given: MessageFacts, who: string) =>
  codeOf(() => allowDelete(given, who)) ?? allowDelete(given, who).changes;

describe('who may change a message', () => {
  it('is its author alone, while a member, and never of a system message', () => {
    fc.assert(
      fc.property(facts, fc.constantFrom('a', 'c'), (given, content) => {
        for (const decision of [decideEdit(given, 'ada', content), decideDelete(given, 'ada')]) {
          if (typeof decision === 'string') continue;
          expect(given.member).toBe(true);
          expect(given.message.user_id).toBe('ada');
          expect(given.message.is_system_message).toBe(false);
        }
      }),
    );
  });

  it('changes something exactly when there is something to change', () => {
    const own = fc.record({
      room,
      member: fc.constant(true),
      message: fc.record({
        user_id: fc.constant('ada'),
        is_system_message: fc.constant(false),
        deleted: fc.boolean(),
        content: fc.constantFrom('a', 'b'),
      }),
    });
    fc.assert(
      fc.property(own, (given) => {
        const { deleted, content } = given.message;
        expect(decideEdit(given, 'ada', 'a')).toBe(deleted ? 'MESSAGE_NOT_FOUND' : content !== 'a');
        expect(decideDelete(given, 'ada')).toBe(!deleted);
      }),
    );
  });

  it('says why not', () => {
    const { seen, member } = { seen: { type: 'public', password_hash: null, owner_id: null }, member: true } as const;
    const of = (changed: object) => ({
      user_id: 'ada',
      is_system_message: false,
      deleted: false,
      content: '',
      ...changed,
    });
    for (const decide of [decideDelete, (given: MessageFacts, who: string) => decideEdit(given, who, 'x')]) {
      const decision = (given: MessageFacts) => decide(given, 'ada');
      expect(decision({ room: seen, member: false, message: of({}) })).toBe('NOT_A_MEMBER');
      expect(decision({ room: seen, member, message: of({ user_id: 'can' }) })).toBe('FORBIDDEN');
      expect(decision({ room: seen, member, message: of({ is_system_message: true }) })).toBe('FORBIDDEN');
      expect(decision({ room: undefined, member: false, message: of({}) })).toBe('MESSAGE_NOT_FOUND');
      expect(decision({ room: seen, member, message: of({}) })).toBe(true);
    }
  });

  it('never learns of a message in a room that it may not see', () => {
    fc.assert(
      fc.property(facts, (given) => {
        fc.pre(!maySee(given));
        expect(decideEdit(given, 'ada', 'x')).toBe('MESSAGE_NOT_FOUND');
        expect(decideDelete(given, 'ada')).toBe('MESSAGE_NOT_FOUND');
      }),
    );
  });
});

describe('rooms', () => {
  it('answer the same for a room that is hidden and one that does not exist', () => {
    const none = { room: undefined, member: false };
    fc.assert(
      fc.property(roomFacts, (given) => {
        fc.pre(!maySee(given));
        expect(codeOf(() => requireMember(given))).toBe(codeOf(() => requireMember(none)));
        expect(codeOf(() => requireJoinable(given, 'hash'))).toBe(codeOf(() => requireJoinable(none, 'hash')));
        expect(codeOf(() => requireOwner(given, 'ada'))).toBe(codeOf(() => requireOwner(none, 'ada')));
      }),
    );
  });

  it('let in members, everyone into public ones, and others with the password as it is now', () => {
    fc.assert(
      fc.property(roomFacts, fc.constantFrom(null, 'hash', 'old hash'), (given, verified) => {
        const open = given.room?.type === 'public';
        const right = given.room?.password_hash === 'hash' && verified === 'hash';
        expect(codeOf(() => requireJoinable(given, verified)) === undefined).toBe(given.member || open || right);
      }),
    );
  });

  it('are managed by the owner alone', () => {
    fc.assert(
      fc.property(roomFacts, (given) => {
        const may = given.member && given.room?.owner_id === 'ada';
        expect(codeOf(() => requireOwner(given, 'ada')) === undefined).toBe(may);
      }),
    );
  });
});

describe('entries of the log', () => {
  it('are told by the event of their newest change', () => {
    expect(logEvent({ seq: 3, rev: 3, deleted: false })).toBe('message');
    expect(logEvent({ seq: 3, rev: 4, deleted: false })).toBe('message_updated');
    expect(logEvent({ seq: 3, rev: 4, deleted: true })).toBe('message_deleted');
  });

  it.each<[string, System]>([
    ['ada joined', { type: 'user_joined', user_id: 'a', username: 'ada' }],
    ['ada was added', { type: 'user_joined', user_id: 'a', username: 'ada', added_by: 'c' }],
    ['ada left', { type: 'user_left', user_id: 'a', username: 'ada', new_owner_id: 'c' }],
    ['ada was removed', { type: 'user_left', user_id: 'a', username: 'ada', removed_by: 'c' }],
    ['ada owns the room now', { type: 'role_changed', role: 'owner', user_id: 'a', username: 'ada', by: null }],
  ])('say %s', (said, system) => {
    expect(systemContent(system)).toBe(said);
  });

  it('change membership only when they are made, not when they are changed later', () => {
    const system: System = { type: 'user_left', user_id: 'ada', username: 'ada' };
    const entry = {
      id: 'x',
      room_id: 'r',
      seq: 3,
      rev: 3,
      user_id: 'ada',
      username: 'ada',
      content: systemContent(system),
      timestamp: '2026-11-22T09:31:00.000Z',
      is_system_message: true,
      system,
      edited: false,
      edited_at: null,
      deleted: false,
      deleted_at: null,
    };
    expect(membershipChange(entry)).toEqual({ left: 'ada' });
    expect(membershipChange({ ...entry, rev: 4 })).toBeUndefined();
    const { system: _, ...plain } = entry;
    expect(membershipChange(plain)).toBeUndefined();
    const owned: System = { type: 'role_changed', role: 'owner', user_id: 'ada', username: 'ada', by: null };
    expect(membershipChange({ ...entry, system: owned })).toBeUndefined();
    expect(membershipChange({ ...entry, system: { ...system, type: 'user_joined' } })).toEqual({ joined: 'ada' });
  });
});
