import assert from 'node:assert/strict'
import test from 'node:test'
import { type Watcher, writeWatcherinfo } from '@rollcall/pidf'
import { notifierOf } from './testing/notifier.ts'
import { ALICE, openBench, placeOf, until } from './testing/world.ts'

const PLACE = placeOf(7)
const TYPE: [string, string] = ['Content-Type', 'application/watcherinfo+xml']

function document(version: number, state: 'full' | 'partial', ...watchers: Pick<Watcher, 'id' | 'status'>[]): Buffer {
  const uri = 'sip:bob@ims.example.com'
  const all = watchers.map((one) => ({ ...one, uri, event: 'subscribe' }) as const)
  return writeWatcherinfo({ version, state, resource: ALICE, eventPackage: 'presence', watchers: all })
}

test('what a notifier tells in parts is read as a list; where a part is missing all is asked for (RFC 3858 section 4)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  const subscription = await bench.ue.subscribe({ uri: ALICE, eventPackage: 'presence.winfo' })
  const tell = (body: Buffer): Promise<number> => notifier.notify({ headers: [TYPE], body })
  const listed = async () =>
    (await subscription.next(1_000)).watchers?.watchers.map(({ id, status }) => `${id} ${status}`)
  const asked = () => bench.pcscf.requestsOf('SUBSCRIBE').length

  await tell(document(0, 'full', { id: 'w1', status: 'pending' }))
  assert.deepEqual(await listed(), ['w1 pending'])
  await tell(document(1, 'partial', { id: 'w1', status: 'active' }, { id: 'w2', status: 'pending' }))
  assert.deepEqual(await listed(), ['w1 active', 'w2 pending'])
  await tell(document(2, 'partial', { id: 'w1', status: 'terminated' }))
  assert.deepEqual(await listed(), ['w1 terminated', 'w2 pending'])
  assert.equal(asked(), 1)

  await tell(document(4, 'partial', { id: 'w3', status: 'active' }))
  assert.deepEqual(await listed(), ['w2 pending', 'w3 active'], 'what is known is shown')
  await until(() => asked() === 2)
  await tell(document(5, 'full', { id: 'w4', status: 'active' }))
  assert.deepEqual(await listed(), ['w4 active'])
  await tell(Buffer.from('<nonsense/>'))
  assert.deepEqual(await listed(), ['w4 active'], 'what cannot be read says nothing')
  assert.equal(asked(), 2, 'it is asked for again after a while, not at once')
  subscription.end('test over')
})
