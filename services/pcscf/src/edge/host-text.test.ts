import assert from 'node:assert/strict'
import test from 'node:test'
import { hostText, isHostAddress } from './host-text.ts'

test('an IPv6 address stands in brackets, and is the same in every spelling (RFC 3261 section 25.1, RFC 5952 section 2)', () => {
  assert.deepEqual([hostText('127.0.0.1'), hostText('fd00::1')], ['127.0.0.1', '[fd00::1]'])
  for (const host of ['[fd00::1]', '[FD00:0:0:0::1]', '[fd00:0000::0001]'])
    assert.ok(isHostAddress(host, 'fd00::1'), host)
  for (const host of ['[fd00::2]', 'fd00::2', 'pcscf.example', '[fd00::1', '[x]']) {
    assert.ok(!isHostAddress(host, 'fd00::1'), host)
    assert.ok(!isHostAddress(host, '127.0.0.1'), host)
  }
})
