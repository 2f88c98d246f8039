import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { ALICE, ALICE_TEL, BOB, PHONE } from '../testing/fixtures.ts'
import type { EndedRegistration } from './ended-registration.ts'
import { decodeRecord, type LoggedChange } from './record.ts'
import { Registrations } from './registrations.ts'

/** Records as they were written, and what they say. Never written anew: a log may hold them for as long as it exists. */
interface Specimen {
  readonly octets: string
  readonly logged: LoggedChange
}

async function corpus(): Promise<Specimen[]> {
  const text = await readFile(new URL('../../corpus/records-v1.json', import.meta.url), 'utf8')
  return JSON.parse(text) as Specimen[]
}

test('every record of version 1 is read as it was meant', async () => {
  const specimens = await corpus()
  assert.equal(specimens.length, 6)
  for (const { octets, logged } of specimens) {
    const read = JSON.parse(JSON.stringify(decodeRecord(Buffer.from(octets, 'base64'))))
    assert.deepEqual(read, logged)
  }
})

test('a log of version 1 loads to what its owner had', async () => {
  const specimens = await corpus()
  const ended: EndedRegistration[] = []
  const clock = new VirtualClock((specimens.at(-1)?.logged.atMs ?? 0) + 1_000)
  const registrations = new Registrations({
    clock,
    random: seededRandom('corpus'),
    serviceRoute: '<sip:orig@x;lr>',
    expiresSecondsMax: 600_000,
    answers: { retainMs: 10_000_000, entriesMax: 100 },
    owns: () => true,
    onEnded: async (end) => void ended.push(end),
    onSkipped: () => {},
    onSnapshotFailed: () => {},
  })
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
