import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayAccess } from './authorize.ts'
import type { XcapTree } from './uri/xcap-uri.ts'

const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE'] as const
const of = (xui: string): { tree: XcapTree } => ({ tree: { kind: 'users', xui } })

test('a user’s documents are the user’s alone, under any of the user’s identities (RFC 4825 section 5.7, RFC 5025 section 9.9)', () => {
  for (const method of METHODS) {
    assert.equal(mayAccess(of('sip:alice@example.com'), method, ['tel:+15550100', 'sip:alice@example.com']), true)
    assert.equal(mayAccess(of('SIP:alice@EXAMPLE.com'), method, ['sip:alice@example.com']), true, 'scheme and host')
    assert.equal(mayAccess(of('tel:+15550100'), method, ['tel:+15550100']), true)
    for (const xui of [
      'sip:bob@example.com',
      'sip:Alice@example.com',
      'sip:alice@example.org',
      'tel:+15550101',
      'sip:@',
      '',
    ]) {
      assert.equal(mayAccess(of(xui), method, ['sip:alice@example.com']), false, `${method} ${xui}`)
    }
    assert.equal(mayAccess(of('sip:alice@example.com'), method, []), false, 'nobody')
  }
})

test('what is for everybody is read by everybody who is authenticated, and written by nobody (RFC 4825 section 5.7)', () => {
  const global = { tree: { kind: 'global' } } as const
  assert.deepEqual(
    METHODS.map((method) => mayAccess(global, method, ['sip:alice@example.com'])),
    [true, true, false, false],
  )
  assert.equal(mayAccess(global, 'GET', []), false)
})
