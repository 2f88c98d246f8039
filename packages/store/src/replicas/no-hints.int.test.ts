import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { connectTo, until } from '../testing/store-client.ts'
import { ReplicaProcess } from './testing/replica-process.ts'

const store = await startTestStore({
  address: '127.1.3.62',
  services: ['presence'],
  editConfig: (text) => text.replaceAll(', "presence.*.lease.*"', ''),
})
after(() => store.stop())

test('without the grant to overhear heartbeats replicas share all the same, at the pace of these', async () => {
  const a = await ReplicaProcess.start(store, 'a')
  await until(() => a.held.size === 16)
  const b = await ReplicaProcess.start(store, 'b')
  await until(() => b.held.size > 0 && a.held.size + b.held.size === 16)
  await b.leave()
  await until(() => a.held.size === 16)
  await a.leave()
})

test('no service overhears another one’s heartbeats, nor anything else of its own', async () => {
  await using connection = await connectTo(store, 'presence')
  const heard: string[] = []
  connection.subscribe('presence.>', (_, subject) => void heard.push(subject))
  connection.subscribe('scscf.*.lease.*', (_, subject) => void heard.push(subject))
  const a = await ReplicaProcess.start(store, 'a')
  await until(() => a.held.size === 16)
  await a.leave()
  assert.deepEqual(heard, [])
})
