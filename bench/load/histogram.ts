const SUB_BUCKETS = 64;

/** Counts of durations in buckets that are exact below 64 µs and at most 1/64 wide relative to their value above. */
export class Histogram {
  readonly #counts = new Float64Array(SUB_BUCKETS * 32);
  #total = 0;

  /** How many were recorded. */
  get total(): number {
    return this.#total;
  }

  /** Forgets all. */
  reset(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** Takes a duration in microseconds. */
  record(microseconds: number): void {
    const us = microseconds < 0 ? 0 : Math.min(microseconds >>> 0, 0x7fffffff);
    let bucket = us;
    if (us >= SUB_BUCKETS) {
      const shift = 25 - Math.clz32(us);
      bucket = (shift + 1) * SUB_BUCKETS + ((us >>> shift) - SUB_BUCKETS);
    }
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total += 1;
  }

  /** The value, in milliseconds, that the share `q` (0 to 1) of all is not above; 0 when there are none. */
  quantile(q: number): number {
    if (this.#total === 0) return 0;
    const wanted = q * this.#total;
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= wanted && seen > 0) return lowerBound(bucket) / 1000;
    }
    return lowerBound(this.#counts.length - 1) / 1000;
  }
}

function lowerBound(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  return (SUB_BUCKETS + (bucket % SUB_BUCKETS)) * 2 ** shift;
}
