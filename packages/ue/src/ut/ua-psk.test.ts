import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import type { TlsOptions } from 'node:tls'
import { memoryIsimStore } from '../isim-store.ts'
import type { FakeBsf } from '../testing/fake-bsf.ts'
import { deriveKsNaf } from '../testing/fake-naf.ts'
import { NAF, openUtBench, type UtBench } from '../testing/ut-world.ts'
import { testCredentials } from '../testing/world.ts'
import { NafRefusedError, UtPeerNotAuthenticError, UtUnreachableError } from './errors.ts'
import { Ut } from './ut.ts'

const ADDRESS = '127.47.1.4'
const PREFIX = '3GPP-bootstrapping;'
const DOCUMENT = 'pres-rules/users/sip:alice@ims.mnc001.mcc001.3gppnetwork.org/index'
const XML = { status: 200, headers: { 'Content-Type': 'application/xml', ETag: '"1"' }, body: Buffer.from('<a/>') }

const VARIANTS = [
  { access: 'psk-tls12', protocol: '01000100a8', version: 'TLSv1.2', ciphers: 'PSK-AES128-GCM-SHA256' },
  { access: 'psk-tls13', protocol: '0100000007', version: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' },
] as const

/** TLS of a NAF that knows the keys of `bsf`, derived under `protocol`. */
function pskTls(bsf: FakeBsf, o: (typeof VARIANTS)[number], hint = '3GPP-bootstrapping'): TlsOptions {
  return {
    minVersion: o.version,
    maxVersion: o.version,
    ciphers: o.ciphers,
    pskIdentityHint: hint,
    pskCallback: (_, identity) => {
      const session = identity.startsWith(PREFIX) ? bsf.sessions.get(identity.slice(PREFIX.length)) : undefined
      return session ? deriveKsNaf(session, NAF, o.protocol) : null
    },
  }
}

for (const variant of VARIANTS) {
  const { access } = variant
  test(`${access}: the key itself makes TLS, and the connection is kept (TS 33.222 clause 5.4, TS 24.109 clause 5.3.3)`, async () => {
    await using bench = await openUtBench(ADDRESS, { settings: { access }, tls: (bsf) => pskTls(bsf, variant) })
    bench.naf.script = () => XML
    await bench.ut.xcap.get(DOCUMENT)
    await bench.ut.xcap.get(DOCUMENT)
    assert.deepEqual([bench.naf.requests.length, bench.naf.connections, bench.naf.challenges], [2, 1, 0])
    assert.equal(bench.naf.requests[0]?.headers.authorization, undefined)
  })

  test(`${access}: a NAF that does not know the key any more makes the UE bootstrap anew, once (TS 24.109 clause 5.3.3.4)`, async () => {
    await using bench = await openUtBench(ADDRESS, { settings: { access }, tls: (bsf) => pskTls(bsf, variant) })
    bench.naf.script = () => XML
    const { btid } = await bench.ut.bootstrap()
    bench.bsf.sessions.delete(btid)
    await bench.ut.xcap.get(DOCUMENT)
    assert.notEqual(bench.ut.bootstrapped?.btid, btid)
    bench.naf.twists.renegotiations = 1
    await bench.ut.xcap.get(DOCUMENT)
    assert.equal(bench.bsf.sessions.size, 2)
    bench.naf.twists.renegotiations = 9
    await assert.rejects(bench.ut.xcap.get(DOCUMENT), NafRefusedError)
  })

  test(`${access}: openssl, which knows the key, is a NAF as well (TS 33.220 annex H.3)`, async (t) => {
    await using bench = await openUtBench(ADDRESS)
    const { btid } = await bench.ut.bootstrap()
    const session = bench.bsf.sessions.get(btid)
    assert.ok(session)
    const port = 15_444
    const psk = deriveKsNaf(session, NAF, variant.protocol).toString('hex')
    const how =
      variant.version === 'TLSv1.2'
        ? ['-tls1_2', '-cipher', variant.ciphers]
        : ['-tls1_3', '-ciphersuites', variant.ciphers]
    const openssl = await startOpenssl(port, ['-psk', psk, '-psk_identity', `${PREFIX}${btid}`, ...how])
    if (openssl === undefined) {
      t.skip('there is no openssl command')
      return
    }
    try {
      // The very session, so the vector goes out once more to a fresh ISIM.
      await using ut = await sameSession(bench, { address: ADDRESS, port }, access)
      const { body } = await ut.xcap.get('')
      assert.match(body.toString(), new RegExp(variant.ciphers))
    } finally {
      openssl.kill()
      await once(openssl, 'close')
    }
  })
}

test('a NAF with a certificate, however good, in the place of the key gets nothing (TS 33.222 clause 5.4)', async () => {
  for (const { access } of VARIANTS) {
    await using bench = await openUtBench(ADDRESS, { settings: { access } })
    bench.naf.script = () => XML
    const expected = access === 'psk-tls13' ? UtPeerNotAuthenticError : UtUnreachableError
    await assert.rejects(bench.ut.xcap.get(DOCUMENT), expected)
    assert.deepEqual([bench.naf.requests.length, bench.naf.challenges], [0, 0])
  }
})

test('a hint that is not of GBA gets no identity (TS 24.109 clause 5.3.3.3)', async () => {
  const [variant] = VARIANTS
  const { access } = variant
  await using bench = await openUtBench(ADDRESS, {
    settings: { access },
    tls: (bsf) => pskTls(bsf, variant, 'somebody else'),
  })
  await assert.rejects(bench.ut.xcap.get(DOCUMENT), UtUnreachableError)
})

/** `openssl s_server` on PSK alone; its page tells the session. */
async function startOpenssl(port: number, args: readonly string[]): Promise<ChildProcess | undefined> {
  const openssl = spawn(
    'openssl',
    ['s_server', '-accept', `${ADDRESS}:${port}`, '-nocert', '-www', '-psk_hint', '3GPP-bootstrapping', ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const started = Promise.withResolvers<ChildProcess | undefined>()
  openssl.once('error', () => started.resolve(undefined))
  openssl.stdout.on('data', (text) => String(text).includes('ACCEPT') && started.resolve(openssl))
  openssl.stderr.on('data', (text) => started.reject(new Error(String(text))))
  return await started.promise
}

async function sameSession(
  bench: UtBench,
  ap: { address: string; port: number },
  access: 'psk-tls12' | 'psk-tls13',
): Promise<Ut> {
  bench.bsf.repeatVector()
  const places = { pcscf: ADDRESS, ue: ADDRESS, attacker: ADDRESS }
  const ut = { bsf: `http://${ADDRESS}:${bench.bsf.port}` }
  return await Ut.open({
    credentials: { ...testCredentials(places), ut },
    isimStore: memoryIsimStore(),
    settings: { access, ap, timeoutMs: 5_000 },
  })
}
