import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { PSK_IDENTITY_HINT, pskIdentityOf, TLS13_PSK_UA_PROTOCOL, uaProtocolOfSuiteName } from '@rollcall/gba'
import { ApStack, OTHER, XCAP } from './testing/ap-stack.ts'
import { keyOf, type Session } from './testing/played-bsf.ts'
import { DOCUMENT, PlayedUe } from './testing/played-ue.ts'

const address = '127.44.2.2'

type Version = 'TLSv1.2' | 'TLSv1.3'
const VERSIONS = {
  'TLSv1.2': { protocol: uaProtocolOfSuiteName('TLS_PSK_WITH_AES_128_GCM_SHA256'), ciphers: 'PSK-AES128-GCM-SHA256' },
  'TLSv1.3': { protocol: TLS13_PSK_UA_PROTOCOL, ciphers: 'TLS_AES_128_GCM_SHA256' },
} as const

interface PskOptions {
  readonly key?: Buffer
  readonly identity?: string
  readonly ciphers?: string
  readonly fqdn?: string
  readonly servername?: string
}

/** Opens PSK-TLS as a UE; what differs from the right thing is in `o`. */
function openPsk(stack: ApStack, version: Version, session: Session, o: PskOptions = {}): Promise<PlayedUe> {
  const { protocol, ciphers } = VERSIONS[version]
  const key = o.key ?? keyOf(session, o.fqdn ?? XCAP, protocol).reveal()
  return PlayedUe.open(stack, {
    port: version === 'TLSv1.2' ? stack.ports.psk12 : stack.ports.psk13,
    minVersion: version,
    maxVersion: version,
    ciphers: o.ciphers ?? ciphers,
    fqdn: o.fqdn ?? XCAP,
    servername: o.servername ?? o.fqdn ?? XCAP,
    pskCallback: () => ({ psk: key, identity: o.identity ?? pskIdentityOf(session.btid) }),
    checkServerIdentity: () => undefined,
  })
}

async function refused(opening: Promise<PlayedUe>): Promise<void> {
  // In TLS 1.3 a client may be through before the server has said no: then nothing is answered.
  await assert.rejects(async () => {
    const ue = await opening
    try {
      await ue.send()
    } finally {
      ue.close()
    }
  })
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`PSK-TLS with Ks_NAF lets its user in by ${version}, without a proof in HTTP (TS 33.222 clause 5.4, TS 33.222 clause 5.4.1, TS 24.109 clause 5.3.3, TS 24.109 clause 5.3.3.1.2, TS 24.109 clause 5.3.3.1.3)`, async (t) => {
    const stack = await ApStack.start(t, address)
    const session = stack.bsf.bootstrap('alice', { flags: [7] })
    const ue = await openPsk(stack, version, session)
    t.after(() => ue.close())
    for (let i = 0; i < 2; i++) assert.equal((await ue.send()).body, 'document')
    assert.equal(stack.as.seen[1]?.headers['x-3gpp-asserted-identity'], '"sip:alice@home1.net", "tel:+15550100"')
    assert.equal(stack.as.seen[1]?.headers['x-3gpp-authorization-flags'], '"7"')
    assert.deepEqual(
      stack.bsf.asked.map(({ uaProtocol }) => uaProtocol),
      [VERSIONS[version].protocol],
    )
  })

  test(`a victim's B-TID with a wrong key does not get in by ${version} (TS 33.222 clause 5.4, TS 24.109 clause 5.3.3.2)`, async (t) => {
    const stack = await ApStack.start(t, address)
    const victim = stack.bsf.bootstrap('alice')
    await refused(openPsk(stack, version, victim, { key: Buffer.alloc(32, 1) }))
    await refused(openPsk(stack, version, victim, { key: keyOf(victim, OTHER, VERSIONS[version].protocol).reveal() }))
    assert.equal(stack.as.seen.length, 0)
    assert.equal(await stack.runtime.metric('rollcall_ap_psk_handshakes_total{outcome="key"}'), 0)
    assert.ok(stack.runtime.lines.some((line) => line.includes('"reason":"wrong-psk"')))
  })

  test(`a victim's B-TID with another suite does not get in by ${version}`, async (t) => {
    const stack = await ApStack.start(t, address)
    const victim = stack.bsf.bootstrap('alice')
    const [key, certificate] =
      version === 'TLSv1.3'
        ? ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256']
        : ['PSK-AES256-GCM-SHA384', 'ECDHE-RSA-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384']
    for (const ciphers of [key, certificate]) {
      await refused(openPsk(stack, version, victim, { ciphers, key: Buffer.alloc(32, 1) }))
    }
    assert.equal(stack.as.seen.length, 0)
  })

  test(`an unknown B-TID, one that is over, what is no B-TID, and the key of a UICC fail by ${version} (TS 24.109 clause 5.3.3.4, TS 33.220 clause 5.3.3)`, async (t) => {
    const stack = await ApStack.start(t, address)
    const session = stack.bsf.bootstrap('alice')
    const over = stack.bsf.bootstrap('bob', { expiresMs: Date.now() - 1 })
    await refused(openPsk(stack, version, over))
    for (const identity of [
      '',
      session.btid,
      `3GPP-bootstrapping-uicc;${session.btid}`,
      `${PSK_IDENTITY_HINT};nobody`,
    ]) {
      await refused(openPsk(stack, version, session, { identity }))
    }
    stack.bsf.forget(session)
    await refused(openPsk(stack, version, session))
  })

  test(`a key for one NAF is none for another on the same proxy, by ${version} (TS 24.109 annex D.2)`, async (t) => {
    const stack = await twoNafs(t)
    const session = stack.bsf.bootstrap('alice')
    const ue = await openPsk(stack, version, session)
    t.after(() => ue.close())
    assert.equal((await ue.send({ headers: { Host: OTHER } })).status, 421)
    const other = await openPsk(stack, version, session, { fqdn: OTHER })
    t.after(() => other.close())
    assert.equal((await other.send()).status, 200)
    await refused(openPsk(stack, version, session, { servername: OTHER }))
    assert.equal(await stack.refusals('misdirected'), 1)
  })
}

async function twoNafs(t: TestContext): Promise<ApStack> {
  return ApStack.start(t, address, { nafs: [{ fqdn: XCAP }, { fqdn: OTHER }] })
}

/** What openssl's client gets when it sends a request by PSK-TLS: an implementation that is not Node's. */
function openssl(stack: ApStack, version: Version, session: Session, key: Buffer): Promise<string> {
  const port = version === 'TLSv1.2' ? stack.ports.psk12 : stack.ports.psk13
  const suite =
    version === 'TLSv1.2'
      ? ['-tls1_2', '-cipher', 'PSK-AES128-GCM-SHA256']
      : ['-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256']
  const child = spawn('openssl', [
    's_client',
    '-connect',
    `${address}:${port}`,
    '-servername',
    XCAP,
    ...suite,
    '-psk_identity',
    pskIdentityOf(session.btid),
    '-psk',
    key.toString('hex'),
    '-ign_eof',
  ])
  child.stdin.write(`GET ${DOCUMENT} HTTP/1.1\r\nHost: ${XCAP}\r\nConnection: close\r\n\r\n`)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (text += piece.toString()))
  return new Promise((resolve) => child.once('close', () => resolve(text)))
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`openssl s_client gets the document with the key by ${version}, and nothing with a wrong one (RFC 4279 section 2, RFC 8446 section 4.2.11)`, async (t) => {
    const stack = await ApStack.start(t, address)
    const session = stack.bsf.bootstrap('alice')
    const right = await openssl(stack, version, session, keyOf(session, XCAP, VERSIONS[version].protocol).reveal())
    assert.match(right, /HTTP\/1\.1 200 OK[\s\S]*document/)
    if (version === 'TLSv1.2') assert.match(right, /PSK identity hint: 3GPP-bootstrapping/)
    const wrong = await openssl(stack, version, session, Buffer.alloc(32, 9))
    assert.doesNotMatch(wrong, /HTTP\/1\.1/)
    assert.match(wrong, /alert|error/i)
  })
}

test('a connection does not outlive its key: bootstrapping is asked for, and it ends (TS 24.109 clause 5.3.3.4)', async (t) => {
  const stack = await ApStack.start(t, address, { isClockMoved: true })
  const session = stack.bsf.bootstrap('alice', { expiresMs: stack.now() + 60_000 })
  const ue = await openPsk(stack, 'TLSv1.3', session)
  t.after(() => ue.close())
  assert.equal((await ue.send()).status, 200)
  stack.advance(60_000)
  const late = await ue.send()
  assert.equal(late.status, 401)
  assert.equal(late.headers.connection, 'close')
  assert.equal(await stack.refusals('key-expired'), 1)
})

test('the listener with the certificate has suites with forward secrecy and authenticated encryption alone (TS 33.210 clause 6.2, TS 24.109 clause 5.3.5)', async (t) => {
  const stack = await ApStack.start(t, address)
  const weak = [
    'AES128-SHA',
    'ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256',
    'PSK-AES128-GCM-SHA256',
    'aNULL@SECLEVEL=0',
  ]
  for (const ciphers of weak) {
    await assert.rejects(PlayedUe.open(stack, { ciphers, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }), ciphers)
  }
  await assert.rejects(PlayedUe.open(stack, { ciphers: 'ALL@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }))
})

test('a client that has no key of GBA, and one that closes at once, leave nothing behind', async (t) => {
  const stack = await ApStack.start(t, address)
  await assert.rejects(PlayedUe.open(stack, { port: stack.ports.psk13 }))
  await assert.rejects(PlayedUe.open(stack, { port: stack.ports.psk12, maxVersion: 'TLSv1.2' }))
  assert.equal(stack.bsf.asked.length, 0)
})

test('where the operator has not opened PSK-TLS no key is even asked for (TS 33.141 clause 5.1.4)', async (t) => {
  const stack = await ApStack.start(t, address, { env: { ROLLCALL_AP_MEANS: 'gba-digest' } })
  const session = stack.bsf.bootstrap('alice')
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) await refused(openPsk(stack, version, session))
  assert.equal(stack.bsf.asked.length, 0)
})
