/** JSON of messages under way, so that a message that goes to a room and to its sender's answer is made once. */
const made = new WeakMap<object, string>();

/** The JSON of a payload or an answer. A message in an answer, and a message itself, is made once in its life. */
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
  return JSON.stringify(value);
}
