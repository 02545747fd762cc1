/** React hooks over a client: the package `sohbet-client/react`. Each renders again only when its own part changes. */
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useState,
  useSyncExternalStore,
} from 'react';
import type { Chat } from './chat.ts';
import type { ChatSnapshot } from './engine.ts';
import { ChatError } from './error.ts';
import type { ChatRoom } from './room.ts';
import type { ChatMessage, RoomSnapshot } from './room-state.ts';
import type { TypingUser } from './typing.ts';

const ChatContext = createContext<Chat | undefined>(undefined);

/** Gives a client to the hooks of all components inside it. */
export function ChatProvider({ chat, children }: { chat: Chat; children?: ReactNode }): ReactElement {
  return createElement(ChatContext.Provider, { value: chat }, children);
}

/** The client, with its state, user and rooms. Throws outside a {@link ChatProvider}. */
export function useChat(): ChatSnapshot & { readonly chat: Chat } {
  const chat = useClient();
  const snapshot = useSyncExternalStore(chat.subscribe, chat.getSnapshot, chat.getSnapshot);
  return { ...snapshot, chat };
}

/** What {@link useRoom} gives: the room at this moment, the room itself, and why it could not be opened. */
export interface RoomView extends RoomSnapshot {
  readonly room: ChatRoom;
  /** Why joining failed; it is tried again when the connection is back, if that can help. */
  readonly error: ChatError | undefined;
}

/** A room, joined and opened as soon as somebody is signed in. It stays open when the component is gone. */
export function useRoom(room_id: string, { password }: { password?: string } = {}): RoomView {
  const chat = useClient();
  const room = chat.room(room_id);
  const snapshot = useSyncExternalStore(room.subscribe, room.getSnapshot, room.getSnapshot);
  const isConnected = useSyncExternalStore(
    chat.subscribe,
    () => isSignedIn(chat),
    () => isSignedIn(chat),
  );
  const [failed, setFailed] = useState<{ readonly room: ChatRoom; readonly error: ChatError }>();
  const isClosed = snapshot.status === 'closed';
  useEffect(() => {
    if (!isConnected || !isClosed) return;
    let isCurrent = true;
    setFailed(undefined);
    room.join(password === undefined ? {} : { password }).catch((failure: unknown) => {
      if (isCurrent && failure instanceof ChatError) setFailed({ room, error: failure });
    });
    return () => {
      isCurrent = false;
    };
  }, [room, isConnected, isClosed, password]);
  return { ...snapshot, room, error: isClosed && failed?.room === room ? failed.error : undefined };
}

/** The messages of a room that {@link useRoom} or the app has opened, one's own pending and failed ones at the end. */
export function useMessages(room_id: string): readonly ChatMessage[] {
  return useRoomPart(room_id, (snapshot) => snapshot.messages);
}

/** Who is writing in a room. */
export function useTyping(room_id: string): readonly TypingUser[] {
  return useRoomPart(room_id, (snapshot) => snapshot.typing);
}

/** How many loaded messages of a room are unread. */
export function useUnread(room_id: string): number {
  return useRoomPart(room_id, (snapshot) => snapshot.unread);
}

function useClient(): Chat {
  const chat = useContext(ChatContext);
  if (chat === undefined) throw new Error('There is no <ChatProvider chat={…}> around this component.');
  return chat;
}

function useRoomPart<T>(room_id: string, part: (snapshot: RoomSnapshot) => T): T {
  const room = useClient().room(room_id);
  const get = () => part(room.getSnapshot());
  return useSyncExternalStore(room.subscribe, get, get);
}

function isSignedIn({ state }: Chat): boolean {
  return state === 'live' || state === 'catching up';
}
