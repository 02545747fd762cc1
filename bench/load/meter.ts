import { Histogram } from './histogram.ts';

/** What all connections of one load client count together. Plain fields: this is the hottest path of the client. */
export class Meter {
  /** Messages sent. */
  sent = 0;
  /** Sends that were acknowledged with `ok: true`. */
  acknowledged = 0;
  /** Sends that were refused. */
  refused = 0;
  /** The first refusal, as it came. */
  refusal = '';
  /** Events `message` received, by all connections together. */
  deliveries = 0;
  /** Bytes received. */
  bytes = 0;
  /** Connections that ended or broke the protocol, unasked. */
  failed = 0;
  /** Why the first of them did. */
  failure = '';
  /** From send to receipt, of a sample of the deliveries. */
  readonly delivery = new Histogram();
  /** From send to acknowledgement, of all. */
  readonly acknowledgement = new Histogram();
  /** When the chunk that is being read came, as of `performance.now()`. */
  now = 0;
  /** Deliveries until the next one whose latency is recorded. */
  countdown = Number.POSITIVE_INFINITY;
  /** Of how many deliveries one is recorded. A prime above 1, so that it does not fall in step with a window. */
  sampleEvery = 1;

  /** Begins a window of measurement. Failures stay. */
  reset(): void {
    this.sent = 0;
    this.acknowledged = 0;
    this.refused = 0;
    this.refusal = '';
    this.deliveries = 0;
    this.bytes = 0;
    this.countdown = this.sampleEvery;
    this.delivery.reset();
    this.acknowledgement.reset();
  }
}
