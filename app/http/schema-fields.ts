import { ERROR_CODES, Id, Time } from '../../protocol/index.ts';
import { toSource } from './highlight.ts';
import { type Html, type HtmlValue, html, joined } from './html.ts';
import { prose } from './prose.ts';
import { type JsonSchema, refName } from './schemas.ts';

/** The words that a list of fields needs. */
export interface FieldWords {
  readonly required: string;
  readonly optional: string;
  readonly byDefault: string;
  readonly nothing: string;
  readonly or: string;
  readonly characters: string;
  readonly items: string;
}

/** Who writes the value: a client must know what it has to give, and what it may not find. */
export type Writer = 'client' | 'server';

/** How fields are told. */
export interface FieldStyle {
  readonly words: FieldWords;
  readonly writer: Writer;
}

/** The schema itself where `allOf` only wraps it to carry a description. */
function unwrapped(schema: JsonSchema): JsonSchema {
  const [only, ...others] = schema.allOf ?? [];
  return only !== undefined && others.length === 0 ? { ...only, ...schema, allOf: [] } : schema;
}

const alternatives = (schema: JsonSchema) => schema.anyOf ?? schema.oneOf ?? [];

function range(min: number | undefined, max: number | undefined, unit: string): string | undefined {
  if (min === undefined && max === undefined) return undefined;
  const bounds = max === undefined ? `≥ ${min}` : min === undefined || min === max ? `≤ ${max}` : `${min} – ${max}`;
  return unit === '' ? bounds : `${bounds} ${unit}`;
}

/** The bounds of a value, shortly: `1 – 4000 characters`. */
function limits(schema: JsonSchema, words: FieldWords): string | undefined {
  return (
    range(schema.minLength, schema.maxLength, words.characters) ??
    range(schema.minItems, schema.maxItems, words.items) ??
    range(schema.minimum, schema.maximum, '')
  );
}

/** What kind of value a schema takes: a model, `id`, `time`, a list of one, or the JSON type. */
export function typeName(given: JsonSchema): HtmlValue {
  const schema = unwrapped(given);
  if (schema.$ref !== undefined) return html`<a href="#model-${refName(schema.$ref)}">${refName(schema.$ref)}</a>`;
  if (schema.const !== undefined) return toSource(schema.const, 'js');
  if (schema.enum?.length === ERROR_CODES.length) return html`<a href="#error-codes">error code</a>`;
  if (schema.enum) return schema.enum.map((value) => toSource(value, 'js')).join(' | ');
  if (schema.format === 'uuid') return html`<a href="#conventions">id</a>`;
  if (schema.format === 'date-time') return html`<a href="#conventions">time</a>`;
  const choices = alternatives(schema);
  if (choices.length > 0) return joined(choices.map(typeName), ' | ');
  if (schema.items) return html`${typeName(schema.items)}[]`;
  if (Array.isArray(schema.type)) return schema.type.join(' | ');
  if (typeof schema.additionalProperties === 'object') {
    return html`{ [name]: ${typeName(schema.additionalProperties)} }`;
  }
  return String(schema.type ?? 'any');
}

/** One field: its path in the object, and what it holds. */
export interface Field {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** The fields of an object, nested ones by their path: `server.protocol`, `rooms[].seq`. */
export function fieldsOf(given: JsonSchema, prefix = ''): Field[] {
  const schema = unwrapped(given);
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = prefix + name;
    const field = { path, schema: property, required: schema.required?.includes(name) ?? false };
    const item = property.items ?? property;
    return [field, ...fieldsOf(item, property.items ? `${path}[].` : `${path}.`)];
  });
}

/** What every id and every time is: told once, in the conventions. */
const GENERAL = new Set([Id.description, Time.description]);

/** One field as a row of a list: name, type, whether it is needed or may be absent, bounds, default, meaning. */
export function fieldRow({ path, schema, required }: Field, style: FieldStyle): Html {
  const { words, writer } = style;
  const bounds = limits(unwrapped(schema), words);
  const mark = writer === 'client' && html` <span class="required">${words.required}</span>`;
  const need = required ? mark : html` <span>${words.optional}</span>`;
  return html`<div><dt><code>${path}</code>${need}</dt><dd><p class="type"><code>${typeName(schema)}</code>${bounds !== undefined && html` <span>${bounds}</span>`}${schema.default !== undefined && html` <span>${words.byDefault} <code>${toSource(schema.default, 'js')}</code></span>`}</p>${!GENERAL.has(schema.description) && schema.description !== undefined && html`<p lang="en">${prose(schema.description)}</p>`}${variants(schema.items ?? schema, style)}</dd></div>`;
}

/** The fields of each alternative, where a value is one of several objects. */
function variants(schema: JsonSchema, style: FieldStyle): HtmlValue {
  const choices = alternatives(schema).filter((choice) => choice.properties);
  if (choices.length === 0) return false;
  const lists = choices.map((choice) => fieldList(choice, style.words, style.writer));
  return joined(lists, html`<p class="or">${style.words.or}</p>`);
}

/** The fields of a schema as a list. */
export function fieldList(schema: JsonSchema, words: FieldWords, writer: Writer): Html {
  if (schema.$ref !== undefined || schema.items) return html`<p class="type"><code>${typeName(schema)}</code></p>`;
  const style = { words, writer };
  const fields = fieldsOf(schema);
  if (fields.length > 0) return html`<dl class="fields">${fields.map((field) => fieldRow(field, style))}</dl>`;
  const choices = variants(schema, style);
  return choices === false ? html`<p class="none">${words.nothing}</p>` : html`${choices}`;
}
