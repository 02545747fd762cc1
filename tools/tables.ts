// Makes the tables of docs/protocol.md from the declarations in protocol/: npm run tables.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTables } from './protocol-tables.ts';

const file = join(import.meta.dirname, '../docs/protocol.md');
writeFileSync(file, withTables(readFileSync(file, 'utf8')));
