import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** A proxy that shows a server below a path, as nginx and Caddy do: it strips the path, and says which it was. */
export interface PrefixProxy extends AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly origin: string;
}

/** Starts a proxy that shows `target` (without a slash at the end) below `prefix`, such as `/chat`. */
export async function startPrefixProxy(target: string, prefix: string): Promise<PrefixProxy> {
  const { hostname, port } = new URL(target);
  const inside = ({ url = '' }: IncomingMessage) => (url.startsWith(`${prefix}/`) ? url.slice(prefix.length) : null);
  const proxy = createServer((incoming, outgoing) => {
    const path = inside(incoming);
    if (path === null) {
      const isRoot = incoming.url === prefix;
      outgoing.writeHead(isRoot ? 308 : 404, isRoot ? { location: `${prefix}/` } : {}).end();
      return;
    }
    const headers = { ...incoming.headers, 'x-forwarded-prefix': prefix };
    const onward = request({ hostname, port, path, method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  proxy.on('upgrade', (incoming, socket, head) => {
    const path = inside(incoming);
    if (path === null) return socket.destroy();
    const lines = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const onward = connect(Number(port), hostname);
    onward.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    onward.write(head);
    onward.on('error', () => socket.destroy()).pipe(socket);
    socket.on('error', () => onward.destroy()).pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    origin: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
