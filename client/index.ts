/** The public face of the package `sohbet-client`. */
export type { ErrorBody } from '../protocol/answer.ts';
export type { CommandName, CommandPayload, CommandResult } from '../protocol/commands.ts';
export type { ErrorCode, Locale } from '../protocol/errors.ts';
export type { EventName, EventPayload } from '../protocol/events.ts';
export type { Message, System } from '../protocol/message.ts';
export type { Room, RoomType } from '../protocol/room.ts';
export type { User } from '../protocol/user.ts';
export { Chat, createClient } from './chat.ts';
export type { Credentials, TransportOptions } from './connection.ts';
export type { ChatOptions, ChatSnapshot, ChatState } from './engine.ts';
export { ChatError, type ChatErrorCode, type LocalErrorCode } from './error.ts';
export type { Unsubscribe } from './observable.ts';
export { ChatRoom } from './room.ts';
export type { ChatMessage, OutgoingMessage, RoomSnapshot, RoomStatus } from './room-state.ts';
export {
  type AsyncStorageLike,
  asyncStorage,
  type ChatStorage,
  memoryStorage,
  webStorage,
} from './storage.ts';
export type { SentMessage } from './timeline.ts';
export type { TypingUser } from './typing.ts';
