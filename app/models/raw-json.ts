/**
 * A value as JSON, made once where it was at hand: the reading thread knows the JSON of a page of messages since it
 * measures it, and a text crosses between threads at a fraction of the cost of objects. It goes out as it stands.
 */
export class RawJson<T> {
  /** Valid JSON. */
  readonly json: string;
  /** There for the types only: keeps the text of one kind of value from standing for another. */
  declare protected readonly kind: T;

  constructor(json: string) {
    this.json = json;
  }

  static of<T>(value: T): RawJson<T> {
    return new RawJson(JSON.stringify(value));
  }

  /** The value itself, for `JSON.stringify`. */
  toJSON(): T {
    return JSON.parse(this.json) as T;
  }
}

/** An object of which any field may be JSON already. */
export type WithRaw<T> = T extends readonly unknown[] ? T : { [K in keyof T]: T[K] | RawJson<T[K]> };
