import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { until } from '../testing/store-client.ts'
import { assign } from './assignment.ts'
import { ReplicaProcess } from './testing/replica-process.ts'

const PARTITIONS = 16
const running = new Set<ReplicaProcess>()
const store = await startTestStore({ address: '127.1.3.61', services: ['presence'] })
after(() => store.stop())
afterEach(async () => {
  await Promise.all([...running].map((process) => process.leave()))
  running.clear()
})

async function start(name: string): Promise<ReplicaProcess> {
  const process = await ReplicaProcess.start(store, name)
  running.add(process)
  return process
}

async function kill(process: ReplicaProcess): Promise<void> {
  running.delete(process)
  await process.kill()
}

/** Every partition is with the one that it is assigned to, and with nobody else. */
function isWhole(): boolean {
  const assigned = assign(PARTITIONS, [...running].map(({ name }) => name).sort())
  return assigned.every((replica, partition) =>
    [...running].every(({ name, held }) => held.has(partition) === (name === replica)),
  )
}

async function startAll(...names: string[]): Promise<ReplicaProcess[]> {
  const all = await Promise.all(names.map(start))
  await until(isWhole)
  await until(() => all.every(({ held, sole }) => held.size === sole.size))
  return all
}

test('one, two, three and two again: partitions move in peace, and each is held exactly once', async (t) => {
  const [a] = await startAll('a')
  for (const name of ['b', 'c']) {
    const startMs = performance.now()
    await start(name)
    await until(isWhole)
    t.diagnostic(`${name} has its share after ${Math.round(performance.now() - startMs)} ms`)
    await until(() => [...running].every(({ held, sole }) => held.size === sole.size), 1_000)
  }
  const [, b] = running
  assert.ok(a && b)
  running.delete(b)
  const startMs = performance.now()
  await b.leave()
  await until(isWhole)
  t.diagnostic(`b has left after ${Math.round(performance.now() - startMs)} ms`)
  await until(() => [...running].every(({ held, sole }) => held.size === sole.size), 1_000)
  for (const process of running) {
    assert.deepEqual((await process.replicas).problems, [])
    assert.ok(!process.has('revoked') && !process.has('deposed'))
  }
})

test('a killed replica’s partitions are taken within 3.5 s, by all that are left, and are sole soon', async (t) => {
  const [, b, c] = await startAll('a', 'b', 'c')
  assert.ok(b && c)
  const startMs = performance.now()
  await kill(b)
  await until(isWhole)
  const tookMs = performance.now() - startMs
  await until(() => [...running].every(({ held, sole }) => held.size === sole.size))
  const soleMs = performance.now() - startMs
  t.diagnostic(`taken ${Math.round(tookMs)} ms after the death, sole after ${Math.round(soleMs)} ms`)
  assert.ok(tookMs < 3_500, String(tookMs))
  assert.ok(soleMs < 4_500, String(soleMs))
})

test('a restarted process takes its own partitions at once', async (t) => {
  const [, b] = await startAll('a', 'b')
  assert.ok(b)
  await kill(b)
  const startMs = performance.now()
  await start('b')
  await until(isWhole)
  const tookMs = performance.now() - startMs
  t.diagnostic(`taken again ${Math.round(tookMs)} ms after the start`)
  assert.ok(tookMs < 2_000, String(tookMs))
  assert.ok(![...running].some((process) => process.has('revoked')))
})

test('one that was stopped for longer than its lease tells nothing meanwhile, drops all when it wakes, and joins anew', async () => {
  const [a, b] = await startAll('a', 'b')
  assert.ok(a && b)
  const had = [...b.held.keys()]
  b.link.isHung = true
  const { lease } = await b.replicas
  await until(() => !lease.isLive, 2_100)
  await until(() => a.held.size === PARTITIONS, 3_000)
  assert.deepEqual([...b.held.keys()], had, 'it does not know yet')
  b.link.isHung = false
  await until(() => b.has('deposed'), 1_500)
  assert.ok(b.events.filter(({ kind }) => kind === 'dropped').length >= had.length)
  await until(isWhole)
  assert.equal(lease.isLive, true)
})

test('nobody is judged while the server hangs or restarts', async () => {
  const [a, b] = await startAll('a', 'b')
  assert.ok(a && b)
  await store.server.kill('SIGSTOP')
  const leases = await Promise.all([a, b].map(async ({ replicas }) => (await replicas).lease))
  await until(() => leases.every(({ isLive }) => !isLive))
  await store.server.kill('SIGCONT')
  await until(() => leases.every(({ isLive }) => isLive))
  await store.server.kill('SIGKILL')
  await until(() => leases.every(({ isLive }) => !isLive))
  await store.server.start()
  await until(() => leases.every(({ isLive }) => isLive))
  await until(isWhole)
  // Had anybody been judged, it would be after one more silence.
  const sinceMs = performance.now()
  await until(() => performance.now() - sinceMs > 3_000)
  assert.ok(!a.has('revoked') && !b.has('revoked') && !a.has('deposed') && !b.has('deposed'))
})
