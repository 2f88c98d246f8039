import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { parseNameAddr } from '@rollcall/sip'
import { ALICE, ALICE_TEL, BOB, PHONE, TABLET } from '../testing/fixtures.ts'
import type { EndedRegistration } from './ended-registration.ts'
import { decodeRecord, type LoggedChange } from './record.ts'
import { Registrations } from './registrations.ts'
import { decodeSnapshotPart, type SnapshotPart } from './snapshot-record.ts'
import { registrationsOptions } from './testing/registrations-options.ts'

/** Records as they were written, and what they say. Never written anew: a log may hold them for as long as it exists. */
interface Specimen {
  readonly octets: string
  readonly logged: LoggedChange
}

async function corpus(name = 'records-v1'): Promise<Specimen[]> {
  const text = await readFile(new URL(`../../corpus/${name}.json`, import.meta.url), 'utf8')
  return JSON.parse(text) as Specimen[]
}

test('every record of version 1 is read as it was meant', async () => {
  const specimens = await corpus()
  assert.equal(specimens.length, 6)
  for (const { octets, logged } of specimens) {
    const read = JSON.parse(JSON.stringify(decodeRecord(Buffer.from(octets, 'base64'))))
    assert.deepEqual(read, asReadNow(logged))
  }
})

/** Fields that came later: what a record of then does not say is what was true then. */
function asReadNow(logged: LoggedChange): LoggedChange {
  const { change } = logged
  if (change.kind === 'removed') return { ...logged, change: { ...change, uri: '', retryAfterSeconds: 0 } }
  assert.equal(change.kind, 'bound')
  const { contact } = change
  const { uri } = parseNameAddr(contact.value)
  const profile = change.profile && { profile: profileNow(change.profile) }
  return { ...logged, change: { ...change, ...profile, contact: { ...contact, uri, state: 'registered' } } }
}

function profileNow(profile: ServiceProfile): ServiceProfile {
  const initialFilterCriteria = profile.initialFilterCriteria.map((criteria) => ({
    ...criteria,
    triggerPoint: criteria.triggerPoint && {
      ...criteria.triggerPoint,
      spt: criteria.triggerPoint.spt.map((trigger) => ({ ...trigger, registrationTypes: [] })),
    },
    applicationServer: criteria.applicationServer && {
      ...criteria.applicationServer,
      serviceInfo: '',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
    },
  }))
  return { ...profile, initialFilterCriteria }
}

test('a log of version 1 loads to what its owner had', async () => {
  const specimens = await corpus()
  const ended: EndedRegistration[] = []
  const clock = new VirtualClock((specimens.at(-1)?.logged.atMs ?? 0) + 1_000)
  const registrations = new Registrations(
    registrationsOptions(clock, {
      answers: { retainMs: 10_000_000, entriesMax: 100 },
      onEnded: async (end) => void ended.push(end),
    }),
  )
  for (const { octets } of specimens) {
    registrations.replay({ record: Buffer.from(octets, 'base64'), fromSnapshot: false })
  }
  assert.deepEqual(
    registrations.sets.map(({ canonicalImpu, contacts }) => [
      canonicalImpu,
      [...contacts.values()].map(({ cseq }) => cseq),
    ]),
    [[ALICE, [4]]],
  )
  assert.equal(registrations.boundInstance(PHONE)?.sourceAddress, '127.0.1.1')
  const keys = specimens.flatMap(({ logged }) => (logged.answered ? [logged.answered.key] : []))
  assert.ok(keys.every((key) => registrations.answerTo(key)))
  registrations.begin()
  assert.deepEqual(
    ended.map(({ impu, reason }) => `${impu} ${reason}`),
    [`${BOB} expired`],
  )
  registrations.drop()
  assert.equal(clock.pending, 0)
  assert.ok(specimens.some(({ octets }) => Buffer.from(octets, 'base64').includes(ALICE_TEL)))
})

test('records of several contacts, of the network’s doing and of subscriptions are read as they were meant', async () => {
  const specimens = await corpus('records-v1-reg-event')
  assert.equal(specimens.length, 13)
  for (const { octets, logged } of specimens) {
    assert.deepEqual(JSON.parse(JSON.stringify(decodeRecord(Buffer.from(octets, 'base64')))), logged)
  }
  const clock = new VirtualClock((specimens.at(-1)?.logged.atMs ?? 0) + 1_000)
  const registrations = new Registrations(registrationsOptions(clock))
  for (const { octets } of specimens) {
    registrations.replay({ record: Buffer.from(octets, 'base64'), fromSnapshot: false })
  }
  const [set] = registrations.sets
  assert.deepEqual(
    [...(set?.contacts.values() ?? [])].map(({ instance, uri, state }) => `${instance} ${uri} ${state}`),
    ['<urn:p> sip:alice@127.0.1.1:15066 shortened'],
  )
  assert.deepEqual(set?.profile.initialFilterCriteria, [])
  assert.deepEqual(
    registrations.subscriptions.of(ALICE).map(({ id, remoteCseq, notifyBase }) => [id, remoteCseq, notifyBase.cseq]),
    [['s1', 2, 4]],
  )
  assert.deepEqual(
    registrations.recentEnds(ALICE).map(({ ended: { impi, reason } }) => `${impi} ${reason}`),
    [`${PHONE} deactivated`, `${TABLET} rejected`],
  )
})

test('every part of a snapshot of version 2 is read as it was meant', async () => {
  const text = await readFile(new URL('../../corpus/snapshot-v2.json', import.meta.url), 'utf8')
  const specimens = JSON.parse(text) as { readonly octets: string; readonly part: SnapshotPart }[]
  assert.equal(specimens.length, 4)
  for (const { octets, part } of specimens) {
    assert.deepEqual(JSON.parse(JSON.stringify(decodeSnapshotPart(Buffer.from(octets, 'base64')))), part)
  }
})
