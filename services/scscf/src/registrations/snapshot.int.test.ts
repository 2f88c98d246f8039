import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Impi, type Impu, systemClock } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { connectStore, PartitionLogs, type RequestKey, type StoreConnection } from '@rollcall/store'
import { contact, profile, REALM, register } from '../testing/fixtures.ts'
import { until } from '../testing/scscf-stack.ts'
import { Registrations } from './registrations.ts'
import { registrationsOptions } from './testing/registrations-options.ts'

/** Enough that their records outgrow what a log may hold behind its snapshot. */
const USERS = 600
const ROUNDS = 20

let store: TestStore
let connection: StoreConnection
let snapshots = 0

before(async () => {
  store = await startTestStore({ address: '127.1.6.7', services: ['scscf'] })
  connection = await connectStore({
    url: store.url,
    tls: store.tlsFor('scscf'),
    service: 'scscf',
    clock: systemClock,
  })
})

after(async () => {
  await connection?.close()
  await store?.stop()
})

async function take(logs: PartitionLogs): Promise<{ registrations: Registrations; fromSnapshot: number }> {
  const registrations = new Registrations(
    registrationsOptions(systemClock, {
      answers: { retainMs: 600_000, entriesMax: 100_000 },
      onSnapshotFailed: (error) => assert.fail(error),
    }),
  )
  let fromSnapshot = 0
  registrations.open(
    await logs.take(0, (record) => {
      if (record.fromSnapshot) fromSnapshot += 1
      registrations.replay(record)
    }),
  )
  return { registrations, fromSnapshot }
}

/** Compiled criteria are functions, and cannot be compared. */
function told({ sets }: Registrations): unknown[] {
  return sets.map(({ canonicalImpu, profile, contacts }) => ({ canonicalImpu, profile, contacts }))
}

test('a log that has grown long is cut by a snapshot, and loads to the same registrations and answers', async () => {
  const logs = await PartitionLogs.open({
    connection,
    service: 'scscf',
    realm: REALM,
    clock: systemClock,
    onEvent: ({ kind }) => {
      if (kind === 'snapshot') snapshots += 1
    },
  })
  const first = await take(logs)
  const requests = Array.from({ length: USERS }, (_, user) => {
    const impu = `sip:user-${user}@${REALM}` as Impu
    return (cseq: number) =>
      register({
        impi: `user-${user}@${REALM}` as Impi,
        impu,
        callId: `call-${user}`,
        cseq,
        contact: contact(`x${user}`),
      })
  })
  const keys: RequestKey[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    for (let at = 0; at < USERS; at += 100) {
      const outcomes = await Promise.all(
        requests.slice(at, at + 100).map((make) => {
          const request = make(round)
          keys.push(request.key)
          return first.registrations.bind(request, profile(request.impu))
        }),
      )
      assert.ok(outcomes.every(({ kind }) => kind === 'accepted'))
    }
  }
  await until(() => snapshots > 0, 'a snapshot is written')
  const sets = told(first.registrations)
  const answers = keys.map((key) => first.registrations.answerTo(key))
  await first.registrations.release()
  const second = await take(logs)
  assert.ok(second.fromSnapshot > USERS)
  assert.deepEqual(told(second.registrations), sets)
  assert.deepEqual(
    keys.map((key) => second.registrations.answerTo(key)),
    answers,
  )
  await second.registrations.release()
})
