// A client that does not wait: requests are due at a fixed rate whatever the server does, and the time of an answer counts from
// when its request was due. Over kept connections, one request at a time each; when none is free another is opened.
import { connect } from 'node:net';

const MOST_CONNECTIONS = 2000;
/** A reader gives up after so long. */
const PATIENCE_MS = 10_000;

/** One connection and its parser: reads the head of each answer and skips as many bytes as it names. */
class Connection {
  busy = null;
  #pending = Buffer.alloc(0);
  #skip = 0;

  constructor(client) {
    this.client = client;
    this.socket = connect({ host: client.host, port: client.port, noDelay: true });
    this.socket.on('data', (data) => this.#read(data));
    this.socket.on('error', () => {});
    this.socket.on('close', () => client.lost(this));
  }

  send(bytes, due) {
    this.busy = { due };
    this.socket.write(bytes);
  }

  #read(data) {
    if (this.#skip > data.length) {
      this.#skip -= data.length;
      return;
    }
    let rest = data.subarray(this.#skip);
    if (this.#skip > 0) this.#done();
    this.#skip = 0;
    if (this.#pending.length > 0) rest = Buffer.concat([this.#pending, rest]);
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#pending = rest;
      return;
    }
    this.#pending = Buffer.alloc(0);
    const head = rest.toString('latin1', 0, end).toLowerCase();
    if (this.busy !== null) this.busy.code = Number(head.slice(9, 12));
    if (this.busy !== null) this.busy.retryAfter = head.includes('\r\nretry-after: ');
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
    const here = rest.length - end - 4;
    if (here >= length) this.#done();
    else this.#skip = length - here;
  }

  #done() {
    const { busy } = this;
    this.busy = null;
    if (busy !== null) this.client.answered(this, busy);
  }
}

export class OpenLoop {
  /** Seconds: `{ offered, sent, ok, shed, other, lost, turnedAway, latencies }` each. */
  seconds = [];
  #free = [];
  #open = new Set();
  #next = 0;

  /** @param {string} url @param {readonly string[]} paths asked for in turns */
  constructor(url, paths) {
    const { hostname, port } = new URL(url);
    this.host = hostname;
    this.port = Number(port);
    this.requests = paths.map((path) =>
      Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\naccept-encoding: gzip\r\n\r\n`),
    );
  }

  /** Offers `rate` requests a second for so many seconds; the figures of each second, by when its requests were due. */
  async run(rate, seconds) {
    const from = this.seconds.length;
    const started = performance.now();
    for (let offered = 0; ;) {
      const now = performance.now() - started;
      if (now >= seconds * 1000) break;
      for (const due = (now * rate) / 1000; offered < due; offered++)
        this.#offer(started + (offered * 1000) / rate, from, started);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return () => this.seconds.slice(from, from + seconds);
  }

  close() {
    for (const connection of this.#open) connection.socket.destroy();
  }

  #offer(due, from, started) {
    const second = this.#second(from + Math.floor((due - started) / 1000));
    second.offered += 1;
    const connection = this.#free.pop() ?? this.#another();
    if (connection === null) {
      second.turnedAway += 1;
      return;
    }
    second.sent += 1;
    connection.send(this.requests[this.#next++ % this.requests.length], { at: due, second });
  }

  #another() {
    if (this.#open.size >= MOST_CONNECTIONS) return null;
    const connection = new Connection(this);
    this.#open.add(connection);
    return connection;
  }

  #second(k) {
    while (this.seconds.length <= k)
      this.seconds.push({
        offered: 0,
        sent: 0,
        ok: 0,
        shed: 0,
        other: 0,
        late: 0,
        lost: 0,
        turnedAway: 0,
        latencies: [],
      });
    return this.seconds[k];
  }

  answered(connection, { due: { at, second }, code, retryAfter }) {
    const took = performance.now() - at;
    if (code === 503 && retryAfter) second.shed += 1;
    else if (code !== 200) second.other += 1;
    else if (took > PATIENCE_MS) second.late += 1;
    else {
      second.ok += 1;
      second.latencies.push(took);
    }
    this.#free.push(connection);
  }

  lost(connection) {
    this.#open.delete(connection);
    this.#free = this.#free.filter((one) => one !== connection);
    if (connection.busy !== null) connection.busy.due.second.lost += 1;
  }
}
