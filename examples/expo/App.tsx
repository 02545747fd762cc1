import AsyncStorage from '@react-native-async-storage/async-storage';
import { useEffect, useState } from 'react';
import { AppState, Button, FlatList, SafeAreaView, Text, TextInput, View } from 'react-native';
import { asyncStorage, type ChatMessage, createClient } from 'sohbet-client';
import { ChatProvider, useChat, useRoom } from 'sohbet-client/react';

/** The server as the phone reaches it: the address of your machine, not localhost. */
const SERVER = process.env['EXPO_PUBLIC_SERVER'] ?? 'http://192.168.1.10:8000';
const chat = createClient(SERVER, { storage: asyncStorage(AsyncStorage) });

/** A chat that goes on where it was after the phone was away, asleep or restarted. */
export function App() {
  useEffect(() => {
    const subscription = AppState.addEventListener('change', (state) => {
      if (state === 'active') chat.reconnectNow();
    });
    return () => subscription.remove();
  }, []);
  return (
    <ChatProvider chat={chat}>
      <SafeAreaView style={{ flex: 1, padding: 16, gap: 8 }}>
        <Screen />
      </SafeAreaView>
    </ChatProvider>
  );
}

function Screen() {
  const { state, user, rooms } = useChat();
  const [open, setOpen] = useState<string>();
  if (user === undefined) return <SignIn />;
  if (open !== undefined) return <Room id={open} onClose={() => setOpen(undefined)} />;
  const create = () => chat.createRoom({ name: `${user.username}’s room` }).then((room) => setOpen(room.id));
  return (
    <View style={{ gap: 8 }}>
      <Text>
        {user.username}: {state}
      </Text>
      {rooms.map((room) => (
        <Button key={room.id} title={room.info?.name ?? room.id} onPress={() => setOpen(room.id)} />
      ))}
      <Button title="New room" onPress={() => void create().catch(() => {})} />
      <Button title="Sign out for good" onPress={() => void chat.signOut().catch(() => {})} />
      <Text>After that nobody can come back as {user.username}.</Text>
    </View>
  );
}

function SignIn() {
  const [username, setUsername] = useState('');
  const [problem, setProblem] = useState('');
  const signIn = () => chat.signIn({ username }).catch((error: Error) => setProblem(error.message));
  return (
    <View style={{ gap: 8 }}>
      <TextInput placeholder="Your name" value={username} onChangeText={setUsername} autoCapitalize="none" />
      <Button title="Sign in" onPress={() => void signIn()} />
      <Text>{problem}</Text>
    </View>
  );
}

function Room({ id, onClose }: { id: string; onClose: () => void }) {
  const { room, info, messages, typing, hasOlder, error } = useRoom(id);
  const [text, setText] = useState('');
  const send = () => {
    void room.send(text);
    setText('');
  };
  return (
    <View style={{ flex: 1, gap: 8 }}>
      <Button title={`‹ ${info?.name ?? ''}`} onPress={onClose} />
      {error !== undefined && <Text>{error.message}</Text>}
      <FlatList
        inverted
        data={[...messages].reverse()}
        keyExtractor={(message) => message.key}
        renderItem={({ item }) => <Line message={item} />}
        onEndReached={() => hasOlder && void room.loadOlder().catch(() => {})}
      />
      <Text>{typing.map((user) => `${user.username} is writing …`).join(' ')}</Text>
      <TextInput
        placeholder="Say something"
        value={text}
        onChangeText={(value) => {
          setText(value);
          room.setTyping(true);
        }}
        onSubmitEditing={send}
      />
    </View>
  );
}

function Line({ message }: { message: ChatMessage }) {
  const text = message.status === 'sent' && message.deleted ? '(deleted)' : message.content;
  return (
    <Text style={{ opacity: message.status === 'pending' ? 0.5 : 1 }}>
      {message.username}: {text} {message.status === 'failed' ? `(${message.error?.message})` : ''}
    </Text>
  );
}
