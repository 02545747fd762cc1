/** Random choices that a seed repeats (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** One of these. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Random bytes, up to `most`. */
  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(most + 1) }, () => this.below(256)));
  }

  /** Random text of up to `most` characters, some of them awkward. */
  text(most: number): string {
    const awkward = [
      '\0',
      '\u001e',
      '\ud83d',
      '\u202e',
      '"',
      '\\',
      '/',
      '😀',
      'İ',
      '\n',
      ',',
      '{',
      '[',
      '-',
      '9',
    ] as const;
    const letter = () => (this.once(3) ? this.pick(awkward) : String.fromCharCode(32 + this.below(95)));
    return Array.from({ length: this.below(most + 1) }, letter).join('');
  }
}
