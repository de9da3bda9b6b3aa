import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublicAddress, mayReach, parseAllowList } from './addresses.ts';

const REFUSED = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1'],
  'unspecified and this network': ['0.0.0.0', '0.1.2.3', '::'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1'],
  'link-local and metadata': ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254', '168.63.129.16'],
  'carrier-grade NAT': ['100.64.0.1', '100.100.100.200', '100.127.255.255'],
  benchmarking: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  'multicast, broadcast and reserved': ['224.0.0.1', '239.1.1.1', '255.255.255.255', '240.0.0.1', 'ff02::1'],
  'protocol assignments': ['192.0.0.192', '192.88.99.1', '100::1', 'fec0::1', '5f00::1'],
  'IPv4 inside IPv6': [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '::127.0.0.1',
    '::10.0.0.1',
    '::808:808',
    '::a00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::10.0.0.1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '::ffff:0:10.0.0.1',
  ],
  'what is no address': ['', 'localhost', '1.2.3', 'example.org'],
};

for (const [kind, addresses] of Object.entries(REFUSED)) {
  test(`refused: ${kind}`, () => {
    for (const address of addresses) assert.equal(isPublicAddress(address), false, address);
  });
}

test('public addresses are allowed, also as IPv6 with an embedded IPv4 address', () => {
  for (const address of ['8.8.8.8', '93.184.215.14', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8']) {
    assert.equal(isPublicAddress(address), true, address);
  }
});

test('the allow list allows hosts, host:port, addresses and ranges, and nothing else', () => {
  const allow = parseAllowList(
    'media.Internal nas:8080 10.1.0.0/16 ::1 [fd00::2]:9000 192.168.7.7:80 ::ffff:172.16.0.0/108'.split(' '),
  );
  const reach = (host: string, port: number, address: string) => mayReach({ host, port, address }, allow);
  assert.equal(reach('media.internal', 443, '10.9.9.9'), true);
  assert.equal(reach('MEDIA.internal.', 443, '10.9.9.9'), true);
  assert.equal(reach('other.internal', 443, '10.9.9.9'), false);
  assert.equal(reach('nas', 8080, '192.168.0.3'), true);
  assert.equal(reach('nas', 80, '192.168.0.3'), false);
  assert.equal(reach('whatever', 80, '10.1.200.3'), true);
  assert.equal(reach('whatever', 80, '::ffff:10.1.200.3'), true);
  assert.equal(reach('whatever', 80, '10.2.0.1'), false);
  assert.equal(reach('::1', 80, '::1'), true);
  assert.equal(reach('fd00::2', 9000, 'fd00::2'), true);
  assert.equal(reach('fd00::2', 9001, 'fd00::2'), false);
  assert.equal(reach('192.168.7.7', 80, '192.168.7.7'), true);
  assert.equal(reach('192.168.7.7', 81, '192.168.7.7'), false);
  assert.equal(reach('x', 1, '172.16.3.4'), true);
  assert.equal(reach('x', 1, '192.168.3.4'), false);
});

test('an empty allow list allows nothing', () => {
  assert.equal(mayReach({ host: 'localhost', port: 80, address: '127.0.0.1' }, []), false);
});

test('an invalid entry is named', () => {
  for (const entry of ['10.0.0.0/40', 'http://nas', 'a b', '10.0.0', '*.internal', 'nas:port', '1.2.3.4.5', '-x']) {
    assert.throws(
      () => parseAllowList(['ok.internal', entry]),
      (error: Error) => error.message.includes(entry),
      entry,
    );
  }
});
