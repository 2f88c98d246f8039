import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import { NodeBed, request, responseOf, until } from './testing/node-bed.ts'

const ADDRESS = '127.32.2.1'
const ALICE = 'sip:alice@example.org'
const ASSERTED = [
  ['P-Asserted-Identity', `<${ALICE}>, <tel:+15550100>`],
  ['P-Charging-Vector', 'icid-value=1'],
  ['P-Served-User', `<${ALICE}>;sescase=orig;regstate=reg`],
] as const

let port = 20_000
const listenAt = (): string => `${ADDRESS}:${++port}`

/** What a TLS client that sends a ping hears: `\r\n`, an alert, or the end. */
async function tryTls(listen: string, options: ConnectionOptions): Promise<string> {
  const [host = '', text = ''] = listen.split(':')
  const socket = connect({ host, port: Number(text), checkServerIdentity: () => undefined, ...options })
  try {
    return await new Promise<string>((resolve) => {
      socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
      socket.once('data', (data) => resolve(data.toString('latin1')))
      socket.once('close', () => resolve('closed'))
      socket.once('secureConnect', () => socket.write('\r\n\r\n'))
    })
  } finally {
    socket.destroy()
  }
}

test('a P-CSCF with a role of the trust domain asserts identities over TLS (TS 24.229 clause 4.4, RFC 3325 section 5)', async (t) => {
  const bed = await NodeBed.create(t)
  const listen = listenAt()
  const scscf = await bed.start('scscf', { tlsListen: listen, peers: 'p.vendor.org=pcscf' })
  const pcscf = await bed.start('pcscf', { peers: `s.example.org=scscf@tls:${listen}` })
  const result = await pcscf.send('s.example.org', request('SUBSCRIBE', ASSERTED))
  assert.equal(responseOf(result).status, 200)
  const [taken] = scscf.taken
  assert.deepEqual(taken?.envelope.assertedIdentities, [ALICE, 'tel:+15550100'])
  assert.equal(taken?.envelope.accessSecurity, AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN)
  assert.deepEqual([taken?.peer.role, taken?.peer.spiffeId], ['pcscf', 'spiffe://rollcall.test/ns/ims/sa/pcscf'])
  assert.ok(taken?.request.headers.has('P-Charging-Vector'))
})

test('a node of names alone has the role that the setting gives its name (RFC 5922 section 7.1)', async (t) => {
  const bed = await NodeBed.create(t)
  const listen = listenAt()
  const scscf = await bed.start('scscf', { tlsListen: listen, peers: 'p.vendor.org=pcscf,as.vendor.org=as' })
  await bed.certificate('vendor', undefined, ['other.vendor.org', 'P.vendor.org'])
  assert.equal(await tryTls(listen, await bed.pem('vendor')), '\r\n')
  await until(async () => (await scscf.metric('rollcall_sip_connections{transport="TLS"}')) === 0)
  assert.equal(await scscf.metric('rollcall_sip_peers_refused_total'), 0)
})

test('an application server asserts nobody, whatever it writes (RFC 3325 section 5)', async (t) => {
  const bed = await NodeBed.create(t)
  const listen = listenAt()
  const scscf = await bed.start('scscf', { tlsListen: listen })
  const as = await bed.start('as', { peers: `s.example.org=scscf@tls:${listen}` })
  assert.equal(responseOf(await as.send('s.example.org', request('NOTIFY', ASSERTED))).status, 200)
  const [taken] = scscf.taken
  assert.deepEqual(taken?.envelope.assertedIdentities, [])
  assert.equal(taken?.peer.isAsserting, false)
  assert.equal(taken?.request.headers.has('P-Asserted-Identity'), false)
})

test('who is nobody that we know, or not of a role that may send here, is closed before anything is read; counted and audited', async (t) => {
  const bed = await NodeBed.create(t)
  const listen = listenAt()
  const scscf = await bed.start('scscf', {
    tlsListen: listen,
    peers: 'p.vendor.org=pcscf,as.vendor.org=as,h.vendor.org=hss',
  })
  const refused = async (name: string, role: string | undefined, dnsNames: readonly string[]): Promise<string> => {
    const before = scscf.lines.length
    await bed.certificate(name, role, dnsNames)
    assert.notEqual(await tryTls(listen, await bed.pem(name)), '\r\n', name)
    await until(() => scscf.lines.slice(before).some((line) => line.event === 'peer.refused'))
    return String(scscf.lines.slice(before).find((line) => line.event === 'peer.refused')?.reason)
  }
  assert.equal(await refused('unknown', undefined, ['x.vendor.org', 'vendor.org']), 'unknown-name')
  // RFC 5922 section 7.2: a wildcard is no name of any node.
  assert.equal(await refused('unnamed', undefined, []), 'unknown-name')
  assert.equal(await refused('two', undefined, ['p.vendor.org', 'as.vendor.org']), 'ambiguous-name')
  assert.equal(await refused('hss', 'hss', []), 'direction')
  assert.equal(await refused('hss-by-name', undefined, ['h.vendor.org']), 'direction')
  // Of our trust domain, so its names do not count.
  assert.equal(await refused('janitor', 'janitor', ['p.vendor.org']), 'unknown-role')
  assert.equal(await scscf.metric('rollcall_sip_peers_refused_total'), 6)
  assert.deepEqual(scscf.taken, [])
})

test('a certificate of another authority, and none, are refused in the handshake (RFC 3261 section 26.3.1)', async (t) => {
  const [bed, stranger] = [await NodeBed.create(t), await NodeBed.create(t)]
  const listen = listenAt()
  const scscf = await bed.start('scscf', { tlsListen: listen })
  await bed.certificate('good', 'pcscf')
  await stranger.certificate('bad', 'pcscf')
  const { ca, ...good } = await bed.pem('good')
  assert.equal(await tryTls(listen, { ...good, ca }), '\r\n')
  assert.match(await tryTls(listen, { ca }), /CERTIFICATE_REQUIRED|ECONNRESET|closed/)
  assert.match(await tryTls(listen, { ...(await stranger.pem('bad')), ca }), /UNKNOWN_CA|CERTIFICATE|ECONNRESET|closed/)
  await until(
    async () => (await scscf.metric('rollcall_sip_peers_refused_total{transport="TLS",reason="handshake"}')) === 2,
  )
})

test('a request goes to nobody but the node of its host: another node of the same authority gets nothing (RFC 5922 section 7.3)', async (t) => {
  const bed = await NodeBed.create(t)
  const listen = listenAt()
  const as = await bed.start('scscf', { tlsListen: listen })
  const scscf = await bed.start('scscf', { peers: `as.vendor.org=as@tls:${listen}` }, { name: 'scscf-2' })
  assert.deepEqual(await scscf.send('as.vendor.org', request('SUBSCRIBE')), { kind: 'unreachable' })
  assert.deepEqual(as.taken, [])
  assert.equal(await scscf.metric('rollcall_sip_closed_total{transport="TLS",reason="wrong-peer"}'), 1)
})

for (const transport of ['udp', 'tcp'] as const) {
  test(`what comes over plain ${transport} is unverified: nothing of the trust domain is believed or passed on (TS 24.229 clause 4.4)`, async (t) => {
    const bed = await NodeBed.create(t)
    const [listen, from] = [listenAt(), listenAt()]
    const unprotectedPeers = `p.vendor.org=pcscf@${transport}:${from}`
    const answer = { name: 's1', status: 200 }
    const scscf = await bed.start('scscf', { unprotectedListen: `${transport}:${listen}`, unprotectedPeers }, answer)
    const own = {
      unprotectedListen: `${transport}:${from}`,
      unprotectedPeers: `s.example.org=scscf@${transport}:${listen}`,
    }
    // It believes its link protected, so that it sends all.
    const pcscf = await bed.start('pcscf', { ...own, protectedElsewhere: ADDRESS })
    assert.equal(responseOf(await pcscf.send('s.example.org', request('SUBSCRIBE', ASSERTED))).status, 200)
    const [taken] = scscf.taken
    assert.deepEqual(taken?.envelope.assertedIdentities, [])
    assert.equal(taken?.envelope.accessSecurity, AccessSecurity.ACCESS_SECURITY_NONE)
    assert.deepEqual([taken?.peer.role, taken?.peer.isVerified], ['pcscf', false])
    for (const [name] of ASSERTED) assert.equal(taken?.request.headers.has(name), false, name)
    assert.ok(scscf.lines.some((line) => /UNPROTECTED/.test(String(line.msg))))
  })

  test(`a ${transport} link that something else protects is believed when a setting says so (TS 33.210)`, async (t) => {
    const bed = await NodeBed.create(t)
    const [listen, from] = [listenAt(), listenAt()]
    const unprotectedPeers = `p.vendor.org=pcscf@${transport}:${from}`
    const settings = { unprotectedListen: `${transport}:${listen}`, unprotectedPeers, protectedElsewhere: ADDRESS }
    const scscf = await bed.start('scscf', settings, { name: 's1' })
    const own = {
      unprotectedListen: `${transport}:${from}`,
      unprotectedPeers: `s.example.org=scscf@${transport}:${listen}`,
    }
    const pcscf = await bed.start('pcscf', { ...own, protectedElsewhere: ADDRESS })
    assert.equal(responseOf(await pcscf.send('s.example.org', request('SUBSCRIBE', ASSERTED))).status, 200)
    assert.deepEqual(scscf.taken[0]?.envelope.assertedIdentities, [ALICE, 'tel:+15550100'])
    // Without that setting at the sender nothing of the trust domain leaves it.
    await pcscf.node.close(0)
    const careful = await bed.start('pcscf', own, { name: 'pcscf-2' })
    assert.equal(responseOf(await careful.send('s.example.org', request('SUBSCRIBE', ASSERTED))).status, 200)
    for (const [name] of ASSERTED) assert.equal(scscf.taken[1]?.request.headers.has(name), false, name)
  })

  test(`over plain ${transport} an address that no setting lists is refused with 403`, async (t) => {
    const bed = await NodeBed.create(t)
    const [listen, from] = [listenAt(), `127.32.2.9:${++port}`]
    const unprotectedPeers = `p.vendor.org=pcscf@${transport}:127.32.2.8:5060`
    const scscf = await bed.start(
      'scscf',
      { unprotectedListen: `${transport}:${listen}`, unprotectedPeers },
      { name: 's1' },
    )
    const own = {
      unprotectedListen: `${transport}:${from}`,
      unprotectedPeers: `s.example.org=scscf@${transport}:${listen}`,
    }
    const pcscf = await bed.start('pcscf', own)
    assert.equal(responseOf(await pcscf.send('s.example.org', request('SUBSCRIBE'))).status, 403)
    assert.deepEqual(scscf.taken, [])
    assert.equal(await scscf.metric('rollcall_sip_peers_refused_total'), 1)
  })
}
