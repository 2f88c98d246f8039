import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DigestAlgorithm, type LookupResponse } from '@rollcall/proto-gen/digest'
import { RpcError } from '@rollcall/runtime'
import { WatcherPasswords } from './watcher-passwords.ts'

const REALM = 'ims.example.com'

function carol(over: Partial<LookupResponse> = {}): LookupResponse {
  return {
    impi: `001010000000004@${REALM}`,
    impus: ['tel:+15550104', 'sip:carol@ims.example.com'],
    canonicalImpu: 'sip:carol@ims.example.com',
    ha1: [
      { algorithm: DigestAlgorithm.DIGEST_ALGORITHM_SHA_256, value: Buffer.alloc(32, 7) },
      { algorithm: DigestAlgorithm.DIGEST_ALGORITHM_UNSPECIFIED, value: Buffer.alloc(4) },
    ],
    ...over,
  }
}

test('a user is who the HSS says, by the identities that are not barred, and no hash is left behind (TS 33.141 clause 5.1.4)', async () => {
  const answer = carol()
  const found = await new WatcherPasswords(async () => answer).find('carol', REALM, '')
  assert.ok(typeof found === 'object')
  assert.deepEqual(found.impus, ['sip:carol@ims.example.com', 'tel:+15550104'], 'the canonical one names him')
  assert.deepEqual([...found.ha1.keys()], ['SHA-256'])
  assert.ok(found.ha1.get('SHA-256')?.reveal().equals(Buffer.alloc(32, 7)))
  assert.ok(answer.ha1.every(({ value }) => value.every((octet) => octet === 0)))
  const barred = carol({ impus: ['tel:+15550104'] })
  const other = await new WatcherPasswords(async () => barred).find('carol', REALM, '')
  assert.deepEqual(typeof other === 'object' && other.impus, ['tel:+15550104'])
})

test('who is unknown is unknown; an HSS that is silent, or answers what nobody can use, is away', async () => {
  const said = async (answer: () => Promise<LookupResponse>) =>
    await new WatcherPasswords(answer).find('carol', REALM, '')
  const failing = (code: 'RPC_NOT_FOUND' | 'RPC_UNAVAILABLE' | 'RPC_DEADLINE') => () =>
    Promise.reject(new RpcError(code, 'so'))
  assert.equal(await said(failing('RPC_NOT_FOUND')), 'unknown')
  assert.equal(await said(failing('RPC_UNAVAILABLE')), 'away')
  assert.equal(await said(failing('RPC_DEADLINE')), 'away')
  assert.equal(await said(async () => carol({ impi: '' })), 'away')
})

test('five hundred are asked about at once, and no more', async () => {
  const { promise, resolve } = Promise.withResolvers<LookupResponse>()
  const passwords = new WatcherPasswords(() => promise)
  const asked = Array.from({ length: 500 }, () => passwords.find('carol', REALM, ''))
  assert.equal(await passwords.find('carol', REALM, ''), 'away')
  resolve(carol())
  await Promise.all(asked)
  assert.ok(typeof (await passwords.find('carol', REALM, '')) === 'object')
})
