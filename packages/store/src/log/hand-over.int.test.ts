import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { race } from '../testing/race.ts'
import { connectTo, openLogs } from '../testing/store-client.ts'
import { StrangerProcess } from '../testing/stranger-process.ts'

const store = await startTestStore({ address: '127.1.3.45', services: ['presence'] })
after(() => store.stop())

test('200 hand-overs between two busy owners on one server: no old write after the new epoch, none missing (decision 2)', async () => {
  await using one = await connectTo(store, 'presence')
  await using other = await connectTo(store, 'presence')
  const result = await race({
    sides: [await openLogs(one), await openLogs(other)],
    partition: 0,
    handOvers: 200,
    seed: 'one server',
  })
  assert.deepEqual({ ...result, acknowledged: 0 }, NOTHING_WRONG)
  assert.ok(result.acknowledged > 1_000, `${result.acknowledged} acknowledged`)
})

test('kill -9 of the server in the middle of a race changes nothing of that', async () => {
  await using one = await connectTo(store, 'presence')
  await using other = await connectTo(store, 'presence')
  const result = await race({
    sides: [await openLogs(one), await openLogs(other)],
    partition: 1,
    handOvers: 40,
    seed: 'killed server',
    beforeTake: async (round) => {
      if (round % 8 !== 5) return
      await store.server.kill('SIGKILL')
      await store.server.start()
    },
  })
  assert.deepEqual({ ...result, acknowledged: 0 }, { ...NOTHING_WRONG, handOvers: 40 })
})

test('a process that is stopped amid its appends and wakes up when others own its partition is fenced', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  for (let round = 0; round < 10; round += 1) {
    await using stranger = await StrangerProcess.start({ url: store.url, tls: store.tlsFor('presence'), partition: 2 })
    await stranger.untilAcknowledged(50)
    stranger.kill('SIGSTOP')
    const taken: string[] = []
    const owned = await logs.take(2, ({ record }) => taken.push(record.toString()))
    const mine = await owned.append(Buffer.from(`mine ${round}`))
    stranger.kill('SIGCONT')
    const acknowledged = await stranger.untilFenced()
    const known = new Set(taken)
    const late = acknowledged.filter(({ text, sequence }) => !known.has(text) || sequence >= owned.epoch)
    assert.deepEqual(late, [])
    assert.ok(acknowledged.length >= 50 && mine.epoch === owned.epoch)
    await owned.release()
  }
})

const NOTHING_WRONG = { handOvers: 200, acknowledged: 0, lateWrites: [], missing: [], strangers: [] }
