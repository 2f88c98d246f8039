import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '@rollcall/core'
import { Floors } from './floors.ts'
import { decodeLease } from './lease-record.ts'
import { LEASES, type Process, ReplicaWorld } from './testing/replica-world.ts'

const SEEDS = Number(process.env.ROLLCALL_REPLICAS_SEEDS ?? 12)
const NAMES = ['a', 'b', 'c']

/** Chance of one seed. */
function chanceOf(seed: string) {
  const random = seededRandom(seed)
  const below = (limit: number): number => random.bytes(4).readUInt32BE() % limit
  return { below, oneIn: (count: number): boolean => below(count) === 0 }
}

/** Processes come, go, die, are cut off and hang, on a network that loses, delays and doubles. */
async function live(seed: string): Promise<ReplicaWorld> {
  const chance = chanceOf(seed)
  const world = new ReplicaWorld()
  const running = new Map<string, Process>()
  const lossIn = 4 + chance.below(200)
  world.fate = (subject) => {
    const late = chance.oneIn(10) ? [chance.below(900)] : [chance.below(4) / 2]
    return {
      arrivesAfterMs: chance.oneIn(lossIn) ? [] : chance.oneIn(20) ? [...late, chance.below(3_000)] : late,
      answeredAfterMs: chance.oneIn(lossIn) ? undefined : chance.below(4) / 2,
      lag: subject.includes('DIRECT') && chance.oneIn(5) ? 1 + chance.below(5) : 0,
    }
  }
  const start = async (name: string): Promise<void> => {
    try {
      running.set(name, await world.start(name))
    } catch {
      // The network was against it: another time.
      world.processes.pop()?.kill()
    }
  }
  for (let step = 0; step < 14; step += 1) {
    const name = NAMES[chance.below(NAMES.length)] ?? 'a'
    const one = running.get(name)
    for (const each of running.values()) void each.append()
    if (!one) await start(name)
    else
      switch (chance.below(5)) {
        case 0:
          one.kill()
          running.delete(name)
          break
        case 1:
          one.link.disconnect()
          world.clock.setTimer(chance.below(6_000), () => one.link.connect())
          break
        case 2:
          one.isHung = true
          world.clock.setTimer(chance.below(6_000), () => {
            one.isHung = false
          })
          break
        case 3:
          one.loadMs = chance.below(1_500)
          one.drainMs = chance.below(1_500)
          break
        default:
          void one.replicas?.leave().then(() => one.kill())
          running.delete(name)
      }
    await world.run(chance.below(3_000))
  }
  await world.run(6_500)
  world.fate = undefined
  if (running.size === 0) await start('a')
  await world.until(() => world.isWhole, 60_000)
  for (const each of running.values()) await world.finish(each.append())
  await world.run(1_000)
  assert.deepEqual([...floorsOf(world)], [...world.recorded].map(lastRecord).sort())
  return world
}

function lastRecord([partition, records]: [number, bigint[]]): string {
  return `${partition} ${records.at(-1)}`
}

/** What all leases say together. */
function floorsOf({ model }: ReplicaWorld): string[] {
  const floors = new Floors(256)
  for (const { data } of model.stream(LEASES).messages) floors.merge(decodeLease(data).floors)
  return [...floors.all].map(([partition, floor]) => `${partition} ${floor}`).sort()
}

test('whatever happens: only the newest is ever sole, and in the end each partition is held exactly once; leases know how far logs reach', async () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const name = `replicas ${seed}`
    await live(name).then(
      (world) => assert.deepEqual(world.faults, [], name),
      (cause: unknown) => assert.fail(new Error(`${name} (ROLLCALL_REPLICAS_SEEDS)`, { cause })),
    )
  }
})
