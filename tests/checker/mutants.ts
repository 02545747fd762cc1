import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FindingKind } from './findings.ts';
import type { Report } from './run.ts';
import type { Scenario } from './scenario.ts';
import { beside, connections, kill, removals } from './scenarios.ts';

/** One place in a source file that is changed; `from` must be there exactly once. */
interface Patch {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A server that breaks the promise on purpose. */
export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Where it shows. */
  readonly scenario: Scenario;
  readonly strikes: number;
  /** What the checker has to find, beside whatever else it finds: a kind, and what a counterexample of it says. */
  readonly kind: FindingKind;
  readonly says: RegExp;
}

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** The five ways in which the checker is proved to be able to fail. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'acknowledge before COMMIT',
    patches: [
      {
        file: 'app/stores/sqlite/database.ts',
        from: '    this.#rollBack();\n    this.exec(',
        to: '    if (!this.#connection.isTransaction) this.exec(',
      },
      {
        file: 'app/stores/sqlite/database.ts',
        from: "      this.exec('COMMIT');\n      return result;",
        to:
          '      const isSend = ({ value }) => value?.message !== undefined;\n' +
          "      if (!result?.replies?.some(isSend)) this.exec('COMMIT');\n" +
          "      else setTimeout(() => this.#connection.isTransaction && this.exec('COMMIT'), 30);\n      return result;",
      },
      {
        file: 'app/stores/postgres/transact.ts',
        from: '    const { notifies, statements } = this.#options;\n    const [committed',
        to:
          '    const { notifies, statements } = this.#options;\n' +
          '    if (written.replies.some(({ value }) => value?.message !== undefined)) {\n' +
          '      await Promise.all(this.#connection.together(() => this.#write()));\n' +
          "      setTimeout(() => this.#connection.run('COMMIT').catch(() => {}), 30);\n" +
          '      return written;\n' +
          '    }\n    const [committed',
      },
    ],
    scenario: kill,
    strikes: 2,
    kind: 'lost',
    says: /is not in the database|there is no such message|was known before/,
  },
  {
    name: "skip the tail's gap read",
    patches: [
      {
        file: 'app/services/log/room-log.ts',
        from: '      this.#held.set(rev, entry);\n      if (this.#retry === undefined) void this.readMissing();\n      return;\n',
        to: '',
      },
    ],
    scenario: beside,
    strikes: 5,
    kind: 'gap',
    says: /was delivered after \d+, without #/,
  },
  {
    name: 'drop the unique key on client_id',
    patches: [
      {
        file: 'app/stores/sqlite/migrations/0001-tables.sql',
        from: 'CREATE UNIQUE INDEX messages_by_client_id',
        to: 'CREATE INDEX messages_by_client_id',
      },
      {
        file: 'app/stores/postgres/migrations/0001-tables.sql',
        from: 'CREATE UNIQUE INDEX messages_by_client_id',
        to: 'CREATE INDEX messages_by_client_id',
      },
      {
        file: 'app/stores/writes/message.ts',
        from: '      if (before !== undefined && facts.room !== undefined) return { message: toMessage(before), duplicate: true };\n',
        to: '',
      },
    ],
    scenario: connections,
    strikes: 1,
    kind: 'doubled',
    says: /two messages with the same key/,
  },
  {
    name: 'check membership only before the commit',
    patches: [
      {
        file: 'app/stores/writes/message.ts',
        from: 'append(tx, requireMember(facts), newMessage(input), input.at)',
        to: 'append(tx, requireMember({ ...facts, member: true }), newMessage(input), input.at)',
      },
      {
        file: 'app/services/message.ts',
        from: '    send_message({',
        to: '    async send_message({',
      },
      {
        file: 'app/services/message.ts',
        from: '      return messages.send({',
        to: '      await store.rooms.requireMember({ room_id, user_id: user.id });\n' + '      return messages.send({',
      },
    ],
    scenario: removals,
    strikes: 6,
    kind: 'unauthorised',
    says: /was made by someone who was no member/,
  },
  {
    name: 'deliver before cutting over',
    patches: [
      {
        file: 'app/services/log/cut-over.ts',
        from: '      const snapshot = await this.#options.store.rooms.snapshot({ room_id, user_id: user.id });\n      answer(snapshot);',
        to:
          '      if (log !== undefined) this.#options.delivery.subscribe(room_id, connection);\n' +
          '      await new Promise((resolve) => setTimeout(resolve, 10));\n' +
          '      const snapshot = await this.#options.store.rooms.snapshot({ room_id, user_id: user.id });\n' +
          '      answer(snapshot);',
      },
    ],
    scenario: connections,
    strikes: 2,
    kind: 'reordered',
    says: /was delivered before any snapshot/,
  },
];

/**
 * Runs a mutant's scenario on a copy of the server that has its patches.
 * @throws Error when a patch does not apply any more
 */
export async function runMutant(mutant: Mutant, seed: number): Promise<Report> {
  const program = await mkdtemp(join(tmpdir(), 'sohbet-mutant-'));
  try {
    for (const part of ['app', 'protocol', 'package.json']) {
      await cp(join(REPOSITORY, part), join(program, part), { recursive: true });
    }
    await symlink(join(REPOSITORY, 'node_modules'), join(program, 'node_modules'));
    for (const patch of mutant.patches) await apply(program, patch);
    const { scenario, strikes } = mutant;
    return await scenario.run({ seed, program, size: { strikes, load: scenario.load } });
  } finally {
    await rm(program, { recursive: true, force: true });
  }
}

async function apply(program: string, { file, from, to }: Patch): Promise<void> {
  const path = join(program, file);
  const text = await readFile(path, 'utf8');
  const places = text.split(from).length - 1;
  if (places !== 1) throw new Error(`${file} has ${places} places, not one, where this stands:\n${from}`);
  await writeFile(
    path,
    text.replace(from, () => to),
  );
}
