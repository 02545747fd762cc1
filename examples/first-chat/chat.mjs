import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

const [name = 'guest', wanted = 'lobby'] = process.argv.slice(2);
const file = `${name}.token`; // whoever has it is this user
const auth = (give) => give(existsSync(file) ? { token: readFileSync(file, 'utf8') } : { username: name });
const socket = io('http://localhost:8000', { auth, retries: Infinity, ackTimeout: 10_000 });

const fail = ({ code, message }) => {
  if (code === 'INVALID_TOKEN') rmSync(file);
  console.error(message);
  process.exit(1);
};
const ask = async (command, payload) => {
  const answer = await socket.emitWithAck(command, payload); // repeated until there is an answer
  return answer.ok ? answer : fail(answer.error);
};
const show = (m) => console.log(m.is_system_message ? `* ${m.content}` : `${m.username}: ${m.content}`);

socket.on('error', fail); // the sign-in was refused
socket.on('connect_response', ({ token }) => writeFileSync(file, token));
const { epoch } = await new Promise((resolve) => socket.once('connect_response', resolve));
const { rooms } = await ask('get_rooms', { query: wanted });
const { id: room_id } = rooms.find((r) => r.name === wanted) ?? (await ask('create_room', { name: wanted })).room;

let seq; // the number up to which we know the room
const take = (m) => {
  if (m.room_id !== room_id || m.rev <= seq) return;
  seq = m.rev;
  if (m.rev === m.seq) show(m); // else an older message was edited or deleted
};
const enter = async () => {
  const { room, messages } = await ask('join_room', { room_id });
  messages.forEach(show);
  seq = room.seq;
};
const catchUp = async () => {
  const [page] = (await ask('sync', { epoch, rooms: [{ room_id, seq }] })).rooms;
  if (page.error || page.reset) fail({ message: 'The room is another one now. Start again.' });
  page.messages.forEach(take);
  if (page.has_more) await catchUp();
};
let work = enter(); // one thing after another
socket.on('message', (m) => (work = work.then(() => take(m))));
socket.on('connect_response', () => (work = work.then(catchUp))); // the connection was lost

for await (const content of createInterface({ input: process.stdin })) {
  if (content.trim()) await ask('send_message', { room_id, content, client_id: crypto.randomUUID() });
}
socket.close();
