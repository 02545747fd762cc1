import { JsonText } from '../models/json-text.ts';

/** JSON of messages under way, so that a message that goes to a room and to its sender's answer is made once. */
let made = new Map<object, string>();

/**
 * To be called when what was made has been written. A WeakMap would need no call, at five times the cost; and a map
 * that is cleared keeps a link from its old table to its new one, through which an old table keeps what is dead.
 */
export function forgetJson(): void {
  made = new Map();
}

/**
 * The JSON of a payload or an answer. That of a message, also within an answer, is made once until {@link forgetJson};
 * a field that is a `JsonText` goes in as it stands.
 */
export function jsonOf(value: object): string {
  if ('rev' in value && 'content' in value) {
    const before = made.get(value);
    if (before !== undefined) return before;
    const json = JSON.stringify(value);
    made.set(value, json);
    return json;
  }
  if ('message' in value && 'ok' in value && typeof value.message === 'object' && value.message !== null) {
    const { message, ...rest } = value;
    return `${JSON.stringify(rest).slice(0, -1)},"message":${jsonOf(message)}}`;
  }
  return Object.values(value).some((field) => field instanceof JsonText) ? withTexts(value) : JSON.stringify(value);
}

function withTexts(value: object): string {
  const fields = Object.entries(value).flatMap(([name, field]) => {
    const json = field instanceof JsonText ? field.json : JSON.stringify(field);
    return json === undefined ? [] : [`${JSON.stringify(name)}:${json}`];
  });
  return `{${fields.join(',')}}`;
}
