import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock } from '@rollcall/core'
import { startTestStore } from '@rollcall/dev-env'
import { lastMessage, lastMessageOfReplica, publish, purge, readBatch, streamInfo } from '../jetstream-api.ts'
import { leaseStreamOf, logStreamsOf } from '../layout.ts'
import type { StoreLink } from '../store-link.ts'
import { JetStreamModel } from './jetstream-model.ts'
import { ModelLink } from './model-link.ts'
import { connectTo } from './store-client.ts'

const store = await startTestStore({ address: '127.1.3.67', services: ['presence'] })
after(() => store.stop())

const LOG = 'presence_log_0'
const LEASES = 'presence_lease'
const timeoutMs = 2_000

/** Everything that our code asks of JetStream, and what it was answered. */
async function converse(link: StoreLink): Promise<unknown[]> {
  const heard: unknown[] = []
  const write = async (subject: string, text: string, expected?: number): Promise<void> => {
    const o = { subject, data: Buffer.from(text), timeoutMs, ...(expected !== undefined && { expected }) }
    heard.push([subject, text, expected, await publish(link, o)])
  }
  const read = async (stream: string, subject: string, from = 1, messagesMax = 100): Promise<void> => {
    const found: unknown[] = []
    await readBatch(link, {
      ...{ stream, subject, from, messagesMax, octetsMax: 1_000_000, timeoutMs },
      onMessage: ({ sequence, data, headers }, at) =>
        void found.push([sequence, at, data.toString(), headers?.get('Nats-Expected-Last-Subject-Sequence')]),
    })
    heard.push([subject, from, found])
  }
  const last = async (stream: string, subject: string): Promise<void> => {
    for (const ask of [lastMessage, lastMessageOfReplica]) {
      const found = await ask(link, { stream, subject, timeoutMs })
      heard.push([subject, found?.sequence, found?.data.toString()])
    }
  }
  await write('presence.r.log.0', 'a')
  await write('presence.r.log.0', 'b', 1)
  await write('presence.r.log.0', 'stale', 1)
  await write('presence.r.log.4', 'c', 0)
  await write('presence.r.log.4', 'd', 7)
  await write('presence.r.log.0', 'e')
  await read(LOG, 'presence.r.log.0')
  await read(LOG, 'presence.r.log.*', 2, 2)
  await read(LOG, 'presence.r.snap.0.>')
  await last(LOG, 'presence.r.log.0')
  await last(LOG, 'presence.r.log.8')
  heard.push(await purge(link, { stream: LOG, subject: 'presence.r.log.0', below: 2, timeoutMs }))
  await read(LOG, 'presence.r.log.*')
  await write('presence.r.log.0', 'after the purge', 5)
  heard.push(await purge(link, { stream: LOG, subject: 'presence.r.log.4', timeoutMs }))
  await write('presence.r.log.4', 'anew', 0)
  await write('presence.r.lease.a', '1', 0)
  await write('presence.r.lease.b', '1', 0)
  await write('presence.r.lease.a', '2', 1)
  await write('presence.r.lease.a', 'revoked', 1)
  await read(LEASES, 'presence.r.lease.*')
  await last(LEASES, 'presence.r.lease.a')
  heard.push((await streamInfo(link, LEASES, timeoutMs)).state.messages)
  return heard
}

test('the model of JetStream answers as nats-server does', async () => {
  await using connection = await connectTo(store, 'presence')
  const model = new JetStreamModel([...logStreamsOf('presence'), leaseStreamOf('presence')])
  const real = await converse(connection)
  assert.deepEqual(await converse(new ModelLink({ model, clock: systemClock })), real)
  assert.ok(real.length > 25)
})
