import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { TcpProxy } from '@rollcall/dev-env'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createRequest, type SipRequest, type SipResponse } from '@rollcall/sip'
import { FakeUe } from './testing/fake-ue.ts'
import { PCSCF_HOST, REALM, SCSCF_HOST } from './testing/fixtures.ts'
import { type Destination, ScscfStack, until } from './testing/scscf-stack.ts'

const ADDRESS = '127.1.6.5'
const LINK_PORT = 17_090
const PARTITIONS = 16
/** As many that each replica serves some of them, whoever has which partition. */
const USERS = 24

let stack: ScscfStack
let link: TcpProxy
const ues = Array.from({ length: USERS }, (_, index) => createUe(index))

function createUe(index: number): FakeUe {
  return new FakeUe({
    impi: `0010100001${String(index).padStart(5, '0')}@${REALM}`,
    impu: `sip:user-${index}@${REALM}`,
    address: `127.1.6.${100 + index}`,
    k: systemRandom.bytes(16),
    opc: systemRandom.bytes(16),
  })
}

function telOf(index: number): string {
  return `tel:+15551${String(index).padStart(3, '0')}`
}

before(async () => {
  // The second replica reaches NATS by a link that can be cut.
  stack = await ScscfStack.start(ADDRESS, {
    replicas: 2,
    natsUrl: (index, url) => (index === 1 ? url.replace(/:\d+$/, `:${LINK_PORT}`) : url),
    beforeScscf: async (store) => {
      link = await TcpProxy.start({ listen: `${ADDRESS}:${LINK_PORT}`, target: new URL(store.url).host })
    },
  })
  for (const [index, { impi, impu, keys }] of ues.entries()) {
    await stack.provision(`user-${index}`, [impu, telOf(index)], [{ impi, k: keys.k.reveal(), opc: keys.opc.reveal() }])
  }
  await shared()
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
  await link?.[Symbol.asyncDispose]()
})

async function owned(index: number): Promise<number> {
  return await stack.metric('rollcall_scscf_partitions_owned', index)
}

/** Waits until both replicas have their share. */
async function shared(): Promise<void> {
  await until(async () => {
    const counts = [await owned(0), await owned(1)] as const
    return counts[0] + counts[1] === PARTITIONS && counts.every((count) => count > 0)
  }, 'both replicas have their share')
}

function envelopeOf(ue: FakeUe): Partial<Envelope> {
  return {
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
    impi: ue.impi,
    assertedIdentities: [ue.impu],
    deadlineMs: 10_000,
  }
}

let serial = 0

function request(method: string, ue: FakeUe, uri: string, o: { route?: string[]; toTag?: string } = {}): SipRequest {
  const id = ++serial
  const tag = o.toTag === undefined ? '' : `;tag=${o.toTag}`
  return createRequest(method, uri, [
    ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKr${id}`],
    ['Via', `SIP/2.0/UDP ${ue.address}:15066;branch=z9hG4bKv${id}`],
    ...(o.route ?? [`<sip:orig@${SCSCF_HOST};lr>`]).map((value) => ['Route', value] as const),
    ['Max-Forwards', '69'],
    ['From', `<${ue.impu}>;tag=f${id}`],
    ['To', `<${uri}>${tag}`],
    ['Call-ID', `replicas-${id}`],
    ['CSeq', `1 ${method}`],
    ['Event', 'presence'],
    ['Contact', `<sip:${ue.address}:15066>`],
  ])
}

async function publish(ue: FakeUe, to: Destination): Promise<SipResponse> {
  return await stack.send(request('PUBLISH', ue, ue.impu), envelopeOf(ue), 'pcscf', to)
}

async function subscribe(ue: FakeUe, uri: string, to: Destination): Promise<SipResponse> {
  return await stack.send(request('SUBSCRIBE', ue, uri), envelopeOf(ue), 'pcscf', to)
}

/** Somebody whose partition this replica serves. */
async function userOf(index: number): Promise<FakeUe> {
  const impis = await stack.registrations(index, 'scscf')
  const ue = ues.find(({ impi }) => impis.includes(impi))
  assert.ok(ue, `nobody is served by replica ${index}`)
  return ue
}

test('who registers by one replica is served by both, whoever owns the registration', async () => {
  for (const [index, ue] of ues.entries()) {
    assert.equal((await stack.registerFully(ue, {}, index % 2 === 0 ? 0 : 1)).status, 200)
  }
  const [first, second] = [await stack.registrations(0, 'scscf'), await stack.registrations(1, 'scscf')]
  assert.ok(first.length > 0 && second.length > 0)
  const all = ues.map(({ impi }) => impi)
  assert.deepEqual([...first, ...second].sort(), all)
  // An operator hears of all of them from either.
  assert.deepEqual([await stack.registrations(0), await stack.registrations(1)], [all, all])
  for (const ue of ues) {
    for (const to of [0, 1]) assert.equal((await publish(ue, to)).status, 200)
  }
  assert.ok((await stack.metric('rollcall_hop_forwarded_total{outcome="response"}', 0)) > 0)
  assert.ok((await stack.metric('rollcall_hop_forwarded_total{outcome="response"}', 1)) > 0)
  assert.equal(await stack.metric('rollcall_scscf_registrations', 0), first.length)
})

test('a SUBSCRIBE passes the caller’s replica and the callee’s, and tells the presence server what one would', async () => {
  for (const [index, watcher] of ues.entries()) {
    const presentity = ues[(index + 7) % USERS]
    assert.ok(presentity)
    const aliases = [presentity.impu, telOf((index + 7) % USERS)]
    for (const [to, uri] of aliases.entries()) {
      const response = await subscribe(watcher, uri, to)
      assert.equal(response.status, 200)
      assert.equal(response.headers.list('Via').length, 2)
      const got = stack.received.presence.at(-1)
      assert.deepEqual(got?.envelope.assertedIdentities.slice(0, 1), [watcher.impu])
      assert.equal(got?.envelope.impi, '')
      assert.equal(got?.envelope.accessSecurity, AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN)
      assert.equal(got?.envelope.forwarded, false)
      assert.equal(got?.request.headers.get('P-Served-User'), `<${uri}>;sescase=term;regstate=reg`)
      assert.deepEqual(got?.request.headers.list('Record-Route'), [
        `<sip:dialog-term@${SCSCF_HOST};lr>`,
        `<sip:dialog-orig@${SCSCF_HOST};lr>`,
      ])
    }
  }
})

test('a challenge that one replica forwarded is answered by way of the other (TS 33.203 clause 6.1)', async () => {
  for (const ue of ues.slice(0, 6)) {
    const challenge = await stack.register(ue, { isProtected: true }, 0)
    assert.equal(challenge.status, 401)
    const authorization = ue.answer(challenge)
    assert.equal((await stack.register(ue, { isProtected: true, authorization }, 1)).status, 200)
  }
})

test('a REGISTER that comes once more by the other replica gets the same answer', async () => {
  for (const ue of ues.slice(0, 6)) {
    const challenge = await stack.register(ue, { isProtected: true }, 1)
    const message = ue.register({ isProtected: true, authorization: ue.answer(challenge) })
    const first = await stack.send(message.request, message.envelope, 'pcscf', 0)
    assert.equal(first.status, 200)
    const second = await stack.send(message.request, message.envelope, 'pcscf', 1)
    assert.deepEqual([...second.headers.entries()], [...first.headers.entries()])
  }
})

test('nobody but a replica is believed that it forwards for somebody else', async () => {
  const [ue] = ues
  assert.ok(ue)
  const forwarded = { ...envelopeOf(ue), forwarded: true, forwardedRole: 'pcscf' }
  for (const role of ['pcscf', 'presence'] as const) {
    const response = await stack.send(request('PUBLISH', ue, ue.impu), forwarded, role, 0)
    assert.equal(response.status, 403)
  }
  assert.equal((await stack.send(ue.register().request, forwarded, 'presence', 1)).status, 403)
  // A replica itself may, for it could say the same of its own.
  for (const to of [0, 1]) {
    const response = await stack.trySend(request('PUBLISH', ue, ue.impu), forwarded, 'scscf', to)
    assert.ok(response.kind === 'response')
    assert.ok(response.status === 200 || response.envelope?.misdirected, String(response.status))
  }
  // Without that it is another S-CSCF, which originates nothing here.
  assert.equal((await stack.send(request('PUBLISH', ue, ue.impu), envelopeOf(ue), 'scscf', 0)).status, 403)
})

test('a request inside a dialog needs no owner: any replica sends it on', async () => {
  const [ue] = ues
  assert.ok(ue)
  const route = [`<sip:dialog-term@${SCSCF_HOST};lr>`, `<sip:dialog-orig@${SCSCF_HOST};lr>`, `<sip:t@${PCSCF_HOST};lr>`]
  for (const to of [0, 1]) {
    const before = await stack.metric('rollcall_hop_forwarded_total', to)
    const notify = request('NOTIFY', ue, `sip:${ue.address}:15066`, { route, toTag: 'x' })
    assert.equal((await stack.send(notify, {}, 'presence', to)).status, 200)
    assert.equal(await stack.metric('rollcall_hop_forwarded_total', to), before)
  }
})

test('while the HSS is away both replicas serve whom they know', async () => {
  await stack.stopHss()
  for (const [index, watcher] of ues.entries()) {
    const presentity = ues[(index + 7) % USERS]
    for (const to of [0, 1]) {
      assert.equal((await publish(watcher, to)).status, 200)
      assert.equal((await subscribe(watcher, presentity?.impu ?? '', to)).status, 200)
      assert.equal((await subscribe(watcher, telOf((index + 7) % USERS), to)).status, 200)
    }
  }
  await stack.startHss()
  for (const owner of [0, 1]) {
    const ue = await userOf(owner)
    await until(
      async () => (await stack.registerFully(ue, {}, owner)).status === 200,
      `replica ${owner} has the HSS back`,
    )
  }
})

/** Sends PUBLISH, SUBSCRIBE and whole registrations to whatever replica the hop chooses, until it is stopped. */
function load(users: readonly FakeUe[]): { count(): number; stop(): Promise<Map<string, number>> } {
  const statuses = new Map<string, number>()
  let isStopped = false
  let count = 0
  const note = (what: string, { status }: SipResponse): void => {
    count += 1
    const key = `${what} ${status}`
    statuses.set(key, (statuses.get(key) ?? 0) + 1)
  }
  const one = async (ue: FakeUe, index: number): Promise<void> => {
    const other = users[(index + 3) % users.length]
    while (!isStopped) {
      note('PUBLISH', await publish(ue, 'any'))
      note('SUBSCRIBE', await subscribe(ue, other?.impu ?? '', 'any'))
      if (index % 3 > 0) continue
      note('REGISTER', await stack.registerFully(ue, { isProtected: true }, 'any'))
    }
  }
  const running = users.map(one)
  return {
    count: () => count,
    async stop() {
      isStopped = true
      await Promise.all(running)
      return statuses
    },
  }
}

test('a replica that leaves and comes back hands over under load, and no request fails', async () => {
  const under = load(ues)
  const pass = async (requests: number): Promise<void> => {
    const from = under.count()
    await until(() => under.count() > from + requests, 'the load goes on', 30_000)
  }
  await pass(300)
  await stack.stopScscf(1)
  await until(async () => (await owned(0)) === PARTITIONS, 'the first replica has everything')
  await pass(300)
  await stack.startScscf(1)
  await shared()
  await pass(300)
  const statuses = await under.stop()
  assert.deepEqual(
    [...statuses.keys()].sort(),
    ['PUBLISH 200', 'REGISTER 200', 'SUBSCRIBE 200'],
    JSON.stringify([...statuses]),
  )
  assert.deepEqual(
    await stack.registrations(0),
    ues.map(({ impi }) => impi),
  )
})

test('a replica that is cut off from the store serves nobody from memory: others do, and no request fails', async () => {
  const gone = await userOf(1)
  const others = ues.filter((ue) => ue !== gone)
  const under = load(others)
  link.stall()
  await until(async () => (await stack.metric('rollcall_scscf_lease_live', 1)) === 0, 'its lease has ended')
  await until(async () => (await owned(0)) === PARTITIONS, 'the other replica has everything', 30_000)
  // Who leaves by the other replica is gone, whatever the cut-off one remembers of him.
  assert.equal((await stack.register(gone, { isProtected: true, expires: 0 }, 0)).status, 200)
  const response = await stack.trySend(request('PUBLISH', gone, gone.impu), envelopeOf(gone), 'pcscf', 1)
  assert.ok(response.kind === 'response')
  assert.equal(response.status, 503)
  assert.ok(response.envelope?.misdirected)
  const from = under.count()
  await until(() => under.count() > from + 200, 'the load goes on', 30_000)
  link.cut()
  link.restore()
  await shared()
  const statuses = await under.stop()
  assert.deepEqual(
    [...statuses.keys()].sort(),
    ['PUBLISH 200', 'REGISTER 200', 'SUBSCRIBE 200'],
    JSON.stringify([...statuses]),
  )
  for (const to of [0, 1]) assert.equal((await publish(gone, to)).status, 403)
  assert.equal((await stack.registerFully(gone, {}, 1)).status, 200)
})

test('the end of a registration is told to the HSS by whoever owns it then', async () => {
  const ue = await userOf(1)
  assert.equal((await stack.registerFully(ue, { expires: 2 }, 0)).status, 200)
  await stack.stopScscf(1)
  const key = `user-${ues.indexOf(ue)}`
  await until(async () => (await stack.serverOf(key)) === '', 'the HSS knows', 20_000)
  assert.equal((await publish(ue, 0)).status, 403)
  await stack.startScscf(1)
  await shared()
})

test('an identity that nobody has is unknown by either replica', async () => {
  const [ue] = ues
  assert.ok(ue)
  assert.equal((await stack.registerFully(ue)).status, 200)
  for (const to of [0, 1]) {
    assert.equal((await subscribe(ue, `sip:nobody@${REALM}`, to)).status, 404)
    assert.equal((await subscribe(ue, 'tel:+15559999', to)).status, 404)
  }
})
