import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, VirtualClock } from '@rollcall/core'
import { StoreUnavailableError } from '@rollcall/store'
import type { AcceptedAnswer } from '../registrar/attempt.ts'
import type { RegisterRequest } from '../registrar/register-request.ts'
import {
  ALICE,
  ALICE_PROFILE,
  ALICE_TEL,
  answer,
  BOB,
  BOB_IMPI,
  BOB_PROFILE,
  contact,
  contacts,
  PHONE,
  profile,
  REALM,
  TABLET,
  vector,
} from '../testing/fixtures.ts'
import type { EndedRegistration } from './ended-registration.ts'
import { liveContacts } from './registration.ts'
import { Registrations, type RegistrationsOptions } from './registrations.ts'
import { MemoryLogs } from './testing/memory-logs.ts'
import { registrationsOptions } from './testing/registrations-options.ts'

const SERVICE_ROUTE = `<sip:orig@scscf-0.scscf.${REALM};lr>`

interface Process {
  readonly registrations: Registrations
  readonly ended: EndedRegistration[]
  readonly snapshotErrors: string[]
}

/** A process that owns the partition of `logs`. */
async function start(
  logs: MemoryLogs,
  clock: VirtualClock,
  options: Partial<RegistrationsOptions> = {},
): Promise<Process> {
  const ended: EndedRegistration[] = []
  const snapshotErrors: string[] = []
  const registrations = new Registrations(
    registrationsOptions(clock, {
      serviceRoute: SERVICE_ROUTE,
      onEnded: async (end) => void ended.push(end),
      onSnapshotFailed: ({ code }) => snapshotErrors.push(code),
      ...options,
    }),
  )
  registrations.open(await logs.take(0, (loaded) => registrations.replay(loaded)))
  registrations.begin()
  return { registrations, ended, snapshotErrors }
}

function phone(changes: Partial<RegisterRequest> = {}): RegisterRequest {
  return answer(vector('phone'), { expiresSeconds: 3_600, contact: contact('phone'), ...changes })
}

function tablet(changes: Partial<RegisterRequest> = {}): RegisterRequest {
  return phone({ impi: TABLET, callId: 'tablet', contact: contact('tablet', 'sip:alice@127.0.1.2:15066'), ...changes })
}

async function accept(outcome: Promise<{ kind: string }>): Promise<AcceptedAnswer> {
  const settled = (await outcome) as { kind: string; reason?: string; answer?: AcceptedAnswer }
  assert.equal(settled.kind, 'accepted', settled.reason ?? '')
  assert.ok(settled.answer)
  return settled.answer
}

async function refusal(outcome: Promise<{ kind: string; reason?: string }>): Promise<string | undefined> {
  return (await outcome).reason
}

function values(given: AcceptedAnswer, name: string): string[] {
  return given.headers.filter(([header]) => header === name).map(([, value]) => value)
}

function boundOf(registrations: Registrations, impu: Impu, clock: VirtualClock): string[] {
  const set = registrations.findByImpu(impu)
  return set ? liveContacts(set, clock.now()).map(({ impi }) => impi) : []
}

/** What is known of all sets, in an order that does not depend on how it came to be. */
function told(registrations: Registrations): unknown[] {
  return registrations.sets
    .map(({ canonicalImpu, profile: known, contacts }) => ({ canonicalImpu, known, contacts }))
    .sort((one, other) => one.canonicalImpu.localeCompare(other.canonicalImpu))
}

test('a binding is found by every identity of its set, and its 200 says what the UE needs (TS 24.229 clause 5.4.1.2.2F)', async () => {
  const clock = new VirtualClock()
  const { registrations } = await start(new MemoryLogs(), clock)
  const given = await accept(registrations.bind(phone(), ALICE_PROFILE))
  assert.deepEqual(values(given, 'Contact'), ['<sip:alice@127.0.1.1:15066>;+sip.instance="<phone>";expires=3600'])
  assert.deepEqual(values(given, 'Path'), phone().path)
  assert.deepEqual(values(given, 'Service-Route'), [SERVICE_ROUTE])
  assert.deepEqual(values(given, 'P-Associated-URI'), [`<${ALICE}>, <${ALICE_TEL}>`])
  for (const impu of [ALICE, ALICE_TEL]) assert.deepEqual(boundOf(registrations, impu, clock), [PHONE])
  assert.deepEqual(boundOf(registrations, BOB, clock), [])
})

test('a barred identity is not associated, and the default one comes first (TS 23.228 clause 5.2.1)', async () => {
  const { registrations } = await start(new MemoryLogs(), new VirtualClock())
  const given = await accept(registrations.bind(phone(), profile(`!${ALICE}`, ALICE_TEL, BOB)))
  assert.deepEqual(values(given, 'P-Associated-URI'), [`<${ALICE_TEL}>, <${BOB}>`])
})

test('two IMPIs of one implicit set are both bound; one de-registers and the other stays', async () => {
  const clock = new VirtualClock()
  const { registrations, ended } = await start(new MemoryLogs(), clock)
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  clock.advance(60_000)
  const given = await accept(registrations.bind(tablet(), ALICE_PROFILE))
  // The registering one first, the other with what is left of its time.
  assert.deepEqual(
    values(given, 'Contact').map((value) => /"<(\w+)>";expires=(\d+)/.exec(value)?.slice(1)),
    [
      ['tablet', '3600'],
      ['phone', '3540'],
    ],
  )
  assert.deepEqual(boundOf(registrations, ALICE, clock), [PHONE, TABLET])
  const end = await accept(registrations.unbind(phone({ expiresSeconds: 0, cseq: 3 })))
  assert.equal(values(end, 'Contact').length, 1)
  assert.deepEqual(boundOf(registrations, ALICE_TEL, clock), [TABLET])
  assert.deepEqual(ended, [{ impi: PHONE, impu: ALICE, reason: 'unregistered' }])
  await accept(registrations.unbind(tablet({ expiresSeconds: 0, cseq: 3 })))
  assert.equal(registrations.findByImpu(ALICE), undefined)
})

test('"*" ends what this IMPI has bound, and nothing else (RFC 3261 section 10.2.2)', async () => {
  const clock = new VirtualClock()
  const { registrations } = await start(new MemoryLogs(), clock)
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  await accept(registrations.bind(tablet(), ALICE_PROFILE))
  await accept(registrations.unbind(phone({ expiresSeconds: 0, cseq: 3, contact: { kind: 'all' } })))
  assert.deepEqual(boundOf(registrations, ALICE, clock), [TABLET])
})

test('what is not bound can be de-registered without a record', async () => {
  const logs = new MemoryLogs()
  const { registrations, ended } = await start(logs, new VirtualClock())
  await accept(registrations.unbind(phone({ expiresSeconds: 0 })))
  assert.equal(logs.appended, 0)
  assert.deepEqual(ended, [])
})

test('an IMPI that is bound on another instance is refused; on its own it takes its place (readings)', async () => {
  const clock = new VirtualClock()
  const { registrations } = await start(new MemoryLogs(), clock)
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  const other = phone({ callId: 'other', contact: contact('second phone') })
  assert.equal(await refusal(registrations.bind(other, ALICE_PROFILE)), 'other-instance')
  await accept(registrations.bind(phone({ callId: 'restarted', cseq: 1 }), ALICE_PROFILE))
  assert.deepEqual(boundOf(registrations, ALICE, clock), [PHONE])
  // Once the first is over, the second is welcome.
  clock.advance(3_600_000)
  await accept(registrations.bind(other, ALICE_PROFILE))
})

test('a REGISTER that counts backwards in its Call-ID changes nothing (RFC 3261 section 10.3 step 7)', async () => {
  const { registrations } = await start(new MemoryLogs(), new VirtualClock())
  await accept(registrations.bind(phone({ cseq: 5 }), ALICE_PROFILE))
  assert.equal(await refusal(registrations.bind(phone({ cseq: 5 }), ALICE_PROFILE)), 'out-of-order')
  assert.equal(await refusal(registrations.bind(phone({ cseq: 4 }), ALICE_PROFILE)), 'out-of-order')
})

test('a registration is shortened to the longest that is granted, and gets it when it does not ask', async () => {
  const { registrations } = await start(new MemoryLogs(), new VirtualClock())
  for (const [index, expiresSeconds] of [undefined, 4_000_000].entries()) {
    const given = await accept(registrations.bind(phone({ expiresSeconds, cseq: 2 + index }), ALICE_PROFILE))
    assert.match(values(given, 'Contact')[0] ?? '', /;expires=600000$/)
  }
})

test('the 200 leaves when the record is durable, and not before (ARCHITECTURE, decision 1)', async () => {
  const logs = new MemoryLogs()
  const { registrations } = await start(logs, new VirtualClock())
  const { promise, resolve } = Promise.withResolvers<void>()
  logs.beforeAck = () => promise
  let isAnswered = false
  const outcome = registrations.bind(phone(), ALICE_PROFILE).then((given) => {
    isAnswered = true
    return given
  })
  await new Promise((next) => setImmediate(next))
  assert.equal(isAnswered, false)
  assert.equal(logs.appended, 1)
  resolve()
  await accept(outcome)
})

test('a log that cannot be written is found out before anything is decided', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations } = await start(logs, clock)
  logs.isAvailable = false
  assert.equal(await refusal(registrations.bind(phone(), ALICE_PROFILE)), 'store-unavailable')
  assert.deepEqual(boundOf(registrations, ALICE, clock), [])
  logs.isAvailable = true
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  logs.isAvailable = false
  assert.equal(await refusal(registrations.unbind(phone({ expiresSeconds: 0, cseq: 3 }))), 'store-unavailable')
  assert.deepEqual(boundOf(registrations, ALICE, clock), [PHONE])
})

test('when the answer of an append is lost, memory keeps what may be in the log', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations } = await start(logs, clock)
  logs.losesAnswer = true
  assert.equal(await refusal(registrations.bind(phone(), ALICE_PROFILE)), 'store-unavailable')
  assert.deepEqual(boundOf(registrations, ALICE, clock), [PHONE])
  assert.deepEqual(boundOf((await start(logs, clock)).registrations, ALICE, clock), [PHONE])
})

test('a restart ends where the process before it was, with the answers it gave', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const first = await start(logs, clock)
  const request = phone()
  const given = await accept(first.registrations.bind(request, ALICE_PROFILE))
  await accept(first.registrations.bind(tablet(), ALICE_PROFILE))
  await accept(first.registrations.bind(phone({ impi: BOB_IMPI, impu: BOB, callId: 'bob' }), BOB_PROFILE))
  await accept(first.registrations.unbind(tablet({ expiresSeconds: 0, cseq: 3 })))
  const second = await start(logs, clock)
  assert.deepEqual(told(second.registrations), told(first.registrations))
  assert.deepEqual(second.registrations.answerTo(request.key), given)
  assert.equal(second.registrations.boundInstance(BOB_IMPI)?.sourceAddress, '127.0.1.1')
})

test('the profile is written once, and again when it has changed', async () => {
  const logs = new MemoryLogs()
  const clock = new VirtualClock()
  const { registrations } = await start(logs, clock)
  const sizes: number[] = []
  const bind = async (given: Promise<{ kind: string }>) => {
    await accept(given)
    sizes.push([...logs.records.values()].flat().at(-1)?.length ?? 0)
  }
  await bind(registrations.bind(phone(), ALICE_PROFILE))
  await bind(registrations.bind(phone({ cseq: 3 }), ALICE_PROFILE))
  await bind(registrations.bind(phone({ cseq: 4 }), profile(ALICE, ALICE_TEL, `sip:alias@${REALM}`)))
  const [first, second, third] = sizes
  assert.ok(first && second && third && second + 300 < first && third > second + 300, String(sizes))
  const reloaded = await start(logs, clock)
  assert.deepEqual(boundOf(reloaded.registrations, `sip:alias@${REALM}` as Impu, clock), [PHONE])
})

test('a contact ends with its time: a record, and word to the HSS (ARCHITECTURE, decision 4)', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations, ended } = await start(logs, clock)
  await accept(registrations.bind(phone({ expiresSeconds: 600 }), ALICE_PROFILE))
  await accept(registrations.bind(tablet({ expiresSeconds: 1_200 }), ALICE_PROFILE))
  clock.advance(599_999)
  assert.deepEqual(boundOf(registrations, ALICE, clock), [PHONE, TABLET])
  clock.advance(1)
  await new Promise((next) => setImmediate(next))
  assert.deepEqual(boundOf(registrations, ALICE, clock), [TABLET])
  assert.deepEqual(ended, [{ impi: PHONE, impu: ALICE, reason: 'expired' }])
  assert.equal(logs.appended, 3)
})

test('a refreshed contact does not end at its former time', async () => {
  const clock = new VirtualClock()
  const { registrations, ended } = await start(new MemoryLogs(), clock)
  await accept(registrations.bind(phone({ expiresSeconds: 600 }), ALICE_PROFILE))
  clock.advance(500_000)
  await accept(registrations.bind(phone({ expiresSeconds: 600, cseq: 3 }), ALICE_PROFILE))
  clock.advance(200_000)
  assert.deepEqual(boundOf(registrations, ALICE, clock), [PHONE])
  assert.deepEqual(ended, [])
})

test('a contact whose time is up while the log is away counts no more, and its end is written later', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations, ended } = await start(logs, clock)
  await accept(registrations.bind(phone({ expiresSeconds: 600 }), ALICE_PROFILE))
  logs.isAvailable = false
  clock.advance(605_000)
  assert.deepEqual(boundOf(registrations, ALICE, clock), [])
  assert.equal(registrations.boundInstance(PHONE), undefined)
  assert.equal(logs.appended, 1)
  logs.isAvailable = true
  clock.advance(1_000)
  await new Promise((next) => setImmediate(next))
  assert.equal(logs.appended, 2)
  assert.equal(ended.length, 1)
})

test('what ended while no process ran ends at the next start', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const first = await start(logs, clock)
  await accept(first.registrations.bind(phone({ expiresSeconds: 600 }), ALICE_PROFILE))
  await first.registrations.release()
  clock.advance(700_000)
  const second = await start(logs, clock)
  assert.deepEqual(boundOf(second.registrations, ALICE, clock), [])
  clock.advance(1)
  await new Promise((next) => setImmediate(next))
  assert.deepEqual(second.ended, [{ impi: PHONE, impu: ALICE, reason: 'expired' }])
})

test('after a crash the HSS hears again of an end that it may have missed', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const first = await start(logs, clock)
  await accept(first.registrations.bind(phone(), ALICE_PROFILE))
  await accept(first.registrations.bind(tablet(), ALICE_PROFILE))
  await accept(first.registrations.unbind(phone({ expiresSeconds: 0, cseq: 3 })))
  await accept(first.registrations.unbind(tablet({ expiresSeconds: 0, cseq: 3 })))
  await accept(first.registrations.bind(tablet({ cseq: 4 }), ALICE_PROFILE))
  const second = await start(logs, clock)
  assert.deepEqual(second.ended, [{ impi: PHONE, impu: ALICE, reason: 'unregistered' }])
  clock.advance(600_000)
  assert.deepEqual((await start(logs, clock)).ended, [])
})

test('of a partition that was dropped nothing is known or decided any more, and no timer is left', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations } = await start(logs, clock)
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  assert.ok(registrations.isOwned(ALICE))
  registrations.drop()
  assert.equal(registrations.findByImpu(ALICE), undefined)
  assert.ok(!registrations.isOwned(ALICE))
  assert.equal(await refusal(registrations.bind(phone({ cseq: 3 }), ALICE_PROFILE)), 'not-served-here')
  assert.equal(clock.pending, 0)
})

test('a binding that was on its way when the partition was dropped is for another replica to answer', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations } = await start(logs, clock)
  const { promise, resolve } = Promise.withResolvers<void>()
  logs.beforeAck = async () => {
    await promise
    throw new StoreUnavailableError('closed', 'open')
  }
  const outcome = registrations.bind(phone(), ALICE_PROFILE)
  registrations.drop()
  resolve()
  assert.equal(await refusal(outcome), 'not-served-here')
})

test('a set of another partition is not bound here', async () => {
  const { registrations } = await start(new MemoryLogs(), new VirtualClock(), { owns: (impu) => impu === BOB })
  assert.equal(await refusal(registrations.bind(phone(), ALICE_PROFILE)), 'not-served-here')
  await accept(registrations.bind(phone({ impi: BOB_IMPI, impu: BOB, callId: 'bob' }), BOB_PROFILE))
})

test('nothing ends, and nobody is told, before the partition is announced', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const first = await start(logs, clock)
  await accept(first.registrations.bind(phone({ expiresSeconds: 600 }), ALICE_PROFILE))
  await accept(first.registrations.unbind(phone({ expiresSeconds: 0, cseq: 3 })))
  await accept(first.registrations.bind(tablet({ expiresSeconds: 600 }), ALICE_PROFILE))
  await first.registrations.release()
  const ended: EndedRegistration[] = []
  const next = new Registrations(registrationsOptions(clock, { onEnded: async (end) => void ended.push(end) }))
  next.open(await logs.take(0, (loaded) => next.replay(loaded)))
  clock.advance(200_000)
  assert.deepEqual(ended, [])
  assert.equal(clock.pending, 0)
  next.begin()
  assert.deepEqual(ended, [{ impi: PHONE, impu: ALICE, reason: 'unregistered' }])
  assert.equal(clock.pending, 1)
})

test('a snapshot holds the partition as it was, and the next owner goes on from it', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const first = await start(logs, clock)
  const request = phone()
  const given = await accept(first.registrations.bind(request, ALICE_PROFILE))
  await accept(first.registrations.bind(tablet(), ALICE_PROFILE))
  await accept(first.registrations.bind(phone({ impi: BOB_IMPI, impu: BOB, callId: 'bob' }), BOB_PROFILE))
  const end = phone({ impi: BOB_IMPI, impu: BOB, callId: 'bob', expiresSeconds: 0, cseq: 3 })
  logs.wantsSnapshot = true
  await accept(first.registrations.unbind(end))
  // What comes before the snapshot is read is not in it.
  await accept(first.registrations.bind(tablet({ cseq: 3, callId: 'later' }), ALICE_PROFILE))
  await new Promise((next) => setImmediate(next))
  assert.equal(logs.appended, 1)
  assert.equal(logs.snapshots.get(0)?.length, 6)
  const second = await start(logs, clock)
  assert.deepEqual(told(second.registrations), told(first.registrations))
  assert.deepEqual(second.registrations.answerTo(request.key), given)
  assert.ok(second.registrations.answerTo(end.key))
  assert.deepEqual(second.ended, [{ impi: BOB_IMPI, impu: BOB, reason: 'unregistered' }])
})

test('the answer to a REGISTER whose record is on its way is in the snapshot, too', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations } = await start(logs, clock)
  const { promise, resolve } = Promise.withResolvers<void>()
  let waits = 0
  logs.beforeAck = () => (++waits === 1 ? promise : Promise.resolve())
  const request = phone()
  const outcome = registrations.bind(request, ALICE_PROFILE)
  logs.wantsSnapshot = true
  await accept(registrations.bind(tablet(), ALICE_PROFILE))
  await new Promise((next) => setImmediate(next))
  resolve()
  const given = await accept(outcome)
  assert.equal(logs.appended, 0)
  const second = await start(logs, clock)
  assert.deepEqual(second.registrations.answerTo(request.key), given)
})

test('a snapshot that fails is told, and nothing else comes of it', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations, snapshotErrors } = await start(logs, clock)
  logs.wantsSnapshot = true
  logs.snapshotError = new StoreUnavailableError('no-answer', 'open')
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  await new Promise((next) => setImmediate(next))
  assert.deepEqual(snapshotErrors, ['STORE_UNAVAILABLE'])
  assert.equal(logs.appended, 1)
})

test('several contacts of one REGISTER are bound, each with its time, and listed with what they brought (RFC 3261 section 10.3)', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations } = await start(logs, clock)
  const uris = ['sip:alice@127.0.1.1:15066', 'sip:alice@[2001:db8::1]:15066']
  const both = phone({ contact: contacts('phone', uris, [600, 1_200]) })
  const given = await accept(registrations.bind(both, ALICE_PROFILE))
  assert.deepEqual(
    values(given, 'Contact').map((value) => /<(.*?)>;\+sip.instance=.*;expires=(\d+)/.exec(value)?.slice(1)),
    [
      [uris[0], '600'],
      [uris[1], '1200'],
    ],
  )
  assert.equal(logs.appended, 2)
  assert.deepEqual(registrations.answerTo(both.key), given)
  assert.deepEqual(told((await start(logs, clock)).registrations), told(registrations))
  // The first runs out, the second stays; a REGISTER that names one alone has that one alone.
  clock.advance(600_000)
  assert.deepEqual(registrations.boundInstance(PHONE)?.uris, uris.slice(1))
  const one = phone({ cseq: 3, contact: contacts('phone', uris.slice(0, 1)) })
  assert.equal(values(await accept(registrations.bind(one, ALICE_PROFILE)), 'Contact').length, 1)
  assert.deepEqual(registrations.boundInstance(PHONE)?.uris, uris.slice(0, 1))
})

test('a contact that a REGISTER names with Expires 0 goes, and the others stay (RFC 3261 section 10.2.2)', async () => {
  const clock = new VirtualClock()
  const { registrations, ended } = await start(new MemoryLogs(), clock)
  const uris = ['sip:alice@127.0.1.1:15066', 'sip:alice@127.0.1.1:15067', 'sip:alice@127.0.1.1:15068']
  await accept(registrations.bind(phone({ contact: contacts('phone', uris) }), ALICE_PROFILE))
  const mixed = phone({ cseq: 3, contact: contacts('phone', uris, [600, 0, 600]) })
  await accept(registrations.bind(mixed, ALICE_PROFILE))
  assert.deepEqual(registrations.boundInstance(PHONE)?.uris, [uris[0], uris[2]])
  await accept(registrations.unbind(phone({ cseq: 4, expiresSeconds: 0, contact: contacts('phone', [uris[2] ?? '']) })))
  assert.deepEqual(registrations.boundInstance(PHONE)?.uris, [uris[0]])
  assert.deepEqual(ended, [], 'the private identity is registered still')
  const all = phone({ cseq: 5, expiresSeconds: 0, contact: { kind: 'all' } })
  assert.deepEqual(values(await accept(registrations.unbind(all)), 'Contact'), [])
  assert.deepEqual(ended, [{ impi: PHONE, impu: ALICE, reason: 'unregistered' }])
})

test('a set has a bounded number of contacts; its own UE replaces its own at the bound', async () => {
  const { registrations } = await start(new MemoryLogs(), new VirtualClock(), { contactsMax: 2 })
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  await accept(registrations.bind(tablet(), ALICE_PROFILE))
  const third = phone({ impi: BOB_IMPI, callId: 'third', contact: contact('third', 'sip:alice@127.0.1.3') })
  assert.equal(await refusal(registrations.bind(third, ALICE_PROFILE)), 'contacts-full')
  await accept(registrations.bind(phone({ cseq: 3 }), ALICE_PROFILE))
  const two = phone({ cseq: 4, contact: contacts('phone', ['sip:a@127.0.1.1', 'sip:b@127.0.1.1']) })
  assert.equal(await refusal(registrations.bind(two, ALICE_PROFILE)), 'contacts-full')
})

test('a barred identity registers its set, and is not usable (TS 24.229 clause 5.4.1.2.2F)', async () => {
  const clock = new VirtualClock()
  const { registrations } = await start(new MemoryLogs(), clock)
  const barred = profile(`!${BOB}`, ALICE, ALICE_TEL)
  const given = await accept(registrations.bind(phone({ impu: BOB }), barred))
  assert.deepEqual(values(given, 'P-Associated-URI'), [`<${ALICE}>, <${ALICE_TEL}>`])
  for (const impu of [BOB, ALICE, ALICE_TEL]) assert.deepEqual(boundOf(registrations, impu, clock), [PHONE])
  // All of the set go together, by whichever identity the UE leaves.
  await accept(registrations.unbind(phone({ impu: ALICE_TEL, cseq: 3, expiresSeconds: 0 })))
  for (const impu of [BOB, ALICE, ALICE_TEL]) assert.deepEqual(boundOf(registrations, impu, clock), [])
})

test('who is told of registrations hears of each when it is durable (TS 24.229 clauses 5.4.1.5 and 5.4.1.7)', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const heard: string[] = []
  const { registrations, ended } = await start(logs, clock, {
    listeners: [
      {
        registered: ({ contacts: all }, { instance }, kind) => heard.push(`${kind} ${instance} of ${all.size}`),
        deregistered: ({ contacts: all }, { instance }, reason) =>
          heard.push(`${reason} ${instance}, ${all.size} left`),
      },
    ],
  })
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  await accept(registrations.bind(tablet(), ALICE_PROFILE))
  await accept(registrations.bind(phone({ cseq: 3 }), ALICE_PROFILE))
  const elsewhere = phone({ callId: 'new', contact: contact('phone', 'sip:alice@127.0.1.9') })
  await accept(registrations.bind(elsewhere, ALICE_PROFILE))
  await accept(registrations.unbind(tablet({ cseq: 3, expiresSeconds: 0 })))
  const end = { isMeant: () => true, reason: 'deactivated', retryAfterSeconds: 0, isOfHss: true } as const
  assert.deepEqual(await registrations.end(ALICE, end), { kind: 'done', contacts: 1 })
  assert.deepEqual(await registrations.end(ALICE, end), { kind: 'done', contacts: 0 })
  assert.deepEqual(heard, [
    'initial phone of 1',
    'initial tablet of 2',
    're-registration phone of 2',
    'replaced phone, 2 left',
    're-registration phone of 2',
    'unregistered tablet, 1 left',
    'deactivated phone, 0 left',
  ])
  assert.deepEqual(ended, [{ impi: TABLET, impu: ALICE, reason: 'unregistered' }], 'the HSS knows what it asked for')
  logs.isAvailable = false
  assert.equal(await refusal(registrations.end(ALICE, end)), 'store-unavailable')
  assert.equal(await refusal(registrations.shorten(ALICE, () => true, 0)), 'store-unavailable')
  assert.equal(await registrations.replaceProfile(ALICE_PROFILE), 'store-unavailable')
})

test('what the network did to contacts and profiles is there after a restart', async () => {
  const clock = new VirtualClock()
  const logs = new MemoryLogs()
  const { registrations } = await start(logs, clock)
  await accept(registrations.bind(phone(), ALICE_PROFILE))
  await accept(registrations.bind(tablet(), ALICE_PROFILE))
  const isPhone = ({ impi }: { readonly impi: string }): boolean => impi === PHONE
  assert.deepEqual(await registrations.shorten(ALICE, isPhone, clock.now() + 60_000), { kind: 'done', contacts: 1 })
  assert.equal(await registrations.replaceProfile(profile(ALICE, ALICE_TEL, BOB)), 'stored')
  const restarted = (await start(logs, clock)).registrations
  assert.deepEqual(told(restarted), told(registrations))
  assert.deepEqual(boundOf(restarted, BOB, clock), [PHONE, TABLET])
  clock.advance(60_000)
  assert.deepEqual(boundOf(restarted, ALICE, clock), [TABLET])
  assert.equal(
    await restarted.replaceProfile(BOB_PROFILE),
    'stored',
    'of a set without contacts there is nothing to replace',
  )
  assert.equal(restarted.size, 1)
})
