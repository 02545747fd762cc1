import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

/** The value of the line that starts with `series`, or undefined. */
function value(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('createMetrics', () => {
  it('counts and times commands by name and result, once however often it is read', async () => {
    const metrics = createMetrics();
    metrics.command('send_message', 'ok', 0.003);
    metrics.command('send_message', 'ok', 0.004);
    metrics.command('send_message', 'NOT_A_MEMBER', 0.0001);
    await metrics.registry.metrics();
    metrics.command('send_message', 'ok', 4);
    const text = await metrics.registry.metrics();

    expect(value(text, 'sohbet_commands_total{command="send_message",result="ok"}')).toBe(3);
    expect(value(text, 'sohbet_commands_total{command="send_message",result="NOT_A_MEMBER"}')).toBe(1);
    expect(value(text, 'sohbet_command_duration_seconds_count{command="send_message"}')).toBe(4);
    expect(value(text, 'sohbet_command_duration_seconds_bucket{le="0.0005",command="send_message"}')).toBe(1);
    expect(value(text, 'sohbet_command_duration_seconds_bucket{le="0.005",command="send_message"}')).toBe(3);
    expect(value(text, 'sohbet_command_duration_seconds_bucket{le="5",command="send_message"}')).toBe(4);
  });

  it('keeps two servers in one process apart', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.connections.inc(2);
    one.command('sync', 'ok', 0.01);
    expect(value(await one.registry.metrics(), 'sohbet_connections')).toBe(2);
    const text = await other.registry.metrics();
    expect(value(text, 'sohbet_connections')).toBe(0);
    expect(text).not.toContain('command="sync"');
  });

  it('tells of the store, delivery, the event loop and the process', async () => {
    const metrics = createMetrics();
    metrics.commitBatch.observe(64);
    metrics.commitSeconds.observe(0.002);
    metrics.writeQueue.set(7);
    metrics.readQueue.set(3);
    metrics.entriesDelivered.inc(100);
    metrics.gapReads.inc();
    metrics.slowClients.inc();
    metrics.signedIn.inc();
    metrics.usersOnline.set(5);
    const text = await metrics.registry.metrics();

    expect(value(text, 'sohbet_commit_batch_writes_bucket{le="50"}')).toBe(0);
    expect(value(text, 'sohbet_commit_batch_writes_bucket{le="100"}')).toBe(1);
    expect(value(text, 'sohbet_commit_duration_seconds_count')).toBe(1);
    expect(value(text, 'sohbet_write_queue_writes')).toBe(7);
    expect(value(text, 'sohbet_read_queue_reads')).toBe(3);
    expect(value(text, 'sohbet_entries_delivered_total')).toBe(100);
    expect(value(text, 'sohbet_gap_reads_total')).toBe(1);
    expect(value(text, 'sohbet_slow_clients_total')).toBe(1);
    expect(value(text, 'sohbet_connections_signed_in')).toBe(1);
    expect(value(text, 'sohbet_users_online')).toBe(5);
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(text).toContain('process_resident_memory_bytes');
  });
});
