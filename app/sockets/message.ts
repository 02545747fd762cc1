import { RawJson } from '../models/raw-json.ts';

/**
 * Makes the JSON of payloads and answers. That of a message, also within an answer, is made once and kept until
 * {@link MessageJson.forget}; a field that is a `RawJson` goes in as it stands.
 */
export class MessageJson {
  #made = new Map<object, string>();

  /** The JSON of a payload or an answer. */
  of(value: object): string {
    if (isMessage(value)) return this.#message(value);
    return 'ok' in value || Object.values(value).some((field) => field instanceof RawJson)
      ? this.#fields(value)
      : JSON.stringify(value);
  }

  /**
   * Call when what was made has been written. A WeakMap would need no call, at five times the cost; and a map
   * that is cleared keeps a link from its old table to its new one, through which an old table keeps what is dead.
   */
  forget(): void {
    if (this.#made.size > 0) this.#made = new Map();
  }

  #message(message: object): string {
    const before = this.#made.get(message);
    if (before !== undefined) return before;
    const json = JSON.stringify(message);
    this.#made.set(message, json);
    return json;
  }

  #fields(value: object): string {
    let json = '';
    for (const name of Object.keys(value)) {
      const field = this.#field(Reflect.get(value, name));
      if (field !== undefined) json += `${json === '' ? '{' : ','}"${name}":${field}`;
    }
    return `${json || '{'}}`;
  }

  /** Undefined for what JSON leaves out. */
  #field(field: unknown): string | undefined {
    if (field instanceof RawJson) return field.json;
    if (typeof field === 'object' && field !== null && isMessage(field)) return this.#message(field);
    return JSON.stringify(field);
  }
}

const isMessage = (value: object): boolean => 'rev' in value && 'content' in value;
