import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseImpu } from '@rollcall/core'
import { SaSetState } from '@rollcall/proto-gen/admin'
import { RpcError } from '@rollcall/runtime'
import type { Dialog, SipResponse } from '@rollcall/sip'
import { memoryIsimStore, RegistrationRefusedError, type Subscription, type Ue } from '@rollcall/ue'
import {
  registerWithWrongRes,
  requestInAnothersName,
  sendForgedSubscribe,
  sendOctets,
  Wiretap,
} from '@rollcall/ue/adversary'
import { ALICE, ALICE_IMPI, ALICE_TEL, BOB, BOB_IMPI } from './testing/messages.ts'
import { Stack, T1_MS, until } from './testing/stack.ts'

const ADDRESS = '127.1.7.1'
const ALICE_PHONE = '127.1.7.11'
const BOB_PHONE = '127.1.7.12'
const ATTACKER = '127.1.7.66'
const GRACE_MS = 64 * T1_MS

let stack: Stack
let alice: Ue

before(async () => {
  stack = await Stack.start(ADDRESS)
  alice = await stack.openUe(ALICE_PHONE)
})

after(async () => {
  await stack[Symbol.asyncDispose]()
})

/** States of alice's sets at the P-CSCF, oldest first. */
async function setStates(): Promise<SaSetState[]> {
  const { contacts } = await stack.listContacts()
  return contacts.find(({ impi }) => impi === ALICE_IMPI)?.saSets.map(({ state }) => state) ?? []
}

async function subscribe(ue: Ue): Promise<Subscription> {
  return await ue.subscribe({ uri: parseImpu(BOB), eventPackage: 'presence' })
}

test('a UE registers by AKA, its SAs stand, and the core hears who it is from the SA alone', async () => {
  const registration = await alice.register()
  assert.deepEqual(registration.associatedUris, [ALICE, ALICE_TEL])
  assert.equal(alice.protection, 'udp-enc-tun aes-cbc hmac-sha-1-96')
  const { contacts } = await stack.listContacts()
  assert.equal(contacts.length, 1)
  assert.deepEqual(contacts[0]?.impus, [ALICE, ALICE_TEL])
  assert.deepEqual(await setStates(), [SaSetState.SA_SET_STATE_ESTABLISHED])
  await subscribe(alice)
  const { request, envelope } = stack.scscf.last('SUBSCRIBE') ?? assert.fail('no SUBSCRIBE')
  assert.deepEqual(request.headers.getAll('P-Asserted-Identity'), [`<${ALICE}>`])
  assert.equal(envelope.impi, ALICE_IMPI)
  assert.deepEqual(envelope.assertedIdentities, [ALICE])
})

test('registered again twice, a NOTIFY of an old dialog comes in the newest set, and the old sets end after their time (TS 33.203 clause 7.4)', async () => {
  const subscription = await subscribe(alice)
  const dialog = stack.scscf.dialogs.at(-1) ?? assert.fail('no dialog')
  await alice.reregister()
  await alice.reregister()
  const { contacts } = await stack.listContacts()
  const newest = contacts[0]?.saSets.at(-1)
  assert.equal(newest?.state, SaSetState.SA_SET_STATE_ESTABLISHED)
  assert.equal((await stack.scscf.notify(dialog, '<newest/>')).status, 200)
  assert.match(String((await subscription.next(5_000)).body), /newest/)
  await until(async () => (await setStates()).length === 1, 'the old sets end', GRACE_MS + 4_000)
  const left = (await stack.listContacts()).contacts[0]?.saSets
  assert.equal(left?.[0]?.spiPs, newest?.spiPs)
  assert.equal((await stack.scscf.notify(dialog, '<still/>')).status, 200)
  assert.match(String((await subscription.next(5_000)).body), /still/)
})

test('a core that has forgotten its challenge gives another one, and the UE registers all the same (TS 24.229 clause 5.1.1.5.1)', async () => {
  for (const isRegistered of [true, false]) {
    stack.scscf.forgets = 1
    if (isRegistered) await alice.reregister()
    else {
      await alice.deregister()
      stack.scscf.forgets = 1
      await alice.register()
    }
    assert.ok(stack.scscf.forgets < 1)
    await subscribe(alice)
    await alice.checkAlive()
  }
})

test('a SUBSCRIBE forged at the protected port is dropped and counted; at the unprotected one it gets 403 (readings, Access 5)', async () => {
  const before = stack.scscf.requests.length
  const forged = { fromAddress: ATTACKER, presentity: parseImpu(BOB), claimed: parseImpu(ALICE), waitMs: 300 }
  const bare = await sendForgedSubscribe({ ...forged, to: { address: ADDRESS, port: 15_064 } })
  assert.equal(bare, undefined)
  assert.equal(await stack.metric('rollcall_pcscf_dropped_total', 'unprotected-on-protected-port'), 1)
  const plain = await sendForgedSubscribe({ ...forged, waitMs: 3_000, to: { address: ADDRESS, port: 15_060 } })
  assert.equal(plain?.status, 403)
  assert.equal(await stack.metric('rollcall_pcscf_refused_total', 'unprotected-request'), 1)
  assert.equal(stack.scscf.requests.length, before)
})

test('in one’s own SA another’s name is not asserted (TS 24.229 clause 5.2.6.3.1)', async () => {
  await using bob = await stack.openUe(BOB_PHONE, { impi: BOB_IMPI, instance: 'urn:gsma:imei:35000000-000003-0' })
  await bob.register()
  await requestInAnothersName(bob, {
    method: 'SUBSCRIBE',
    uri: parseImpu(ALICE),
    claimed: parseImpu(ALICE),
    eventPackage: 'presence.winfo',
  })
  const { envelope } = stack.scscf.last('SUBSCRIBE') ?? assert.fail('no SUBSCRIBE')
  assert.deepEqual(envelope.assertedIdentities, [BOB])
  assert.equal(envelope.impi, BOB_IMPI)
  await bob.deregister()
})

test('a wrong RES ends in 403 in the old set, and that goes on (TS 33.203 clause 6.1.2.1)', async () => {
  assert.equal((await registerWithWrongRes(alice))?.status, 403)
  await alice.checkAlive()
  await subscribe(alice)
})

test('a packet played again is dropped and counted, and a foreign SPI too (RFC 4303 section 3.4.3)', async () => {
  const address = '127.1.7.13'
  using wiretap = new Wiretap({ address, port: 14_500 })
  await using bob = await stack.openUe(address, { impi: BOB_IMPI, instance: 'urn:gsma:imei:35000000-000004-0' })
  await bob.register()
  const packet = wiretap.lastPacket ?? assert.fail('nothing was overheard')
  const to = { address: ADDRESS, port: 14_500 }
  await sendOctets({ fromAddress: ATTACKER, to, octets: packet })
  const foreign = Buffer.from(packet)
  foreign.writeUInt32BE(12_345, 0)
  await sendOctets({ fromAddress: ATTACKER, to, octets: foreign })
  const changed = Buffer.from(packet)
  changed.writeUInt8((changed.at(-1) ?? 0) ^ 1, changed.length - 1)
  changed.writeUInt32BE(900, 4)
  await sendOctets({ fromAddress: ATTACKER, to, octets: changed })
  for (const reason of ['replay', 'unknown-spi', 'integrity']) {
    await until(async () => (await stack.metric('rollcall_pcscf_dropped_total', `"${reason}"`)) === 1, reason)
  }
  await bob.deregister()
})

test('a forged flow token is refused with 403, a foreign role’s question with PERMISSION_DENIED', async () => {
  assert.equal((await stack.scscf.notifyTo(`<sip:${'A'.repeat(48)}@pcscf-0.pcscf.x;lr>`)).status, 403)
  await assert.rejects(
    stack.listContacts('presence'),
    (error) => error instanceof RpcError && error.code === 'RPC_DENIED',
  )
})

test('without NATS dialogs go on, and a registration gets 503 with Retry-After; it recovers by itself', async () => {
  const dialog = stack.scscf.dialogs.at(-1) ?? assert.fail('no dialog')
  await stack.store.server.kill('SIGKILL')
  await until(() => stack.pcscf.service.ready().reasons.length > 0, 'the P-CSCF notices')
  assert.equal(stack.pcscf.service.ready().ready, true)
  assert.equal((await stack.scscf.notify(dialog)).status, 200)
  await subscribe(alice)
  await assert.rejects(alice.reregister(), (error) => error instanceof RegistrationRefusedError && error.status === 503)
  await stack.store.server.restart()
  await until(() => stack.pcscf.service.ready().reasons.length === 0, 'the P-CSCF comes back')
  await alice.reregister()
})

test('a core that does not answer is 504', async () => {
  stack.scscf.isSilent = true
  try {
    await assert.rejects(
      alice.reregister(),
      (error) => error instanceof RegistrationRefusedError && error.status === 504,
    )
  } finally {
    stack.scscf.isSilent = false
  }
})

test('after a restart the registration is known and its SAs are not: 503, then the UE registers anew and old dialogs go on (readings, Access 3)', async () => {
  const subscription = await subscribe(alice)
  const dialog = stack.scscf.dialogs.at(-1) ?? assert.fail('no dialog')
  await stack.restartPcscf()
  const { contacts } = await stack.listContacts()
  assert.equal(contacts.length, 1)
  assert.deepEqual(contacts[0]?.saSets, [])
  const answer = await notifyWhenReachable(dialog)
  assert.equal(answer.status, 503)
  assert.ok(Number(answer.headers.get('Retry-After')) > 0)
  await alice.reregisterFromScratch()
  assert.equal((await stack.scscf.notify(dialog, '<again/>')).status, 200)
  assert.match(String((await subscription.next(5_000)).body), /again/)
})

test('after a de-registration the contact is gone, a NOTIFY gets 404, and the SAs end', async () => {
  const dialog = stack.scscf.dialogs.at(-1) ?? assert.fail('no dialog')
  await alice.deregister()
  assert.deepEqual((await stack.listContacts()).contacts, [])
  assert.equal((await stack.scscf.notify(dialog)).status, 404)
  await until(async () => (await stack.metric('rollcall_pcscf_sa_sets')) === 0, 'the SAs end', GRACE_MS + 4_000)
})

test('what the network ends, ends here: the contact is gone, and its UE has no SA to speak in (TS 24.229 clause 5.2.5.2)', async () => {
  await using ue = await stack.openUe('127.1.7.15', { instance: 'urn:gsma:imei:35000000-000005-0' })
  const known = stack.scscf.regDialogs.length
  await ue.register()
  await until(() => stack.scscf.regDialogs.length > known, 'the P-CSCF subscribes to the registration state')
  const own = stack.scscf.requests.findLast(({ request }) => request.headers.get('From')?.startsWith('<sip:pcscf-0'))
  assert.match(own?.envelope.assertedIdentities[0] ?? '', /^sip:[A-Za-z0-9_-]{48}@pcscf-0\.pcscf\./)
  const dialog = stack.scscf.regDialogs.at(-1) ?? assert.fail('no dialog')
  const contact = {
    id: 'c',
    uri: 'sip:127.1.7.15:15064',
    state: 'terminated',
    event: 'deactivated',
    instance: '<urn:gsma:imei:35000000-000005-0>',
  } as const
  const registrations = [ALICE, ALICE_TEL].map((aor) => ({
    aor,
    id: aor,
    state: 'terminated' as const,
    contacts: [contact],
  }))
  const answer = await stack.scscf.notifyReg(dialog, { version: 0, state: 'full', registrations })
  assert.equal(answer.status, 200)
  assert.deepEqual((await stack.listContacts()).contacts, [])
  await assert.rejects(subscribe(ue))
  await until(async () => (await stack.metric('rollcall_pcscf_sa_sets')) === 0, 'the SAs end', GRACE_MS + 4_000)
})

test('no key stands in any file that NATS keeps, nor in the log', async () => {
  const isim = memoryIsimStore()
  await using ue = await stack.openUe('127.1.7.14', { isimStore: isim })
  await ue.register()
  const challenges = stack.scscf.challenges()
  assert.ok(challenges.length > 0)
  const files = await filesUnder(join(stack.folder, 'nats'))
  const written = [
    ...(await Promise.all(files.map((file) => readFile(file)))),
    Buffer.from(stack.pcscf.logLines.join('')),
  ]
  for (const key of challenges) {
    for (const form of [key, Buffer.from(key.toString('hex')), Buffer.from(key.toString('base64'))]) {
      assert.ok(written.every((octets) => !octets.includes(form)))
    }
  }
  await ue.deregister()
})

/** The S-CSCF's stream to a P-CSCF that was started anew takes a moment to come back. */
async function notifyWhenReachable(dialog: Dialog): Promise<SipResponse> {
  let answer: SipResponse | undefined
  await until(async () => {
    answer = await stack.scscf.notify(dialog).catch(() => undefined)
    return answer !== undefined
  }, 'the hop is there again')
  return answer ?? assert.fail('no answer')
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
