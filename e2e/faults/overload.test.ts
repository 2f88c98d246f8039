import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DataFolder } from '@rollcall/deploy/local/data-folder.ts'
import { LocalStack } from '@rollcall/deploy/local/stack.ts'
import { Flood, type FloodReport } from '../support/core/flood.ts'
import { addressOf, REALM } from '../support/network.ts'

/** So long the overload lasts; a person takes 60 (issue 2). */
const SECONDS = Number(process.env.ROLLCALL_E2E_OVERLOAD_SECONDS ?? 12)
const TIMES_CAPACITY = 5
const GOODPUT_MIN = 0.9
/** Each has one PUBLISH under way at most, and so many must be under way when each waits for its turn. */
const PRESENTITIES = 12_000
const OUTSTANDING = 64
const CAPACITY_SECONDS = 4
/** The generator gives way: what is measured is what the servers make of it. */
const GENERATOR_NICENESS = 10
/** Beyond what garbage collection makes of a heap that does not grow. */
const GROWTH_MAX = 1.2
const GROWTH_MB_MAX = 48

test(`at ${TIMES_CAPACITY} times the capacity the Presence Server does its ${100 * GOODPUT_MIN} % of it, refuses the rest at once, and does not grow`, async (t) => {
  const data = new DataFolder(join(tmpdir(), `rollcall-e2e-${randomUUID()}`))
  const unexpectedEnds: string[] = []
  const options = {
    data,
    realm: REALM,
    address: addressOf(24),
    services: ['presence'],
    settings: { ROLLCALL_PRESENCE_SH_FRESH_MS: '600000', ROLLCALL_LOG_LEVEL: 'error' },
    streamBytesMax: 1_000_000_000,
    onExit: (name: string, how: string) => void unexpectedEnds.push(`${name} ${how}`),
  } as const
  const key = await data.prepare()
  await LocalStack.createTrustDomain(options)
  await using stack = await LocalStack.create(options, key)
  await stack.start()
  await using flood = await Flood.start(stack, PRESENTITIES)
  setPriority(GENERATOR_NICENESS)
  try {
    await flood.closed({ outstanding: OUTSTANDING, operations: 2 * PRESENTITIES })
    await flood.settle()
    const before = await flood.closed({ outstanding: OUTSTANDING, seconds: CAPACITY_SECONDS })
    await flood.settle()
    const capacity = rateOf(before, 200)
    t.diagnostic(`capacity: ${told(before)}`)

    const memoryMb: number[] = []
    const goodputs: number[] = []
    for (let second = 0; second < SECONDS; second++) {
      const during = await flood.open({ rate: TIMES_CAPACITY * capacity, seconds: 1 })
      goodputs.push(rateOf(during, 200))
      memoryMb.push(await residentMb(stack.service('presence').pid ?? 0))
      t.diagnostic(`second ${second}: ${told(during)}; ${memoryMb.at(-1)} MB`)
    }
    await flood.settle()
    const after = await flood.closed({ outstanding: OUTSTANDING, seconds: CAPACITY_SECONDS })
    t.diagnostic(`afterwards: ${told(after)}`)

    const goodput = mean(goodputs)
    assert.ok(goodput >= GOODPUT_MIN * capacity, `goodput ${goodput} of a capacity of ${capacity}`)
    const [early, late] = [memoryMb.slice(0, Math.ceil(SECONDS / 2)), memoryMb.slice(Math.ceil(SECONDS / 2))]
    const bound = Math.max(...early) * GROWTH_MAX + GROWTH_MB_MAX
    assert.ok(Math.max(...late) <= bound, `it grows: ${memoryMb.join(', ')} MB`)
    assert.ok(rateOf(after, 200) >= GOODPUT_MIN * capacity, 'it is as quick afterwards as it was before')
    assert.equal(flood.forgotten, 0, 'what was answered 200 is there')
    assert.deepEqual(unexpectedEnds, [])
  } finally {
    setPriority(0)
    await rm(data.path, { recursive: true, force: true })
  }
})

function rateOf({ answers, seconds }: FloodReport, status: number): number {
  return Math.round((answers.get(status) ?? 0) / seconds)
}

function told(report: FloodReport): string {
  const { latenciesMs, offered, seconds, answers } = report
  const at = (share: number): string => (latenciesMs[Math.floor(share * latenciesMs.length)] ?? 0).toFixed(1)
  const rest = [...answers].map(([status, count]) => `${status} ${Math.round(count / seconds)}/s`)
  return `${Math.round(offered / seconds)}/s offered, ${rest.join(', ')}, 200 in ${at(0.5)} ms, p99 ${at(0.99)} ms`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024)
}
