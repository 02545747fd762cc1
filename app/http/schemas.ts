import { z } from 'zod';
import { HandshakeAuth, Refused } from '../../protocol/index.ts';

/** The parts of JSON Schema (draft 7) that the protocol's schemas turn into. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

/** Where the shared schemas stand in an API document. */
export const COMPONENTS = '#/components/schemas/';

/** The name of the shared schema that a `$ref` points at. */
export const refName = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

/**
 * Turns protocol schemas into JSON Schema, as a client writes and reads them. Schemas with an id (User, Room, …) become
 * `$ref`s and are gathered in `components`. Draft 7, because that is what AsyncAPI 3 reads without being told.
 */
export class SchemaSet {
  readonly #components = new Map<string, JsonSchema>();

  /** The JSON Schema of one Zod schema; a plain `$ref` when it has an id. */
  add(schema: z.ZodType): JsonSchema {
    const { $schema, definitions, ...root } = z.toJSONSchema(schema, {
      io: 'input',
      target: 'draft-7',
      override: ({ jsonSchema }) => {
        // That a number fits JavaScript is no news to a client.
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      },
    });
    for (const [name, definition] of Object.entries(definitions ?? {})) {
      this.#components.set(name, withComponentRefs(definition));
    }
    return withComponentRefs(root);
  }

  /** The shared schemas that were met so far, by name. */
  get components(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => a.localeCompare(b, 'en')));
  }
}

/** A copy with each `#/definitions/X` pointing into the components; the text is our own, so a textual change is safe. */
function withComponentRefs(schema: unknown): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value) =>
    key === '$ref' && typeof value === 'string' ? COMPONENTS + refName(value) : value,
  );
}

/** The schema of an acknowledgement: `{ ok: true }` and the result, or the refusal. */
export function answerSchema(set: SchemaSet, result: z.ZodType): JsonSchema {
  const { additionalProperties, ...success } = set.add(result);
  return {
    oneOf: [
      {
        ...success,
        type: 'object',
        properties: { ok: { const: true }, ...success.properties },
        required: ['ok', ...(success.required ?? [])],
      },
      set.add(Refused),
    ],
  };
}

/** Adds the shapes that every connection may meet: the handshake's `auth` and the refusal. */
export function addCommonSchemas(set: SchemaSet): void {
  set.add(HandshakeAuth);
  set.add(Refused);
}
