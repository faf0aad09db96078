/** A receiver of webhooks on the loopback address that does as it is told, and writes down what it got. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What the receiver answered. */
  readonly status: number;
}

export interface Receiver {
  readonly host: string;
  readonly url: string;
  readonly received: Received[];
  /** Connections that were made, whether or not a request came. */
  connections: number;
  /** What it answers; a test changes it. */
  answer: (response: ServerResponse) => void;
  close(): Promise<void>;
}

export const respond =
  (status: number, headers: Record<string, string> = {}, body = '') =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };

export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => void take(request, response));
  server.on('connection', () => receiver.connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    host: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}/hook`,
    received: [],
    connections: 0,
    answer: respond(204),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    receiver.answer(response);
    const { url = '', headers } = request;
    receiver.received.push({ path: url, headers, body, status: response.statusCode });
  };
  return receiver;
}
