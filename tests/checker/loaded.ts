import { setTimeout as delay } from 'node:timers/promises';
import type { World } from './world.ts';

/** How long anything may take that a scenario waits for, in milliseconds. */
export const PATIENCE_MS = 40_000;

/** Waits until so many more commands have been acknowledged. */
export async function loaded(world: World, commands: number): Promise<void> {
  const goal = world.recorder.acknowledged + commands;
  const reached = await world.eventually(() => world.recorder.acknowledged >= goal, PATIENCE_MS);
  if (!reached) world.recorder.fault(`${commands} commands were not acknowledged in ${PATIENCE_MS} ms`);
}

const HEALTH_MS = 20_000;

/** Waits until `/health` tells a state. */
export async function healthIs({ server, recorder }: World, state: string): Promise<void> {
  const end = performance.now() + HEALTH_MS;
  let last = '';
  while (last !== state && performance.now() < end) {
    const response = await fetch(`${server.url}/health`);
    last = ((await response.json()) as { status: string }).status;
    await delay(100);
  }
  if (last !== state) recorder.fault(`/health says ${last} after ${HEALTH_MS} ms, where it should say ${state}`);
}
