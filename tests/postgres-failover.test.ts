import { describe, expect, it } from 'vitest';
import { connect } from './support/client.ts';
import { startPostgres } from './support/postgres.ts';
import { createDatabase } from './support/postgres-databases.ts';
import { findPostgres } from './support/postgres-programs.ts';
import { spawnServer } from './support/process.ts';
import { SwitchProxy } from './support/sdk.ts';

describe.skipIf(findPostgres() === undefined)('a failover to a standby', () => {
  it('ends the server, which then serves all that was acknowledged, as another history', async () => {
    await using primary = await startPostgres();
    await using standby = await primary.standby();
    // What is acknowledged is on both.
    await primary.configure({ synchronous_standby_names: '*' });
    await primary.admin((client) => client.query('SELECT pg_reload_conf()'));
    const database = await createDatabase(primary.url());
    let { port } = primary;
    await using address = await SwitchProxy.start(() => port);
    const url = new URL(database.url);
    url.port = new URL(address.url).port;
    await using server = await spawnServer({ DATABASE_URL: url.href });
    const ada = await connect(server, { username: 'ada' });
    const room = await ada.createRoom();
    const said = await Promise.all(Array.from({ length: 50 }, (_, i) => ada.say(room, `${i}`)));

    await primary.stop('immediate');
    await standby.promote();
    ({ port } = standby);
    expect(await server.program.ended()).toEqual({ code: 1, signal: null });
    expect(server.program.stderr).toContain('another history');

    await server.start();
    const back = await connect(server, { token: ada.me.token });
    expect(back.me.epoch).not.toBe(ada.me.epoch);
    const { messages } = await back.ok('get_messages', { room_id: room.id, limit: 100 });
    expect(messages.slice(-50)).toEqual(said);
    expect((await back.say(room, 'on it goes')).seq).toBe(52);
  });
});
