/**
 * The wire protocol, declared once: every command, event, model, error code and limit. Types, validation, the API
 * documents, the docs pages and the SDK's types are derived from here. It uses no Node built-in.
 */
export * from './answer.ts';
export * from './commands.ts';
export * from './define.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './fault.ts';
export * from './limits.ts';
export * from './models.ts';
export * from './names.ts';
export * from './rates.ts';
export * from './words.ts';
