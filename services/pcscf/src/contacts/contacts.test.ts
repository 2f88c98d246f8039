import assert from 'node:assert/strict'
import test from 'node:test'
import { parseImpi, parseImpu } from '@rollcall/core'
import fc from 'fast-check'
import { RecordUnreadableError } from '../errors.ts'
import { ALICE, ALICE_IMPI, ALICE_TEL, BOB_IMPI, HOST, PHONE, SERVICE_ROUTE, UE } from '../testing/messages.ts'
import { type Contact, contactKey } from './contact.ts'
import { ContactTable } from './contact-table.ts'
import { type Change, decodeRecord, encodeRecord } from './record.ts'

const ID = Buffer.alloc(16, 1)

function contact(o: Partial<Contact> = {}): Contact {
  return {
    registrationId: ID,
    impi: parseImpi(ALICE_IMPI),
    instance: `<${PHONE}>`,
    contactUri: `sip:${UE}:15064`,
    impus: [parseImpu(ALICE), parseImpu(ALICE_TEL)],
    associatedUris: [ALICE, ALICE_TEL],
    serviceRoute: [SERVICE_ROUTE],
    path: `<sip:token@${HOST};lr>`,
    expiresAtMs: 1_000_000,
    charging: { functions: ['ccf="[2001:db8::1]"'], termIoi: 'home' },
    ...o,
  }
}

test('what is written is read back the same, behind a version octet', () => {
  const changes: Change[] = [
    { kind: 'contact-bound', contact: contact() },
    { kind: 'contact-removed', registrationId: ID, reason: 'expired' },
    { kind: 'contact-removed', registrationId: ID, reason: 'unregistered' },
    { kind: 'contact-removed', registrationId: ID, reason: 'replaced' },
    { kind: 'contact-removed', registrationId: ID, reason: 'network' },
    { kind: 'token-key-added', keyId: 0xffff_fffe, sealedKey: Buffer.from('sealed'), sinceMs: 1_764_000_000_000 },
  ]
  for (const change of changes) {
    const record = encodeRecord(change, { atMs: 1_764_000_000_000, traceparent: '00-a-b-01' })
    assert.equal(record[0], 1)
    assert.deepEqual(decodeRecord(record), change)
  }
})

test('a record of another version, without a change, or damaged anywhere is refused by its typed error', () => {
  const record = encodeRecord({ kind: 'contact-bound', contact: contact() }, { atMs: 1, traceparent: '' })
  for (const bad of [Buffer.alloc(0), Buffer.of(2, 8, 1), Buffer.of(1), Buffer.of(1, 8, 1)]) {
    assert.throws(() => decodeRecord(bad), RecordUnreadableError)
  }
  fc.assert(
    fc.property(fc.nat(record.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(record)
      damaged[at] = (damaged[at] ?? 0) ^ flip
      try {
        decodeRecord(damaged)
      } catch (error) {
        assert.ok(error instanceof RecordUnreadableError, String(error))
      }
    }),
    { seed: 7, numRuns: 1000 },
  )
})

test('a UE is found by IMPI and instance, and by what its token names; bound anew, under its newest id alone', () => {
  const table = new ContactTable()
  const key = contactKey(parseImpi(ALICE_IMPI), `<${PHONE}>`)
  table.bind(contact())
  table.bind(contact({ registrationId: Buffer.alloc(16, 2), expiresAtMs: 2_000_000 }))
  assert.equal(table.size, 1)
  assert.equal(table.findById(ID, 0), undefined)
  assert.equal(table.find(key, 0)?.expiresAtMs, 2_000_000)
  assert.equal(table.findById(Buffer.alloc(16, 2), 0), table.find(key, 0))
})

test('a contact lives 30 s beyond its registration, then it is not found, and the sweep takes it out', () => {
  const table = new ContactTable()
  table.bind(contact())
  const impi = parseImpi(ALICE_IMPI)
  assert.equal(table.ofImpi(impi, 1_029_999).length, 1)
  assert.equal(table.ofImpi(impi, 1_030_000).length, 0)
  assert.equal(table.findById(ID, 1_030_000), undefined)
  assert.deepEqual([...table.all(1_030_000)], [])
  assert.equal(table.sweep(1_030_000).length, 1)
  assert.equal(table.size, 0)
})

test('removing a registration leaves the others of the IMPI and of other IMPIs', () => {
  const table = new ContactTable()
  table.bind(contact())
  table.bind(contact({ instance: 'tablet', registrationId: Buffer.alloc(16, 2) }))
  table.bind(contact({ impi: parseImpi(BOB_IMPI), registrationId: Buffer.alloc(16, 3) }))
  assert.equal(table.remove(ID)?.instance, `<${PHONE}>`)
  assert.equal(table.remove(ID), undefined)
  assert.deepEqual(
    [...table.all(0)].map(({ instance }) => instance),
    ['tablet', `<${PHONE}>`],
  )
})
