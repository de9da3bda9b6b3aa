import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;

/** What an operator lets source URLs reach although it is private. */
export type AllowList = readonly AllowRule[];

interface AllowRule {
  readonly target: { host: string } | { network: [Address, number] };
  /** Any port when absent. */
  readonly port?: number;
}

const GLOBAL_UNICAST_6 = ipaddr.parseCIDR('2000::/3');
/** RFC 6052: how a network without IPv4 writes IPv4 addresses; the last 32 bits say where it really goes. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96');
/** Public by its number, but answered inside every Azure machine by the platform that runs it. */
const AZURE_PLATFORM = '168.63.129.16';
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/;

/**
 * Whether a connection to this address stays away from private, loopback, link-local, multicast, metadata and all other
 * special-purpose networks. An IPv6 address that carries an IPv4 address is judged by that one, or refused.
 */
export function isPublicAddress(text: string): boolean {
  if (!isIP(text)) return false;
  let address = ipaddr.process(text);
  if (address.kind() === 'ipv6' && address.match(NAT64)) {
    address = ipaddr.fromByteArray(address.toByteArray().slice(12));
  }
  if (address.range() !== 'unicast' || address.toString() === AZURE_PLATFORM) return false;
  // Outside 2000::/3 no IPv6 address is global, and ::a.b.c.d would pass for one.
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST_6);
}

/** Whether a URL with this host (a name, or an address without brackets) and port may reach this address. */
export function mayReach(target: { address: string; host: string; port: number }, allow: AllowList): boolean {
  return isPublicAddress(target.address) || allow.some((rule) => permits(rule, target));
}

function permits(rule: AllowRule, { address, host, port }: { address: string; host: string; port: number }): boolean {
  if (rule.port !== undefined && rule.port !== port) return false;
  if ('host' in rule.target) return rule.target.host === host.toLowerCase().replace(/\.$/, '');
  if (!isIP(address)) return false;
  const parsed = ipaddr.process(address);
  const [network, bits] = rule.target.network;
  return parsed.kind() === network.kind() && parsed.match(network, bits);
}

/**
 * Reads the entries of `REELVEC_URL_ALLOW`: host names, addresses (both may end in `:port`, IPv6 then in brackets) and
 * CIDR ranges. Throws an Error that names the entry which is none of these.
 */
export function parseAllowList(entries: readonly string[]): AllowList {
  return entries.map((entry) => parseRule(entry.toLowerCase()));
}

function parseRule(entry: string): AllowRule {
  const [network = '', bits = ''] = entry.split('/');
  if (isIP(network) && ipaddr.isValidCIDR(entry)) {
    return { target: { network: plainNetwork(ipaddr.parse(network), Number(bits)) } };
  }
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(isIP(entry) ? `[${entry}]` : entry) ?? [];
  const rest = port === undefined ? {} : { port: Number(port) };
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare)) {
    const address = ipaddr.process(bare);
    return { target: { network: [address, address.toByteArray().length * 8] }, ...rest };
  }
  // Digits and dots only would be an address that is cut short.
  if (HOST_NAME.test(host) && !/^[\d.]+$/.test(host)) return { target: { host }, ...rest };
  throw new Error(`${JSON.stringify(entry)} is not a host name, host:port, IP address or CIDR range.`);
}

/** An IPv4 network however it is written: addresses are compared after `ipaddr.process`. */
function plainNetwork(address: Address, bits: number): [Address, number] {
  if (address.kind() === 'ipv6' && bits >= 96 && (address as ipaddr.IPv6).isIPv4MappedAddress()) {
    return [(address as ipaddr.IPv6).toIPv4Address(), bits - 96];
  }
  return [address, bits];
}
