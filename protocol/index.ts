/**
 * The wire protocol, declared once: every command, event, model, error code and limit. Types, validation, the API
 * documents, the docs pages and the SDK's types are derived from here. It uses no Node built-in.
 */
export * from './answer.ts';
export * from './code-points.ts';
export * from './commands.ts';
export * from './define.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './fault.ts';
export { Id, LogNumber, Time, text } from './fields.ts';
export * from './limits.ts';
export { Message, System } from './message.ts';
export * from './rates.ts';
export { Room, RoomType } from './room.ts';
export { ClientInfo, HandshakeAuth } from './session.ts';
export { User } from './user.ts';
export * from './version.ts';
export * from './words.ts';
