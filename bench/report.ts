import { cpus, totalmem } from 'node:os';
import { pinning } from './processes.ts';

/** One result: a table for people, and the numbers behind it for programs. */
export interface Table {
  title: string;
  columns: string[];
  rows: string[][];
  /** Lines below the table. */
  notes: string[];
  data: unknown;
}

/** The median; NaN of nothing. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** A number with three significant digits, and `k` or `M` where it is long. */
export function short(value: number): string {
  if (Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)} k`;
  if (size >= 100) return value.toFixed(0);
  return Number(value.toPrecision(3)).toString();
}

/** Median with the least and the greatest: `12.3 (11–14)`. */
export function spread(values: number[]): string {
  if (values.length < 2) return short(median(values));
  return `${short(median(values))} (${short(Math.min(...values))}–${short(Math.max(...values))})`;
}

/** Bytes as mebibytes. */
export function mebibytes(bytes: number): string {
  return Number.isNaN(bytes) ? '–' : (bytes / 1_048_576).toFixed(1);
}

/** Bytes as kibibytes. */
export function kibibytes(bytes: number): string {
  return Number.isNaN(bytes) ? '–' : (bytes / 1024).toFixed(1);
}

/** The ratios of two series of rounds, round by round. */
function ratios(ours: number[], theirs: number[]): number[] {
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
}

/** `sohbet / stock: 12.3 (11.1–13.9)`: the ratio of the medians, and the range of the ratios of the rounds. */
export function ratioLine(what: string, ours: number[], theirs: number[]): string {
  const byRound = ratios(ours, theirs);
  const range =
    byRound.length > 1 ? ` (${Math.min(...byRound).toFixed(2)}–${Math.max(...byRound).toFixed(2)} by round)` : '';
  return `${what}: ${(median(ours) / median(theirs)).toFixed(2)}${range}`;
}

/** Prints a table in aligned columns: text to the left, numbers to the right. */
export function print(table: Table): void {
  const lines = [table.columns, ...table.rows];
  const widths = table.columns.map((_name, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  console.log(`\n${table.title}`);
  for (const line of lines) {
    const cells = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(`  ${cells.join('  ')}`.trimEnd());
  }
  for (const note of table.notes) console.log(`  ${note}`);
}

/** The machine, the date and the command, in one line each. */
export function machine(): { machine: string; pinned: string; command: string } {
  const [first] = cpus();
  const gigabytes = (totalmem() / 1_073_741_824).toFixed(0);
  return {
    machine:
      `${cpus().length} cores, ${first?.model ?? 'unknown processor'}, ${gigabytes} GiB, ${process.platform} ` +
      `${process.arch}, Node ${process.version}, ${new Date().toISOString().slice(0, 16)}Z`,
    pinned: pinning() ? 'servers with their workers on core 0, the load client on core 1' : 'nothing',
    command: ['node bench/main.ts', ...process.argv.slice(2)].join(' '),
  };
}
