import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;

/** Private hosts, addresses and networks that the operator allows source URLs to reach. */
export type AllowList = readonly AllowRule[];

interface AllowRule {
  readonly target: { host: string } | { network: [Address, number] };
  /** Default: any port. */
  readonly port?: number;
}

/** Global unicast range of IPv6 (RFC 4291). */
const GLOBAL_UNICAST_6 = ipaddr.parseCIDR('2000::/3');
/** NAT64 prefix (RFC 6052): the last 32 bits are the IPv4 address that a connection goes to. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96');
/** Virtual public address of the Azure platform, which answers it inside every Azure machine. */
const AZURE_PLATFORM = '168.63.129.16';
/** A host name in lower case: labels of letters, digits, hyphens and underscores, at most 253 characters. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/;

/**
 * True for an address outside of private, loopback, link-local, multicast, metadata and all other special-purpose
 * networks. An IPv6 address that embeds an IPv4 address is judged by the embedded one, or refused.
 */
export function isPublicAddress(text: string): boolean {
  if (!isIP(text)) return false;
  let address = ipaddr.process(text);
  if (address.kind() === 'ipv6' && address.match(NAT64)) {
    address = ipaddr.fromByteArray(address.toByteArray().slice(12));
  }
  if (address.range() !== 'unicast' || address.toString() === AZURE_PLATFORM) return false;
  // No IPv6 address outside of 2000::/3 is global; without this check ::a.b.c.d would pass.
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST_6);
}

/**
 * True if a connection to an address is allowed, for a URL with this host and port.
 * @param target.host a name, or an address without brackets
 */
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
 * Parses `REELVEC_URL_ALLOW`: host names and addresses, both with an optional `:port` (IPv6 then in brackets), and CIDR
 * ranges.
 * @throws {Error} that names the first invalid entry
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
  // A host of digits and dots alone is an incomplete address.
  if (HOST_NAME.test(host) && !/^[\d.]+$/.test(host)) return { target: { host }, ...rest };
  throw new Error(`${JSON.stringify(entry)} is not a host name, host:port, IP address or CIDR range.`);
}

/** Converts an IPv4-mapped network to IPv4, as `ipaddr.process` does with the addresses it is compared with. */
function plainNetwork(address: Address, bits: number): [Address, number] {
  if (address.kind() === 'ipv6' && bits >= 96 && (address as ipaddr.IPv6).isIPv4MappedAddress()) {
    return [(address as ipaddr.IPv6).toIPv4Address(), bits - 96];
  }
  return [address, bits];
}
