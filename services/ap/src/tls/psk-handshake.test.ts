import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { NafTable, nafOf } from '../nafs/naf.ts'
import type { NafKey } from '../zn/naf-keys.ts'
import { PskHandshake, type PskVersion } from './psk-handshake.ts'

const NAF = 'xcap.home1.net'
const nafs = new NafTable([nafOf({ fqdn: NAF }, { means: ['gba-psk'], uaProtocols: ['cipher-suite'], targets: [] })])
const key: NafKey = { ksNaf: new Secret(Buffer.alloc(32)), expiresMs: 0, impi: undefined, identities: [], flags: [] }
const ALICE = '3GPP-bootstrapping;YWxpY2U=@bsf.home1.net'
const MALLORY = '3GPP-bootstrapping;bWFsbG9yeQ==@bsf.home1.net'

async function handshakeOf(version: PskVersion): Promise<PskHandshake> {
  const handshake = new PskHandshake({ version, nafs, keys: { get: async () => key } }, 'there')
  await handshake.inspect({ kind: 'client-hello', serverName: NAF, pskIdentities: [ALICE, MALLORY] })
  return handshake
}

const tls = (standardName: string, isReused: boolean) => ({
  getCipher: () => ({ name: '', version: '', standardName }),
  isSessionReused: () => isReused,
})

test('that a key was asked for says nothing: the handshake must have been made with it (TS 33.222 clause 5.4)', async () => {
  const tls12 = await handshakeOf('TLSv1.2')
  assert.notEqual(tls12.take(ALICE), null)
  assert.equal(tls12.connectionOf(tls('TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', false)), undefined)
  assert.equal(tls12.connectionOf(tls('TLS_PSK_WITH_AES_128_GCM_SHA256', false))?.kind, 'psk')
  const tls13 = await handshakeOf('TLSv1.3')
  assert.notEqual(tls13.take(ALICE), null)
  assert.equal(tls13.connectionOf(tls('TLS_AES_128_GCM_SHA256', false)), undefined)
  assert.equal(tls13.connectionOf(tls('TLS_AES_256_GCM_SHA384', true)), undefined)
  assert.equal(tls13.connectionOf(tls('TLS_AES_128_GCM_SHA256', true))?.kind, 'psk')
})

test('a handshake that asked for no key is nobody, resumed or not', async () => {
  const handshake = await handshakeOf('TLSv1.3')
  assert.equal(handshake.connectionOf(tls('TLS_AES_128_GCM_SHA256', true)), undefined)
})

test('a client that lists two identities has the key of one: the other is not given', async () => {
  const handshake = await handshakeOf('TLSv1.3')
  assert.notEqual(handshake.take(ALICE), null)
  assert.equal(handshake.take(MALLORY), null)
  assert.notEqual(handshake.take(ALICE), null, 'after a HelloRetryRequest it is asked for again')
})

test('no key is given for a name that is no NAF, and none that was not looked for before', async () => {
  const handshake = new PskHandshake({ version: 'TLSv1.3', nafs, keys: { get: async () => key } }, 'there')
  await handshake.inspect({ kind: 'client-hello', serverName: 'elsewhere.net', pskIdentities: [ALICE] })
  assert.equal(handshake.take(ALICE), null)
  assert.equal((await handshakeOf('TLSv1.3')).take(`${ALICE}x`), null)
})

test('a client that names identities without end has the BSF asked for some', async () => {
  let asked = 0
  const get = async (): Promise<NafKey> => {
    asked += 1
    return key
  }
  const handshake = new PskHandshake({ version: 'TLSv1.3', nafs, keys: { get } }, 'there')
  const identities = Array.from({ length: 100 }, (_, n) => `3GPP-bootstrapping;${n}@bsf.home1.net`)
  for (let n = 0; n < 10; n += 1) {
    await handshake.inspect({ kind: 'client-hello', serverName: NAF, pskIdentities: identities })
  }
  assert.equal(asked, 4)
})
