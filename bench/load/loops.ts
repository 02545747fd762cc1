import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';
import type { Meter } from './meter.ts';
import type { FillRequest, FillResult, LoadResult } from './operations.ts';

/** Told at the two edges of the window of measurement, so that the server can be watched between them. */
export type OnEdge = (edge: 'begin' | 'end') => void;

const WARM_UP_SHARE = 0.25;
const DRAIN_LIMIT_MS = 10_000;
const FILL_LIMIT_MS = 600_000;
/** Of how many deliveries the latency of one is taken, when there are many. */
const SAMPLE = 17;

/** Warms up, measures for `seconds`, stops, and waits until everything that is due has come. */
async function measure(
  fleet: Fleet,
  seconds: number,
  load: { start(): void; stop(): void },
  onEdge: OnEdge,
): Promise<LoadResult> {
  const { meter } = fleet;
  const before = totals(fleet);
  meter.reset();
  load.start();
  await sleep(seconds * WARM_UP_SHARE * 1000);
  const warm = { delivered: meter.deliveries };
  onEdge('begin');
  meter.reset();
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await sleep(seconds * 1000);
  const elapsed = (performance.now() - begin) / 1000;
  const used = process.cpuUsage(cpu);
  const result = snapshot(meter, elapsed);
  onEdge('end');
  load.stop();
  const due = () => totals(fleet) - before;
  await drained(fleet, () => warm.delivered + meter.deliveries >= due());
  const missing = due() - warm.delivered - meter.deliveries;
  for (const sender of fleet.senders) sender.forget();
  return {
    ...result,
    missing,
    failed: meter.failed,
    failure: meter.failure,
    clientCpu: (used.user + used.system) / 1e6 / elapsed,
  };
}

/** How many deliveries the accepted messages of all senders amount to, since the beginning. */
function totals(fleet: Fleet): number {
  return fleet.senders.reduce((sum, sender, room) => sum + sender.accepted * (fleet.members[room] ?? 0), 0);
}

function snapshot(meter: Meter, seconds: number): Omit<LoadResult, 'missing' | 'failed' | 'failure' | 'clientCpu'> {
  return {
    seconds,
    sent: meter.sent,
    acknowledged: meter.acknowledged,
    refused: meter.refused,
    refusal: meter.refusal,
    deliveries: meter.deliveries,
    bytes: meter.bytes,
    delivery: { p50: meter.delivery.quantile(0.5), p99: meter.delivery.quantile(0.99) },
    acknowledgement: { p50: meter.acknowledgement.quantile(0.5), p99: meter.acknowledgement.quantile(0.99) },
  };
}

async function drained(fleet: Fleet, complete: () => boolean): Promise<void> {
  const limit = performance.now() + DRAIN_LIMIT_MS;
  while (performance.now() < limit) {
    if (fleet.senders.every((sender) => sender.unanswered === 0) && complete()) return;
    await sleep(10);
  }
}

/** Each sender keeps `window` messages outstanding: it sends the next when one of its own came back. */
export function closedLoop(fleet: Fleet, window: number, seconds: number, onEdge: OnEdge): Promise<LoadResult> {
  fleet.meter.sampleEvery = fleet.clients.length >= 100 ? SAMPLE : 1;
  const start = () => {
    for (const sender of fleet.senders) {
      sender.onFree = () => {
        if (sender.undelivered < window) sender.post();
      };
      for (let i = 0; i < window; i++) sender.post();
    }
  };
  return measure(fleet, seconds, { start, stop: () => silence(fleet) }, onEdge);
}

/** `rate` messages a second from the senders in turn. A message is stamped with the time at which it was due. */
export function openLoop(fleet: Fleet, rate: number, seconds: number, onEdge: OnEdge): Promise<LoadResult> {
  fleet.meter.sampleEvery = 1;
  let timer: NodeJS.Timeout | undefined;
  const start = () => {
    const interval = 1000 / rate;
    let due = performance.now();
    let turn = 0;
    timer = setInterval(() => {
      const now = performance.now();
      for (; due <= now; due += interval) fleet.senders[turn++ % fleet.senders.length]?.post(due);
    }, 1);
  };
  return measure(fleet, seconds, { start, stop: () => clearInterval(timer) }, onEdge);
}

/** The first sender alone, with one message on its way at a time. */
export function loneLoop(fleet: Fleet, seconds: number, onEdge: OnEdge): Promise<LoadResult> {
  const sender = fleet.senders[0];
  if (!sender) throw new Error('there is no sender');
  fleet.meter.sampleEvery = 1;
  const start = () => {
    sender.onAnswer = () => sender.post();
    sender.post();
  };
  return measure(fleet, seconds, { start, stop: () => silence(fleet) }, onEdge);
}

/** Sends `messages` messages in all, `window` outstanding a sender, and resolves when all are answered. */
export async function fill(fleet: Fleet, request: FillRequest): Promise<FillResult> {
  const { meter, senders } = fleet;
  const begin = performance.now();
  meter.reset();
  for (const sender of senders) {
    sender.onAnswer = () => {
      if (meter.sent < request.messages + meter.refused) sender.post();
    };
  }
  for (let i = 0; i < request.window; i++) {
    for (const sender of senders) if (meter.sent < request.messages) sender.post();
  }
  while (meter.acknowledged < request.messages) {
    if (meter.failed > 0) throw new Error(`while filling: ${meter.failure}`);
    if (performance.now() - begin > FILL_LIMIT_MS) {
      throw new Error(`filling: ${meter.acknowledged} of ${request.messages} messages after ${FILL_LIMIT_MS / 1000} s`);
    }
    await sleep(2);
  }
  silence(fleet);
  await drained(fleet, () => true);
  for (const sender of senders) sender.forget();
  return { seconds: (performance.now() - begin) / 1000, messages: request.messages };
}

function silence(fleet: Fleet): void {
  for (const sender of fleet.senders) {
    sender.onFree = null;
    sender.onAnswer = null;
  }
}
