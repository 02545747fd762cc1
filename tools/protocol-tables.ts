import { z } from 'zod';
import { type JsonSchema, refName } from '../app/http/schemas.ts';
import {
  CAPS,
  COMMAND_NAMES,
  COMMANDS,
  ERROR_CODES,
  ERRORS,
  EVENT_NAMES,
  EVENTS,
  LIMIT_TABLE,
  RATE_NAMES,
  RATES,
  type Rate,
  type RateName,
} from '../protocol/index.ts';

const code = (text: string) => `\`${text}\``;
const codes = (names: readonly string[]) => names.map(code).join(', ');
const number = (value: number) => value.toLocaleString('en');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** What a schema holds, shortly: `{ name, type?: 'public' }`; undefined where the name of the field says enough. */
function shape(schema: JsonSchema): string | undefined {
  if (schema.$ref !== undefined) return refName(schema.$ref);
  if (schema.anyOf !== undefined) {
    const shapes = schema.anyOf.map(shape);
    return shapes.includes(undefined) ? undefined : shapes.join(' | ');
  }
  if (schema.items !== undefined) {
    const item = shape(schema.items);
    return item?.startsWith('{') ? `[${item}]` : item && `${item}[]`;
  }
  if (schema.properties === undefined) return undefined;
  const fields = Object.entries(schema.properties).map(([name, field]) => {
    const optional = schema.required?.includes(name) ? '' : '?';
    const given = field.const ?? field.default;
    const inner = given === undefined ? shape(field) : JSON.stringify(given).replaceAll('"', "'");
    // A model is told by the name of the field.
    return `${name}${optional}${inner === undefined || /^[A-Z]/.test(inner) ? '' : `: ${inner}`}`;
  });
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

const shapeOf = (schema: z.ZodType, io: 'input' | 'output') =>
  code(shape(z.toJSONSchema(schema, { io }) as JsonSchema) ?? '');

function commands(): string {
  const rows = COMMAND_NAMES.map((name) => {
    const { needs, payload, result, errors, causes } = COMMANDS[name];
    const shapes = [shapeOf(payload, 'input'), shapeOf(result, 'output')];
    return [code(name), needs, ...shapes, codes(errors), codes(causes)];
  });
  const rules = COMMAND_NAMES.map((name) => `- **${code(name)}** ${COMMANDS[name].description}`);
  const head = ['command', 'who may', 'payload', 'result', 'refusals of its own', 'events'];
  return `${table(head, rows)}\n\n${rules.join('\n')}`;
}

function events(): string {
  const rows = EVENT_NAMES.map((name) => [code(name), shapeOf(EVENTS[name].payload, 'output'), EVENTS[name].to]);
  return table(['event', 'payload', 'to'], rows);
}

function limits(): string {
  const rows = Object.entries(LIMIT_TABLE).map(([name, { value, what }]) => [code(name), number(value), what.en]);
  return table(['limit', 'value', 'what it bounds'], rows);
}

/** The commands that count for a rate. */
function countedFor(name: RateName): string {
  const { field }: Rate = RATES[name];
  const counted = COMMAND_NAMES.filter((command) => COMMANDS[command].rates.some((rate) => rate === name));
  return codes(counted) + (field === undefined ? '' : ` with ${code(field)}`);
}

function rates(): string {
  const rows = RATE_NAMES.map((name) => {
    const { count, period, burst, per, what } = RATES[name];
    const often = `${number(count)} ${period === 'hour' ? 'an' : 'a'} ${period}`;
    return [code(name), often, number(burst), per, what.en, countedFor(name)];
  });
  return table(['rate', 'in the long run', 'at once', 'of a', 'what is counted', 'by'], rows);
}

function caps(): string {
  const rows = Object.entries(CAPS).map(([name, { value, what, above }]) => [
    code(name),
    number(value),
    what.en,
    above,
  ]);
  return table(['cap', 'value', 'what it bounds', 'what happens above it'], rows);
}

function errors(): string {
  const rows = ERROR_CODES.map((name) => [code(name), ERRORS[name].description, ERRORS[name].retryable ? 'yes' : 'no']);
  return table(['code', 'meaning', 'worth repeating unchanged'], rows);
}

/** The parts of docs/protocol.md that follow from the declarations, by the name in their markers. */
const PARTS: Readonly<Record<string, () => string>> = { commands, events, limits, rates, caps, errors };

/**
 * A document with each part between `<!-- NAME -->` and `<!-- /NAME -->` made anew.
 * @throws Error when a marker is missing
 */
export function withTables(text: string): string {
  return Object.entries(PARTS).reduce((document, [name, part]) => {
    const [begin, end] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`];
    const [from, to] = [document.indexOf(begin), document.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`There is no part "${name}" between its markers.`);
    return `${document.slice(0, from + begin.length)}\n${part()}\n${document.slice(to)}`;
  }, text);
}
