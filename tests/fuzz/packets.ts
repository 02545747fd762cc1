import { COMMAND_NAMES, COMMANDS } from '../../protocol/index.ts';
import type { Dice } from './random.ts';

/** Any value that JSON can hold, and some that it cannot. */
export function json(dice: Dice, depth = 3): string {
  const scalars = [
    'null',
    'true',
    '0',
    '-1',
    '1e999',
    '1e-7',
    '""',
    '"\\u0000"',
    '"\\ud83d"',
    '{}',
    '[]',
    'NaN',
    '',
  ] as const;
  if (depth === 0 || dice.once(3)) return dice.once(3) ? JSON.stringify(dice.text(40)) : dice.pick(scalars);
  const inner = Array.from({ length: dice.below(4) }, () => json(dice, depth - 1));
  if (dice.once(2)) return `[${inner.join(',')}]`;
  const names = [
    '__proto__',
    'constructor',
    'room_id',
    'content',
    'toString',
    '_placeholder',
    'num',
    'length',
  ] as const;
  return `{${inner.map((value) => `${JSON.stringify(dice.pick(names))}:${value}`).join(',')}}`;
}

/** A payload of a command, right or nearly right. */
function payload(dice: Dice): string {
  const example = JSON.stringify(COMMANDS[dice.pick(COMMAND_NAMES)].example.payload);
  if (dice.once(3)) return json(dice);
  return dice.once(2) ? example : mutate(dice, example);
}

/** What a Socket.IO packet is followed by: the arguments of an event. */
function event(dice: Dice): string {
  const odd = [
    '__proto__',
    'constructor',
    'toString',
    'disconnect',
    'connect_error',
    'error',
    '',
    'message',
    'sync ',
  ] as const;
  const name = dice.once(4) ? dice.pick(odd) : dice.pick(COMMAND_NAMES);
  const args = Array.from({ length: dice.once(5) ? dice.below(5) : 1 }, () => payload(dice));
  return `[${[JSON.stringify(name), ...args].join(',')}]`;
}

/** Text that is cut, doubled, or has characters changed. */
export function mutate(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1);
  switch (dice.below(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + dice.text(5) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + 1);
    case 3:
      return text.slice(0, at) + text.slice(Math.max(0, at - dice.below(20)));
    default:
      return text.slice(at) + text.slice(0, at);
  }
}

/** A Socket.IO packet, without Engine.IO's type in front. */
export function socketPacket(dice: Dice): string {
  const ids = ['', '', '0', '1', '99999999999999999999999', '-1', '1.5', ' '] as const;
  const spaces = ['', '', '', '/,', '/nowhere,', '/__proto__,', '/'.repeat(2_000), '/a?b=c,', '/😀,'] as const;
  const attachments = ['', '1-', '10-', '11-', '999999999-', '-', '1', '0-', 'x-'] as const;
  switch (dice.below(9)) {
    case 0:
      return `0${dice.pick(spaces)}${json(dice)}`;
    case 1:
      return `1${dice.pick(spaces)}${dice.once(3) ? json(dice) : ''}`;
    case 2:
      return `3${dice.pick(ids)}${json(dice)}`;
    case 3:
      return `4${json(dice)}`;
    case 4:
      return `${5 + dice.below(2)}${dice.pick(attachments)}${dice.pick(spaces)}${dice.pick(ids)}${event(dice)}`;
    case 5:
      return `${dice.below(10)}${dice.text(30)}`;
    case 6:
      return `2${'['.repeat(dice.below(20_000))}`;
    default:
      return `2${dice.pick(spaces)}${dice.pick(ids)}${event(dice)}`;
  }
}

/** An Engine.IO packet as text. */
export function enginePacket(dice: Dice): string {
  const others = [
    '0',
    '1',
    '2',
    '2probe',
    '3',
    '3probe',
    '5',
    '6',
    '7',
    'b',
    'bAAAA',
    'b!!!!',
    '',
    '4',
    '\ud83d',
    '40',
    '41',
  ] as const;
  if (dice.once(4)) return dice.pick(others);
  const packet = `4${socketPacket(dice)}`;
  return dice.once(6) ? mutate(dice, packet) : packet;
}
