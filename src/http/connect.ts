import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { type AllowList, mayReach } from './addresses.ts';

/** Resolves a host name to all of its addresses. */
export type Resolve = (host: string) => Promise<LookupAddress[]>;

/** Error for a host that is, or resolves to, only addresses that source URLs may not reach. */
export class ForbiddenAddress extends Error {
  readonly address: string;

  constructor(address: string) {
    super(`${address} is not a public address.`);
    this.name = 'ForbiddenAddress';
    this.address = address;
  }
}

/**
 * Creates an undici connector that connects only to allowed addresses. A name is resolved once per connection, and the
 * socket gets the checked addresses, so a different second DNS response (DNS rebinding) has no effect.
 * @param options.resolve default: the operating system's resolver
 */
export function guardedConnector(options: {
  allow: AllowList;
  timeoutMs: number;
  resolve?: Resolve;
}): buildConnector.connector {
  const { allow, timeoutMs, resolve = (host) => lookup(host, { all: true }) } = options;

  return (target, done) => {
    const host = target.hostname;
    const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80);
    const permitted = (address: string) => mayReach({ address, host, port }, allow);
    if (isIP(host) && !permitted(host)) return done(new ForbiddenAddress(host), null);

    const guardedLookup: LookupFunction = (name, { all }, found) => {
      resolve(name).then(
        (answers) => {
          const open = answers.filter(({ address }) => permitted(address));
          const [first] = open;
          if (!first) found(new ForbiddenAddress(answers[0]?.address ?? name), []);
          else if (all) found(null, open);
          else found(null, first.address, first.family);
        },
        (error) => found(error, []),
      );
    };
    buildConnector({ allowH2: false, timeout: timeoutMs, lookup: guardedLookup })(target, (error, socket) => {
      if (!socket) return done(error as Error, null);
      // Second check, on the address that the socket is really connected to.
      const address = socket.remoteAddress ?? '';
      if (permitted(address)) return done(null, socket);
      socket.destroy();
      done(new ForbiddenAddress(address), null);
    });
  };
}
