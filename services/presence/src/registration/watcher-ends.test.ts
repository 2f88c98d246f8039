import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, VirtualClock } from '@rollcall/core'
import { RpcError } from '@rollcall/runtime'
import { PartitionLostError } from '../errors.ts'
import { BOB } from '../testing/inputs.ts'
import { settled } from '../testing/stage.ts'
import { type AskReplica, type WatchedOwner, WatcherEnds } from './watcher-ends.ts'

const WATCHER = { impus: [BOB], beforeMs: 7 }

/** Partitions 0 to 3; each is here, at a target, or nowhere. */
function create(places: (WatchedOwner | string | undefined)[]) {
  const clock = new VirtualClock()
  const listeners = new Set<() => void>()
  const asked: string[] = []
  const state = {
    places,
    ask: (async (target, watcher, partitions) => {
      asked.push(`${target} ${partitions.join()} ${watcher.impus.join()} ${watcher.beforeMs}`)
      return { partitions, subscriptions: partitions.length }
    }) as AskReplica,
  }
  const at = (partition: number) => state.places[partition]
  const ends = new WatcherEnds({
    clock,
    directory: {
      count: places.length,
      ownerOf: (partition) => {
        const place = at(partition)
        return typeof place === 'object' ? place : undefined
      },
      targetOf: (partition) => {
        const place = at(partition)
        return typeof place === 'string' ? place : undefined
      },
      onChange: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    ask: (...args) => state.ask(...args),
  })
  const change = (...now: (WatchedOwner | string | undefined)[]): void => {
    state.places = now
    for (const listener of [...listeners]) listener()
  }
  return { clock, ends, state, asked, change }
}

function owner(ended: number): WatchedOwner & { heard: [readonly Impu[], number][] } {
  const heard: [readonly Impu[], number][] = []
  return {
    heard,
    endWatcher: async (impus, beforeMs) => {
      heard.push([impus, beforeMs])
      return ended
    },
  }
}

test('each partition’s owner is asked, here or at its replica, and a replica once for all of its partitions', async () => {
  const here = owner(2)
  const { ends, asked } = create([here, 'one:1', here, 'one:1'])
  assert.equal(await ends.endEverywhere(WATCHER, 4_000), 6)
  assert.deepEqual(here.heard, [
    [[BOB], 7],
    [[BOB], 7],
  ])
  assert.deepEqual(asked, [`one:1 1,3 ${BOB} 7`])
})

test('a partition that moves is waited for, and asked where it arrives', async () => {
  const { ends, asked, change, clock } = create([owner(1), undefined])
  let result: number | undefined
  void ends.endEverywhere(WATCHER, 4_000).then((ended) => {
    result = ended
  })
  await settled()
  assert.equal(result, undefined)
  change(owner(1), 'two:1')
  await settled()
  assert.equal(result, 2)
  assert.equal(asked.length, 1)
  assert.equal(clock.pending, 0)
})

test('without an answer from everywhere in time it is not done, and nothing waits any more (the S-CSCF tells again)', async () => {
  const lost: WatchedOwner = { endWatcher: () => Promise.reject(new PartitionLostError('partition-lost')) }
  const hangs: WatchedOwner = { endWatcher: () => new Promise(() => {}) }
  for (const place of [undefined, lost, hangs, 'away:1']) {
    const { ends, state, clock } = create([owner(1), place])
    state.ask = () => Promise.reject(new RpcError('RPC_UNAVAILABLE', 'away'))
    let isOver = false
    void ends.endEverywhere(WATCHER, 60_000).then((ended) => {
      isOver = true
      assert.equal(ended, undefined)
    })
    for (let passed = 0; passed < 4_000; passed += 100) {
      assert.ok(!isOver)
      await settled()
      clock.advance(100)
      await settled()
    }
    await settled()
    assert.ok(isOver, String(place))
  }
})

test('a replica that says less than it was asked is asked for the rest again', async () => {
  const { ends, state, clock, asked } = create(['one:1', 'one:1'])
  const all = state.ask
  state.ask = async (target, watcher, partitions, ms) => ({
    ...(await all(target, watcher, partitions, ms)),
    partitions: partitions.slice(0, 1),
  })
  let result: number | undefined
  void ends.endEverywhere(WATCHER, 4_000).then((ended) => {
    result = ended
  })
  await settled()
  clock.advance(100)
  await settled()
  assert.equal(asked.length, 2)
  assert.ok(result !== undefined)
})

test('what another replica asks is done where it is served here, and not said of what is not', async () => {
  const { ends } = create([owner(3), 'one:1', undefined])
  assert.deepEqual(await ends.endHere(WATCHER, [0, 1, 2, 99]), { partitions: [0], subscriptions: 3 })
})

test('a storm of de-registrations is turned away at a bound', async () => {
  const hangs: WatchedOwner = { endWatcher: () => new Promise(() => {}) }
  const { ends } = create([hangs])
  for (let count = 0; count < 512; count++) void ends.endEverywhere(WATCHER, 4_000)
  assert.equal(await ends.endEverywhere(WATCHER, 4_000), undefined)
})

test('an error that nobody expected is not swallowed', async () => {
  const broken: WatchedOwner = { endWatcher: () => Promise.reject(new TypeError('a fault of ours')) }
  const { ends } = create([broken])
  await assert.rejects(ends.endEverywhere(WATCHER, 4_000), TypeError)
})
