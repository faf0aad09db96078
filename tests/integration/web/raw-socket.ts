/** Sends bytes as they are: an HTTP client would tidy up what these tests are about. */
import { connect } from 'node:net';

/** Everything the server answers until it closes the connection, or what has come after `limitMs`. */
export function sendRaw(url: string, bytes: string | Buffer, limitMs = 5000): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), limitMs);
    socket.on('data', (data) => (answer += data.toString('latin1')));
    // A reset after the answer is the server refusing to read the rest.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    socket.write(bytes);
  });
}

export function rawGet(url: string, path: string, method = 'GET'): Promise<string> {
  return sendRaw(url, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
