import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerCertificate } from 'node:tls'
import { StoreServerIdentityError } from './errors.ts'
import { checkNatsServerIdentity } from './server-identity.ts'

/** A certificate of our authority for the address 127.0.0.1. */
function certificate(...uris: string[]): PeerCertificate {
  const subjectaltname = ['IP Address:127.0.0.1', ...uris.map((uri) => `URI:${uri}`)].join(', ')
  return { subject: { CN: '' }, subjectaltname } as unknown as PeerCertificate
}

test('a NATS server is who is at the right address and says so in its certificate (ARCHITECTURE, decision 8)', () => {
  const nats = 'spiffe://rollcall.test/ns/ims/sa/nats'
  assert.equal(checkNatsServerIdentity('127.0.0.1', certificate(nats)), undefined)
  assert.ok(checkNatsServerIdentity('127.0.0.2', certificate(nats)))
  for (const other of ['hss', 'nats2', 'storeadmin']) {
    const error = checkNatsServerIdentity('127.0.0.1', certificate(`spiffe://rollcall.test/ns/ims/sa/${other}`))
    assert.ok(error instanceof StoreServerIdentityError, other)
  }
  assert.ok(checkNatsServerIdentity('127.0.0.1', certificate()) instanceof StoreServerIdentityError)
})
