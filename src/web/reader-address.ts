/** Whose request it is: whoever holds the connection, or the reader behind a proxy that is trusted (PROOF S18). */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';

export type ReaderAddress = (request: IncomingMessage) => string;

/** @param proxies addresses and networks (`10.0.0.0/8`) whose `X-Forwarded-For` is believed; nobody else's is. */
export function readerAddress(proxies: readonly string[]): ReaderAddress {
  if (proxies.length === 0) return connectionAddress;
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    if (bits === undefined) trusted.addAddress(address, familyOf(address));
    else trusted.addSubnet(address, Number(bits), familyOf(address));
  }
  return (request) => {
    let address = connectionAddress(request);
    const told = [request.headers['x-forwarded-for'] ?? ''].flat().join(',').split(',');
    // From its end: a proxy adds whom it serves there, and what stood before is the word of that one.
    while (isIP(address) !== 0 && trusted.check(address, familyOf(address))) {
      const next = told.pop()?.trim() ?? '';
      if (isIP(next) === 0) break;
      address = next;
    }
    return address;
  };
}

function connectionAddress(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '';
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
