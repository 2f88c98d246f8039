import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '@rollcall/core'
import { readPidfSummary } from '@rollcall/pidf'
import type { SipRequest } from '@rollcall/sip'
import { connectStore, PartitionLogs, partitionOf } from '@rollcall/store'
import { ALICE, BOB, pidf } from './testing/inputs.ts'
import { again, publishRequest, subscribeRequest } from './testing/requests.ts'
import { REALM, Stack, until } from './testing/stack.ts'

/** Together more than the 4 MiB of log that a snapshot is due after. */
const CHANGES = 180
const DOCUMENT_OCTETS = 28_000

/** A document as long as that. */
function long(note: string): Buffer {
  return Buffer.from(pidf(note).toString().replace(note, note.padEnd(DOCUMENT_OCTETS, '.')))
}

test('a log that has grown is cut by a snapshot, and the next owner loads that: state, answers and CSeqs (decision 1)', async () => {
  await using stack = await Stack.start('127.1.5.12')
  const first = stack.nextNotify()
  assert.equal((await stack.send(subscribeRequest(), [BOB])).status, 200)
  await first
  let etag: string | undefined
  let last = publishRequest()
  for (let n = 0; n < CHANGES; n++) {
    last = publishRequest({ body: long(`change ${n}`), ...(etag ? { etag } : {}) })
    const response = await stack.send(last, [ALICE])
    assert.equal(response.status, 200)
    etag = response.headers.get('SIP-ETag')
  }
  const written = 'rollcall_presence_snapshots_total{outcome="written"}'
  await until(async () => (await stack.metric(written)) > 0, 'a snapshot is written')
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  await stack.stopPresence()

  await using connection = await connectStore({
    url: stack.store.url,
    tls: stack.store.tlsFor('presence'),
    service: 'presence',
    clock: systemClock,
  })
  const logs = await PartitionLogs.open({ connection, service: 'presence', realm: REALM, clock: systemClock })
  let [octetsOfSnapshot, octetsOfLog] = [0, 0]
  const partition = await logs.take(partitionOf(ALICE, logs.partitions ?? 0), ({ record, fromSnapshot }) => {
    if (fromSnapshot) octetsOfSnapshot += record.length
    else octetsOfLog += record.length
  })
  await partition.release()
  assert.ok(octetsOfSnapshot >= DOCUMENT_OCTETS, `${octetsOfSnapshot}`)
  assert.ok(octetsOfLog < (CHANGES * DOCUMENT_OCTETS) / 2, `${octetsOfLog}`)

  const told: SipRequest[] = []
  stack.notifies.on('notify', (notify) => void told.push(notify))
  await stack.startPresence()
  assert.equal(await stack.metric('rollcall_presence_publications'), 1)
  assert.equal(await stack.metric('rollcall_presence_subscriptions'), 1)
  const retransmitted = await stack.send(again(last), [ALICE])
  assert.equal(retransmitted.headers.get('SIP-ETag'), etag)
  assert.equal(told.length, 0, 'nothing had changed')
  const changed = await stack.send(publishRequest({ etag: etag ?? '', body: pidf('after') }), [ALICE])
  assert.equal(changed.status, 200)
  await until(() => told.length === 1, 'bob is told')
  assert.deepEqual(readPidfSummary(told[0]?.body ?? Buffer.alloc(0)).tuples[0]?.notes, ['after'])
})
