import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const COMMAND_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/**
 * Counts commands in plain numbers, which the counter takes over when it is read: a command then costs the counter
 * one map look-up instead of the checks and the string building of prom-client.
 */
function commandCounter(registers: Registry[]) {
  const tallies = new Map<string, Map<string, number>>();
  const counter = new Counter({
    name: 'sohbet_commands_total',
    help: 'Commands answered, by name and result (ok or the error code).',
    labelNames: ['command', 'result'] as const,
    registers,
    collect() {
      for (const [command, results] of tallies) {
        for (const [result, count] of results) this.inc({ command, result }, count);
        results.clear();
      }
    },
  });
  const count = (command: string, result: string) => {
    const results = tallies.get(command) ?? new Map<string, number>();
    results.set(result, (results.get(result) ?? 0) + 1);
    tallies.set(command, results);
  };
  return { counter, count };
}

function commandHistogram(registers: Registry[]) {
  const histogram = new Histogram({
    name: 'sohbet_command_duration_seconds',
    help: 'From the arrival of a command to its answer, by name.',
    labelNames: ['command'] as const,
    buckets: COMMAND_BUCKETS,
    registers,
  });
  const children = new Map<string, { observe(seconds: number): void }>();
  const observe = (command: string, seconds: number) => {
    const child = children.get(command) ?? histogram.labels(command);
    child.observe(seconds);
    children.set(command, child);
  };
  return { histogram, observe };
}

/**
 * Makes the metrics of one server, in a registry of their own, with the process and event-loop metrics that Prometheus
 * clients share (`process_*`, `nodejs_*`). Durations are in seconds, sizes in bytes or items.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const { counter: commands, count } = commandCounter(registers);
  const { histogram: commandSeconds, observe } = commandHistogram(registers);

  return {
    /** All of them; `registry.metrics()` gives the text that Prometheus reads. */
    registry,
    /** Socket.IO connections open now, signed in or not. */
    connections: gauge('sohbet_connections', 'Socket.IO connections open now.'),
    /** Connections that have signed in. */
    signedIn: gauge('sohbet_connections_signed_in', 'Socket.IO connections that have signed in.'),
    /** Users online now, the grace included. */
    usersOnline: gauge('sohbet_users_online', 'Users online now, the grace after a lost connection included.'),
    /** Commands answered, by `command` and `result`. Count with `command()`. */
    commands,
    /** How long commands take, by `command`. Observe with `command()`. */
    commandSeconds,
    /** How many writes went into one commit. */
    commitBatch: new Histogram({
      name: 'sohbet_commit_batch_writes',
      help: 'Writes in one commit.',
      buckets: BATCH_BUCKETS,
      registers,
    }),
    /** How long one transaction took, its COMMIT included. */
    commitSeconds: new Histogram({
      name: 'sohbet_commit_duration_seconds',
      help: 'One transaction of the store, its COMMIT included.',
      buckets: COMMAND_BUCKETS,
      registers,
    }),
    /** Writes waiting for a commit. */
    writeQueue: gauge('sohbet_write_queue_writes', 'Writes waiting for a commit.'),
    /** Reads waiting for the store. */
    readQueue: gauge('sohbet_read_queue_reads', 'Reads waiting for the store.'),
    /** Rows that a write read without declaring them, each of which costs a round trip to PostgreSQL: a mistake of ours. */
    rowsLeftOut: counter('sohbet_rows_left_out_total', 'Rows that a write read without declaring them: a mistake.'),
    /** Log entries handed to sockets: one entry to a hundred sockets counts a hundred. */
    entriesDelivered: counter('sohbet_entries_delivered_total', 'Log entries handed to sockets, once for each socket.'),
    /** Times a room's tail had to read missing entries from the store. */
    gapReads: counter('sohbet_gap_reads_total', 'Reads of entries that a room was missing.'),
    /** Connections ended because they read too slowly. */
    slowClients: counter('sohbet_slow_clients_total', 'Connections ended because they read too slowly.'),
    /** Commands refused because they came too often, by `rate`. */
    rateLimited: new Counter({
      name: 'sohbet_rate_limited_total',
      help: 'Commands refused because they came too often, by the name of the rate.',
      labelNames: ['rate'] as const,
      registers,
    }),
    /** Sign-ins and syncs that were sent away because the server was busy, by `command`. */
    sentAway: new Counter({
      name: 'sohbet_sent_away_total',
      help: 'Commands sent away for a while because too many came at once, by name.',
      labelNames: ['command'] as const,
      registers,
    }),
    /** Handshakes and TCP connections refused because their address had too many. */
    connectionsRefused: counter('sohbet_connections_refused_total', 'Connections refused for their address.'),
    /** Connections ended because they sent far more than they may. */
    floods: counter('sohbet_floods_total', 'Connections ended because they sent far more than they may.'),
    /** Connections ended because they did not sign in. */
    signInTimeouts: counter('sohbet_sign_in_timeouts_total', 'Connections ended because they did not sign in in time.'),
    /**
     * Counts one answered command and its time in seconds. `result` is `ok` or the error code. A name that is no
     * command must be given as one fixed word, or clients could make labels without end.
     */
    command(name: string, result: string, seconds: number): void {
      count(name, result);
      observe(name, seconds);
    },
  };
}

/** The metrics of one server. */
export type Metrics = ReturnType<typeof createMetrics>;
