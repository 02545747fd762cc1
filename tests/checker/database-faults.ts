import { setTimeout as delay } from 'node:timers/promises';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { createDatabase } from '../support/postgres-databases.ts';
import { healthIs, loaded } from './loaded.ts';
import { play, type Stage } from './run.ts';
import type { Scenario } from './scenario.ts';

/** Longer than the server waits for a word of its database, in milliseconds. */
const SILENCE_MS = 16_000;

/** What the body of these scenarios works with: a PostgreSQL of the server's own. */
interface DatabaseStage extends Stage {
  readonly postgres: Postgres;
}

/** A scenario in which it is the PostgreSQL that fails. */
function databaseScenario(
  name: string,
  { strikes, load }: { strikes: number; load: number },
  strike: (stage: DatabaseStage) => Promise<void>,
): Scenario {
  return {
    name,
    strikes,
    load,
    async run(options) {
      await using postgres = await startPostgres();
      await using database = await createDatabase(postgres.url());
      return await play({ name, server: { databaseUrl: database.url } }, options, async (stage) => {
        stage.workload.start();
        for (let i = 0; i < options.size.strikes; i++) {
          await loaded(stage.world, options.size.load);
          await strike({ ...stage, postgres });
          stage.count('strikes');
        }
        await loaded(stage.world, options.size.load);
        await healthIs(stage.world, 'up');
      });
    },
  };
}

/** The database server crashes, in COMMIT as likely as not, and is back a moment later. */
const crash = databaseScenario('database-crash', { strikes: 4, load: 200 }, async ({ world, postgres }) => {
  await postgres.stop('immediate');
  await delay(world.random.whole(0, 300));
  await postgres.start();
});

/** Connections of the server to its database are ended, again and again. */
const cut = databaseScenario('database-cut', { strikes: 10, load: 60 }, async ({ postgres, count }) => {
  count('connections ended', await postgres.terminateBackends());
});

/** The database server stands still, for so long that the server gives its connections up. */
const hang = databaseScenario('database-hang', { strikes: 1, load: 200 }, async ({ world, postgres }) => {
  postgres.pause();
  await healthIs(world, 'down');
  await delay(world.random.whole(0, SILENCE_MS));
  postgres.resume();
});

/** What only a server with PostgreSQL meets. */
export const DATABASE_SCENARIOS: readonly Scenario[] = [crash, cut, hang];
