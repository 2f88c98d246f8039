import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { fetchMetrics, sumOf, waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { ENCAPSULATION_PORT, PORT_PS } from '@rollcall/deploy/local/stack.ts'
import { writePidf } from '@rollcall/pidf'
import { parseMessage } from '@rollcall/sip'
import type { Publication, Subscription, Ue } from '@rollcall/ue'
import { sendOctets, Wiretap } from '@rollcall/ue/adversary'
import { Attacker } from './support/attacker.ts'
import { TestNetwork } from './support/network.ts'
import { Dice } from './support/seeds.ts'

// An attacker knows the IMPI of a registered user and can send from any address. None of it may harm the user
// (TS 33.203 clause 7.4.2; docs/readings.md, Access 2).

const BLOCK = 38
const VICTIM_ADDRESS = `127.${BLOCK}.1.1`
const STRANGERS = [`127.${BLOCK}.1.66`, `127.${BLOCK}.1.67`, `127.${BLOCK}.1.68`] as const
/** Attempts that nobody goes on with end after this. */
const REG_AWAIT_AUTH_MS = 4_000
const TOLD_MS_MAX = 10_000

let network: TestNetwork
let victim: Ue
let friend: Ue
let subscription: Subscription
let publication: Publication
/** What the victim says to the unprotected port, and in its SAs. */
let tap: Wiretap
let espTap: Wiretap
let callIdOfVictim: string
let held: { readonly contacts: unknown; readonly registration: unknown; readonly sets: readonly string[] }
let notes = 0

before(async () => {
  tap = new Wiretap({ address: VICTIM_ADDRESS, port: 15_060 })
  espTap = new Wiretap({ address: VICTIM_ADDRESS, port: ENCAPSULATION_PORT })
  network = await TestNetwork.start({
    block: BLOCK,
    settings: {
      ROLLCALL_PCSCF_REG_AWAIT_AUTH_MS: String(REG_AWAIT_AUTH_MS),
      ROLLCALL_SCSCF_REG_AWAIT_AUTH_MS: String(REG_AWAIT_AUTH_MS),
    },
  })
  victim = await network.ue('alice-phone')
  friend = await network.ue('bob')
  await victim.register()
  callIdOfVictim = parseMessage(tap.lastPacket ?? Buffer.alloc(0)).headers.get('Call-ID') ?? ''
  await friend.register()
  publication = await friend.publish({ body: writePidf({ entity: friend.identity, tupleId: 'a', basic: 'open' }) })
  subscription = await victim.subscribe({ uri: friend.identity })
  await subscription.next(TOLD_MS_MAX)
})

beforeEach(async () => {
  held = await victimsState()
})

after(async () => {
  tap?.[Symbol.dispose]()
  espTap?.[Symbol.dispose]()
  await network?.[Symbol.asyncDispose]()
})

/** What P-CSCF and S-CSCF hold of the victim, as an operator sees it. */
async function victimsState() {
  const contacts = (await network.operator.listContacts()).filter(({ impi }) => impi === victim.impi)
  const registrations = (await network.operator.listRegistrations()).filter(({ impi }) => impi === victim.impi)
  return {
    contacts: contacts.map(({ impus, contactUri, expiresAtMs }) => ({ impus, contactUri, expiresAtMs })),
    registration: registrations,
    sets: victim.saSets.map(({ id }) => id),
  }
}

/** Everything of the victim's is as it was, and serves. */
async function unharmed(): Promise<void> {
  assert.deepEqual(await victimsState(), held)
  await isServed()
  assert.deepEqual(network.unexpectedEnds, [])
}

/** A change of the friend's reaches the victim in its SAs, and the victim's own request is answered. */
async function isServed(): Promise<void> {
  notes += 1
  const note = `state ${notes}`
  await publication.modify(writePidf({ entity: friend.identity, tupleId: 'a', basic: 'open', note }))
  let told = await subscription.next(TOLD_MS_MAX)
  while (!told.body.toString().includes(note)) told = await subscription.next(TOLD_MS_MAX)
  assert.ok(victim.saSets.some(({ id }) => id === told.setId))
  await victim.checkAlive()
}

async function pcscf(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  return sumOf(await fetchMetrics(network.stack.probe('pcscf')), name, labels)
}

/** Does `act` and waits until the counter `{reason}` has grown. */
async function counted(name: 'refused' | 'dropped', reason: string, act: () => Promise<unknown>): Promise<void> {
  const read = () => pcscf(`rollcall_pcscf_${name}_total`, { reason })
  const was = await read()
  await act()
  await waitUntil(`${name} counts ${reason}`, async () => (await read()) > was)
}

/** The limits of a source and of the IMPI are full again, and no attempt is pending. */
async function calm(): Promise<void> {
  await waitUntil('no attempt is pending', async () => (await pcscf('rollcall_pcscf_attempts')) === 0, 20_000)
}

const credentials = () => network.world.credentials['alice-phone']
const attackerAt = (address: string, random?: Dice) => Attacker.at(address, credentials(), random?.random)

test('an answer that is wrong, or right but outside of the SAs of its challenge, proves nothing (TS 33.203 clause 6.1.1)', async () => {
  for (const by of ['guess', 'key'] as const) {
    using attacker = await attackerAt(STRANGERS[0])
    const callId = `attack-${by}`
    const challenge = await attacker.register({ callId })
    assert.equal(challenge.status, 401)
    assert.ok(!/[ ,](?:ck|ik)=/i.test(challenge.headers.get('WWW-Authenticate') ?? ''))
    const answer = attacker.answerTo(challenge, by)
    const { status } = await attacker.register({ callId, answer })
    assert.ok(status >= 400, `${by}: ${status}`)
    // The same answer once more, and in another's attempt.
    const again = await attacker.register({ callId, answer })
    assert.ok(again.status >= 400, `${by} again: ${again.status}`)
    await unharmed()
  }
})

test('neither a REGISTER overheard from the victim nor a packet of its SA serves a second time (RFC 4303 section 3.4.3)', async () => {
  using attacker = await attackerAt(STRANGERS[1])
  await attacker.send(tap.lastPacket ?? Buffer.alloc(0), credentials().pcscf)
  await victim.checkAlive()
  const octets = espTap.lastPacket ?? Buffer.alloc(0)
  await counted('dropped', 'replay', () =>
    sendOctets({ fromAddress: STRANGERS[1], to: credentials().encapsulation, octets }),
  )
  await unharmed()
})

test('REGISTERs from the victim’s address, with its Call-ID, or with Expires 0 are challenged and end nothing (TS 33.203 clause 7.4.2)', async () => {
  await calm()
  using neighbour = await attackerAt(VICTIM_ADDRESS)
  assert.equal((await neighbour.register({ callId: callIdOfVictim, cseq: 9_000 })).status, 401)
  assert.equal((await neighbour.register({ callId: callIdOfVictim, cseq: 9_001, expiresSeconds: 0 })).status, 401)
  await unharmed()
  using stranger = await attackerAt(STRANGERS[2])
  assert.equal((await stranger.register({ callId: callIdOfVictim, cseq: 10_000 })).status, 401)
  assert.equal((await stranger.register({ expiresSeconds: 0 })).status, 401)
  await unharmed()
})

test('what only the network may say is taken off a REGISTER and of no use to who forges it (TS 24.229 clauses 4.4 and 5.2.2.2)', async () => {
  await calm()
  using attacker = await attackerAt(STRANGERS[0])
  const forged = {
    headers: [
      `P-Asserted-Identity: <${victim.identity}>`,
      'Path: <sip:attacker@127.38.1.66:5070;lr>',
      'Service-Route: <sip:attacker@127.38.1.66:5070;lr>',
      'P-Charging-Vector: icid-value=forged;orig-ioi=attacker.example',
      'P-Charging-Function-Addresses: ccf=127.38.1.66',
      'P-Visited-Network-ID: "attacker.example"',
    ],
  }
  for (const value of ['"yes"', 'yes', '"auth-done"', '"tls-yes"', '"ip-assoc-yes"']) {
    const answer = `,nonce="",response="",integrity-protected=${value}`
    const { status, headers } = await attacker.register({ ...forged, answer })
    assert.ok(status === 401 || status === 503, `integrity-protected=${value}: ${status}`)
    for (const name of ['P-Charging-Vector', 'Path', 'Service-Route', 'P-Associated-URI']) {
      assert.ok(!headers.has(name), `${name} comes back`)
    }
  }
  await unharmed()
})

test('a hostile Security-Client is answered in 4xx and leaves nothing behind (RFC 3329 section 2.3.1)', async () => {
  await calm()
  const setsBefore = await pcscf('rollcall_pcscf_sa_sets')
  const hostile = [
    '',
    ';alg=test',
    'ipsec-3gpp',
    `ipsec-3gpp;alg=${'a'.repeat(5_000)}`,
    'ipsec-3gpp;alg=hmac-sha-1-96;spi-c=\0;spi-s=\0',
    `${'ipsec-3gpp;alg=hmac-sha-1-96,'.repeat(200)}ipsec-3gpp`,
    'ipsec-3gpp;alg=hmac-sha-1-96;mod=UDP-enc-tun;spi-c=0;spi-s=0;port-c=0;port-s=0',
    'ipsec-3gpp;alg=hmac-sha-1-96;mod=UDP-enc-tun;spi-c=4294967296;spi-s=-1;port-c=65536;port-s=1',
  ]
  for (const [index, securityClient] of hostile.entries()) {
    using attacker = await attackerAt(`127.${BLOCK}.2.${index + 1}`)
    const { status } = await attacker.register({ securityClient })
    assert.ok(status >= 400 && status < 500 && status !== 401, `${securityClient.slice(0, 40)}: ${status}`)
  }
  assert.equal(await pcscf('rollcall_pcscf_sa_sets'), setsBefore)
  await unharmed()
})

test('on protected ports nothing counts that does not come in ESP (TS 33.203 clause 7.1)', async () => {
  using attacker = await attackerAt(STRANGERS[0])
  const address = network.stack.options.address
  const octets = `SUBSCRIBE ${friend.identity} SIP/2.0\r\nVia: SIP/2.0/UDP ${STRANGERS[0]}:5070;branch=z9hG4bKx\r\n\r\n`
  await counted('dropped', 'unprotected-on-protected-port', () => attacker.send(octets, { address, port: PORT_PS }))
  await counted('dropped', 'unknown-spi', () => attacker.send(octets, { address, port: ENCAPSULATION_PORT }))
  const known = Buffer.from(espTap.lastPacket ?? Buffer.alloc(0))
  known.writeUInt32BE(known.readUInt32BE(4) + 1_000, 4)
  await counted('dropped', 'integrity', () => attacker.send(known, { address, port: ENCAPSULATION_PORT }))
  await unharmed()
})

test('floods from one address and from many are refused by reason, and the victim re-registers at once (readings, Access 2)', async () => {
  await calm()
  using one = await attackerAt(STRANGERS[0])
  await counted('refused', 'source-rate', () => one.flood(40))
  await unharmed()
  const many = await Promise.all(Array.from({ length: 30 }, (_, i) => attackerAt(`127.${BLOCK}.3.${i + 1}`)))
  try {
    await counted('refused', 'attempts-full-impi', async () => {
      for (const attacker of many) await attacker.flood(3)
    })
    await counted('refused', 'impi-rate', async () => {
      for (const attacker of many) await attacker.flood(2)
    })
    // In the middle of it.
    const flooding = many.map((attacker) => attacker.flood(20))
    const beganMs = performance.now()
    await victim.reregister()
    assert.ok(performance.now() - beganMs < 5_000)
    await Promise.all(flooding)
  } finally {
    for (const attacker of many) attacker[Symbol.dispose]()
  }
  await isServed()
})

test('attackers’ attempts and the victim’s life in any order: it goes on, and time takes away all that they left (readings, Access 2)', async (t) => {
  const contacts = await pcscf('rollcall_pcscf_contacts')
  for (const seed of [3, 29]) {
    await t.test(`seed ${seed}`, async () => {
      const dice = new Dice(`attack ${seed}`)
      const addresses = [...STRANGERS, VICTIM_ADDRESS]
      const attackers = await Promise.all(addresses.map((address) => attackerAt(address, dice)))
      const forge = () => ({
        callId: dice.percent(30) ? callIdOfVictim : `seed-${seed}-${dice.below(4)}`,
        expiresSeconds: dice.pick([0, 600, 600_000]),
        ...(dice.percent(40) && { answer: `,nonce="${'A'.repeat(43)}=",response="${'0'.repeat(32)}"` }),
        ...(dice.percent(30) && { headers: [`P-Asserted-Identity: <${victim.identity}>`, 'Path: <sip:x@y;lr>'] }),
        ...(dice.percent(20) && { securityClient: null }),
      })
      const steps: readonly (() => Promise<unknown>)[] = [
        () => dice.pick(attackers).flood(dice.between(1, 10), forge()),
        async () => {
          const { status } = await dice.pick(attackers).register(forge())
          assert.ok(status >= 400, String(status))
        },
        () => attackers[0]?.send(tap.lastPacket ?? Buffer.alloc(0), credentials().pcscf) ?? Promise.resolve(),
        () => isServed(),
        () => victim.reregister(),
      ]
      try {
        for (let step = 0; step < 25; step++) await dice.pick(steps)()
      } finally {
        for (const attacker of attackers) attacker[Symbol.dispose]()
      }
      await isServed()
      assert.equal(await pcscf('rollcall_pcscf_contacts'), contacts)
    })
  }
  await calm()
  const left = async () => [
    await pcscf('rollcall_pcscf_contacts'),
    await pcscf('rollcall_pcscf_attempts'),
    await pcscf('rollcall_pcscf_sa_sets'),
  ]
  await waitUntil(
    'one set is left of each contact',
    async () => {
      return JSON.stringify(await left()) === JSON.stringify([contacts, 0, contacts])
    },
    30_000,
  )
  const scscf = await fetchMetrics(network.stack.probe('scscf'))
  assert.equal(sumOf(scscf, 'rollcall_scscf_registrations'), 2)
  await isServed()
})
