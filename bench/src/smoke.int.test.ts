import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { AccessScale } from './access/scale.ts'
import { benchBootstrap } from './bootstrap.ts'
import { Generator } from './load/generator.ts'
import { benchMemory } from './memory.ts'
import { benchPath } from './path.ts'
import { comparePeer } from './peer/compare.ts'
import { missingPackages } from './peer/packages.ts'
import { benchRegister } from './register.ts'
import type { BenchRow } from './report/bench-row.ts'
import { RollcallSide } from './rollcall/rollcall-side.ts'
import { rowOf } from './side.ts'
import { fanoutWorkload, publishWorkload, type Scale, subscribeWorkload } from './workloads.ts'
import { benchRuleToNotify, benchXcap, type UtScale } from './xcap.ts'

const ADDRESS = '127.1.9.20'
const SERVE_SIP = { address: '127.1.9.21', port: 5280 }
const TINY: Scale = { presentities: 80, watchers: 20, round: { operations: 100 }, warmUp: { operations: 10 } }
/** Fan-outs are counted in PUBLISHes. */
const FEW: Scale = { ...TINY, round: { operations: 5 }, warmUp: { operations: 1 } }

function assertRow(row: BenchRow): void {
  for (const value of [row.ops_per_s, row.p50_ms, row.p99_ms, ...Object.values(row.rss_mb)]) assert(value > 0)
  // So few operations may take less than one tick of the kernel's count.
  for (const value of Object.values(row.cpu_us)) assert(value >= 0)
  assert.deepEqual(
    Object.keys(row.more ?? {}).filter((name) => name.startsWith('failed')),
    [],
  )
}

test('measures PUBLISH, SUBSCRIBE and a fan-out of a real Presence Server', async () => {
  await using rollcall = await RollcallSide.start({ address: ADDRESS })
  for (const workload of [publishWorkload(16, TINY), subscribeWorkload(TINY), fanoutWorkload(FEW)]) {
    await workload.prepare(rollcall.side)
    const row = rowOf(workload.name, workload.case, await workload.round(rollcall.side))
    assertRow(row)
    assert.deepEqual(Object.keys(row.cpu_us), ['presence', 'nats', 'generator'])
  }
})

test('measures bootstrappings by a real BSF and HSS, and every answer is right', async () => {
  const few = { operations: 70 }
  const scale = { address: '127.43.9.1', users: 70, rounds: 1, round: few, warmUp: few }
  const cases: string[] = []
  for await (const row of benchBootstrap({ isProfiled: false, isMillion: false }, scale)) {
    assertRow(row)
    assert.deepEqual(Object.keys(row.cpu_us), ['hss', 'bsf', 'nats', 'generator'])
    cases.push(`${row.name} ${row.case}`)
  }
  assert.deepEqual(cases, ['bootstrap 1 outstanding', 'bootstrap 16 outstanding', 'bootstrap 64 outstanding'])
})

test('measures documents over Ut and rules that come to be told, and every answer is right', async () => {
  const few = { operations: 20 }
  const scale: UtScale = { network: '127.40', users: 1, rounds: 1, round: few, warmUp: { operations: 2 } }
  const o = { isProfiled: false, isMillion: false }
  const cases: string[] = []
  for (const bench of [benchXcap, benchRuleToNotify]) {
    for await (const row of bench(o, scale)) {
      assertRow(row)
      cases.push(`${row.name} ${row.case}`)
    }
  }
  assert.deepEqual(cases, ['xcap GET, 1 outstanding', 'xcap PUT, 1 outstanding', 'rule-to-notify idle'])
})

test('measures registrations and the whole path in ESP, and every answer is right', async () => {
  const few = { operations: 30 }
  const scale: AccessScale = { network: '127.38', ues: 31, rounds: 1, round: few, warmUp: { operations: 5 } }
  const o = { isProfiled: false, isMillion: false }
  const cases: string[] = []
  for (const bench of [benchRegister, benchPath]) {
    for await (const row of bench(o, scale)) {
      assertRow(row)
      assert.deepEqual(Object.keys(row.cpu_us), ['hss', 'presence', 'scscf', 'pcscf', 'nats', 'generator'])
      cases.push(`${row.name} ${row.case}`)
    }
  }
  assert.deepEqual(cases, [
    'register 1 outstanding',
    'register 16 outstanding',
    'register 64 outstanding',
    'path PUBLISH and its NOTIFY, 1 outstanding',
    'path PUBLISH and its NOTIFY, 16 outstanding',
    'path PUBLISH and its NOTIFY, 64 outstanding',
    'path SUBSCRIBE and its NOTIFY, 64 outstanding',
    'path NOTIFY, 30 watchers',
  ])
})

test('measures memory', async () => {
  const rows: BenchRow[] = []
  const scale = { counts: [100], settleMs: 0, address: ADDRESS }
  for await (const row of benchMemory({ isProfiled: false, isMillion: false }, scale)) rows.push(row)
  assert.deepEqual(
    rows.map((row) => row.case),
    ['100 presentities', '100 subscriptions'],
  )
  for (const row of rows) {
    assertRow(row)
    assert(Number.isFinite(row.more?.node_heap_octets_each))
  }
})

test('serves any SIP generator until it is told to stop', async () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const args = ['serve', 'presence', '--sip', `udp:${SERVE_SIP.address}:${SERVE_SIP.port}`]
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    let said = ''
    for await (const chunk of child.stdout) {
      said += String(chunk)
      if (said.includes('Ctrl-C')) break
    }
    assert.match(said, /UNPROTECTED/)
    await using generator = await Generator.start(SERVE_SIP.address)
    const presentities = { first: 0, count: 10 }
    const common = { server: SERVE_SIP, presentities, outstanding: 4, until: { operations: 20 } }
    assert.deepEqual((await generator.run({ kind: 'publish', ...common })).failures, {})
    assert.deepEqual((await generator.run({ kind: 'subscribe', ...common })).failures, {})
  } finally {
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    assert.deepEqual(await ended, [0, null])
  }
})

test('compares with the peer, round by round', { skip: missingPackages().length > 0 }, async () => {
  const names: string[] = []
  for await (const { rows, ratio } of comparePeer({ ...FEW, presentities: 64 }, 1)) {
    names.push(ratio.name)
    assert.equal(rows.length, 4)
    for (const row of rows) assert(row.ops_per_s > 0, row.case)
    for (const value of Object.values(ratio.ratio)) assert(value > 0)
  }
  assert.deepEqual(names, ['publish', 'publish', 'publish', 'subscribe', 'fanout'])
})
