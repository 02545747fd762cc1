/** What the bench asks of its load client over the IPC channel, and what it answers. Times are in seconds unless named. */

/** Connects `connections` clients and spreads them over `rooms` rooms; the first of each room makes it and sends. */
export interface ConnectRequest {
  op: 'connect';
  port: number;
  connections: number;
  rooms: number;
  /** Bytes of content a message. */
  body: number;
}

/** Closed loop: each sender keeps `window` messages outstanding. A warm-up of a quarter of `seconds` comes first. */
export interface ClosedRequest {
  op: 'closed';
  window: number;
  seconds: number;
}

/** Open loop: `rate` messages a second in all, in turn from each sender, whatever comes back. */
export interface OpenRequest {
  op: 'open';
  rate: number;
  seconds: number;
}

/** The first sender alone, one message at a time, the next one when it was answered. */
export interface LoneRequest {
  op: 'lone';
  seconds: number;
}

/** Sends `messages` messages in all and waits until all are answered. */
export interface FillRequest {
  op: 'fill';
  messages: number;
  window: number;
}

/** The second client of the first room syncs the last `missed` changes of that room, `repeats` times. */
export interface ResumeRequest {
  op: 'resume';
  missed: number;
  repeats: number;
}

/** All but the senders go away, each room gets `missed` messages, and all come back at once and sync. */
export interface StormRequest {
  op: 'storm';
  missed: number;
}

/** The last `clients` clients read no more from here on, and count no more. */
export interface DeafenRequest {
  op: 'deafen';
  clients: number;
}

/** One of the things a load client can be asked to do. */
export type Request =
  | ConnectRequest
  | ClosedRequest
  | OpenRequest
  | LoneRequest
  | FillRequest
  | ResumeRequest
  | StormRequest
  | DeafenRequest;

/** Latencies in milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
}

/** What was counted between the two edges of a window of measurement. */
export interface LoadResult {
  seconds: number;
  sent: number;
  acknowledged: number;
  refused: number;
  refusal: string;
  deliveries: number;
  bytes: number;
  /** From send to receipt at the receivers. */
  delivery: Latency;
  /** From send to acknowledgement. */
  acknowledgement: Latency;
  /** Deliveries that were due and did not come, over the whole round. */
  missing: number;
  /** Connections lost so far, and why the first one was. */
  failed: number;
  failure: string;
  /** Processor time of the load client as a share of the window: near 1 means that it was the bottleneck. */
  clientCpu: number;
}

/** The answer to a {@link ConnectRequest}. */
export interface ConnectResult {
  seconds: number;
  /** The first sender's token, room, and that room's members: what a later visit needs. */
  token: string;
  room: string;
}

/** The answer to a {@link FillRequest}. */
export interface FillResult {
  seconds: number;
  messages: number;
}

/** The answer to a {@link ResumeRequest}. */
export interface ResumeResult {
  /** Of one whole catch-up, all its pages: from the first request to the last answer. */
  whole: Latency;
  /** Of one page. */
  page: Latency;
  pages: number;
  messages: number;
  bytes: number;
}

/** The answer to a {@link StormRequest}. */
export interface StormResult {
  clients: number;
  /** From the first dial until the last client had everything. */
  seconds: number;
  /** From a client's own dial until it had everything. */
  client: Latency;
  messages: number;
  /** Answers that said `OVERLOADED` or `RATE_LIMITED`: the client waited as told and asked again. */
  deferred: number;
}

/** Request → answer. */
export interface Results {
  connect: ConnectResult;
  closed: LoadResult;
  open: LoadResult;
  lone: LoadResult;
  fill: FillResult;
  resume: ResumeResult;
  storm: StormResult;
  deafen: null;
}

/** What the load client sends back: the edges of the window, then the result or an error. */
export type Reply =
  | { type: 'window'; edge: 'begin' | 'end' }
  | { type: 'done'; result: Results[keyof Results] }
  | { type: 'error'; message: string };
