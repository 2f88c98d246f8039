import assert from 'node:assert/strict'
import test from 'node:test'
import { hostText, isHostAddress, sourceNetwork } from './host-text.ts'

test('an IPv6 address stands in brackets, and is the same in every spelling (RFC 3261 section 25.1, RFC 5952 section 2)', () => {
  assert.deepEqual([hostText('127.0.0.1'), hostText('fd00::1')], ['127.0.0.1', '[fd00::1]'])
  for (const host of ['[fd00::1]', '[FD00:0:0:0::1]', '[fd00:0000::0001]'])
    assert.ok(isHostAddress(host, 'fd00::1'), host)
  for (const host of ['[fd00::2]', 'fd00::2', 'pcscf.example', '[fd00::1', '[x]']) {
    assert.ok(!isHostAddress(host, 'fd00::1'), host)
    assert.ok(!isHostAddress(host, '127.0.0.1'), host)
  }
})

test('a rate counts for an IPv4 address, or for a whole /64 (RFC 4291 section 2.5.1)', () => {
  assert.equal(sourceNetwork('127.0.0.1'), '127.0.0.1')
  const one = sourceNetwork('2001:db8::1')
  for (const same of ['2001:db8::ffff:1', '2001:0db8:0:0:1:2:3:4', '2001:db8:0:0::', '2001:db8::9%eth0']) {
    assert.equal(sourceNetwork(same), one, same)
  }
  for (const other of ['2001:db8:0:1::1', '2001:db9::1', '::1', '2001:db8:1::'])
    assert.notEqual(sourceNetwork(other), one, other)
  assert.equal(sourceNetwork('::ffff:192.0.2.1'), '::ffff:192.0.2.1')
})
