import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceNetwork, sourceSite } from './source-network.ts'

test('a limit counts for an IPv4 address, or for a whole /64 (RFC 4291 section 2.5.1)', () => {
  assert.equal(sourceNetwork('127.0.0.1'), '127.0.0.1')
  assert.notEqual(sourceNetwork('127.0.0.1'), sourceNetwork('127.0.0.2'))
  const one = sourceNetwork('2001:db8::1')
  for (const same of ['2001:db8::ffff:1', '2001:0db8:0:0:1:2:3:4', '2001:db8:0:0::', '2001:db8::9%eth0']) {
    assert.equal(sourceNetwork(same), one, same)
  }
  for (const other of ['2001:db8:0:1::1', '2001:db9::1', '::1', '2001:db8:1::']) {
    assert.notEqual(sourceNetwork(other), one, other)
  }
})

test('an IPv4 address that a socket for both shows as an IPv6 one is itself', () => {
  assert.equal(sourceNetwork('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(sourceNetwork('::FFFF:192.0.2.1'), '192.0.2.1')
  assert.equal(sourceNetwork('::ffff:c000:201'), '192.0.2.1')
  assert.equal(sourceNetwork(undefined), sourceNetwork(''))
})

test('an IPv4 address behind a translator is itself, and not all that are behind it (RFC 6052 section 2.1)', () => {
  for (const address of ['64:ff9b::c000:201', '64:ff9b::192.0.2.1', '64:FF9B:0:0:0:0:C000:0201%eth0']) {
    assert.equal(sourceNetwork(address), '192.0.2.1', address)
    assert.equal(sourceSite(address), undefined, address)
  }
  assert.equal(sourceNetwork('64:ff9b:1::c000:201'), '64:ff9b:1:0::/64')
  assert.equal(sourceNetwork('64:ff9b::1:0:c000:201'), '64:ff9b:0:0::/64')
})

test('all networks of one owner are one site; IPv4 has none (RFC 6177 section 2)', () => {
  for (const address of ['2001:db8:1::1', '2001:db8:1:ffff::', '2001:db8:1:2:3:4:5:6']) {
    assert.equal(sourceSite(address), '2001:db8:1::/48', address)
  }
  assert.equal(sourceSite('2001:db8:2::1'), '2001:db8:2::/48')
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '', 'x', undefined]) {
    assert.equal(sourceSite(address), undefined, String(address))
  }
})
