import { expect, it } from 'vitest';
import { Clock } from './clock.ts';

/** A clock over two that the test sets, and what it told. */
function create() {
  const state = { wall: 1_000_000, uptime: 5 };
  const told: [number, number][] = [];
  const clock = new Clock({ wall: () => state.wall, uptime: () => state.uptime });
  clock.onBack = (at, by) => told.push([at, by]);
  const pass = (wall: number, uptime = wall) => {
    state.wall += wall;
    state.uptime += uptime;
    return clock.now();
  };
  return { told, pass };
}

it('tells each step back once, and what came before it', () => {
  const { told, pass } = create();
  expect(pass(1_000)).toBe(1_001_000);
  expect(pass(-600, 400)).toBe(1_000_400);
  expect(told).toEqual([[1_000_400, 1_000]]);
  for (let i = 0; i < 10; i++) pass(100);
  pass(-86_400_000, 0);
  expect(told).toEqual([
    [1_000_400, 1_000],
    [1_001_400 - 86_400_000, 86_400_000],
  ]);
});

it('tells nothing of a clock that is set forward, goes on, or is read with little care', () => {
  const { told, pass } = create();
  pass(86_400_000, 1);
  for (let i = 0; i < 100; i++) pass(i % 2 === 0 ? 100 : -99, 1);
  expect(told).toEqual([]);
});

it('adds up small steps back', () => {
  const { told, pass } = create();
  for (let i = 0; i < 6; i++) pass(0, 100);
  expect(told).toEqual([
    [1_000_000, 300],
    [1_000_000, 300],
  ]);
});
