import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impi, type Impu, seededRandom, VirtualClock } from '@rollcall/core'
import { partitionOf, ReplicaView } from '@rollcall/store'
import { type SoleReplica, soleReplica } from '@rollcall/store/testing'
import { Deassignments } from '../cx/deassignments.ts'
import { regEventsOf } from '../reg-event/testing/reg-events-of.ts'
import { RegisterAnswers } from '../registrar/register-answers.ts'
import { Registrar } from '../registrar/registrar.ts'
import { Registrations } from '../registrations/registrations.ts'
import { MemoryLogs } from '../registrations/testing/memory-logs.ts'
import { registrationsOptions } from '../registrations/testing/registrations-options.ts'
import { contact, profile, REALM, register, vector } from '../testing/fixtures.ts'
import { Partitions } from './partitions.ts'
import type { PartitionParts } from './served-partition.ts'

const COUNT = 4

/** Users of each partition. */
const USERS = Array.from({ length: 12 }, (_, n) => `sip:user-${n}@${REALM}` as Impu)

interface World {
  readonly clock: VirtualClock
  readonly logs: MemoryLogs
  /** What each partition of this process was made of. */
  readonly parts: Map<number, PartitionParts>
  readonly partitions: Partitions
  readonly view: ReplicaView
  readonly told: string[]
  /** Lets the HSS answer what it was asked. */
  answerHss(): void
}

function createWorld(clock = new VirtualClock(), logs = new MemoryLogs(COUNT)): World {
  const view = new ReplicaView()
  const parts = new Map<number, PartitionParts>()
  const told: string[] = []
  const asked: (() => void)[] = []
  const partitions: Partitions = new Partitions({
    view,
    createParts: (partition) => {
      const made = createParts(partition)
      parts.set(partition, made)
      return made
    },
  })
  partitions.open(logs)
  function createParts(partition: number): PartitionParts {
    const deassignments = new Deassignments({
      clock,
      tell: async ({ impi }) => {
        told.push(impi)
        return true
      },
    })
    const answers = { retainMs: 128_000, entriesMax: 100 }
    const registrations = new Registrations(
      registrationsOptions(clock, {
        answers,
        owns: (canonicalImpu) => partitionOf(canonicalImpu, COUNT) === partition,
        onEnded: (ended) => deassignments.add(ended),
      }),
    )
    const regEvents = regEventsOf(clock, { partition, registrations: () => registrations })
    const registrar = new Registrar({
      clock,
      cx: {
        authorize: () => new Promise((resolve) => asked.push(() => resolve({ kind: 'success' }))),
        fetchVector: async () => ({ kind: 'success', vector: vector(`v${partition}`) }),
        assign: async ({ impu }) => ({ kind: 'success', profile: profile(impu) }),
        report: () => {},
      },
      store: registrations,
      events: { challenged() {}, verified() {}, accepted() {}, refused() {}, timedOut() {} },
      limits: { perImpiMax: 4, attemptsMax: 100 },
      rules: { realm: REALM, repeatsMax: 2, algorithm: 'AKAv1-MD5' },
      awaitAuthMs: 240_000,
    })
    const registers = new RegisterAnswers({
      clock,
      random: seededRandom('answers'),
      realm: REALM,
      registrar,
      accepted: () => undefined,
      answers,
    })
    const thirdParty = { begin: () => {}, stop: () => {}, pending: 0 }
    return { registrations, registrar, registers, deassignments, regEvents, thirdParty }
  }
  return {
    clock,
    logs,
    parts,
    partitions,
    view,
    told,
    answerHss() {
      for (const answer of asked.splice(0)) answer()
    },
  }
}

/** A process that has joined, as the only replica. */
async function join(world: World): Promise<SoleReplica> {
  const group = await soleReplica({ partitions: COUNT, take: world.partitions.take })
  world.view.join(group)
  return group
}

async function bind(world: World, impu: Impu, expiresSeconds = 3_600): Promise<void> {
  const request = register({
    impi: impu.slice(4) as Impi,
    impu,
    callId: impu,
    expiresSeconds,
    contact: contact('x'),
  })
  const parts = world.parts.get(partitionOf(impu, COUNT))
  const outcome = await parts?.registrations.bind(request, profile(impu))
  assert.equal(outcome?.kind, 'accepted')
}

test('each partition that is taken is loaded, and found by whatever identity', async () => {
  const first = createWorld()
  const group = await join(first)
  for (const impu of USERS) await bind(first, impu)
  await group.leave()
  assert.deepEqual(first.partitions.served, [])
  const second = createWorld(first.clock, first.logs)
  await join(second)
  assert.equal(second.partitions.served.length, COUNT)
  for (const impu of USERS) {
    const partition = second.partitions.get(second.partitions.partitionOf(impu))
    assert.equal(partition?.findByImpu(impu)?.canonicalImpu, impu)
    assert.ok(partition.isOwned(impu))
    assert.equal(second.partitions.findByImpu(impu)?.canonicalImpu, impu)
  }
  assert.equal(
    second.partitions.served.reduce((sum, { size }) => sum + size, 0),
    USERS.length,
  )
})

test('a partition is loaded while the others serve, and a lost one takes nothing of theirs along', async () => {
  const world = createWorld()
  const group = await join(world)
  for (const impu of USERS) await bind(world, impu)
  const lost = world.partitions.partitionOf(USERS[0] ?? ('' as Impu))
  const before = world.parts.get(lost)
  const retaken = group.retake(lost)
  assert.equal(world.partitions.get(lost), undefined)
  assert.equal(before?.registrations.findByImpu(USERS[0] ?? ('' as Impu)), undefined)
  for (const impu of USERS) {
    const isOfLost = world.partitions.partitionOf(impu) === lost
    assert.equal(world.partitions.findByImpu(impu) === undefined, isOfLost)
  }
  await retaken
  for (const impu of USERS) assert.ok(world.partitions.findByImpu(impu))
  // Nobody was told that anything ended, and each contact has one timer.
  assert.deepEqual(world.told, [])
  assert.equal(world.clock.pending, USERS.length)
})

test('nothing expires in a partition before the others know that it is here', async () => {
  const world = createWorld()
  const group = await join(world)
  for (const impu of USERS) await bind(world, impu, 600)
  await group.leave()
  world.clock.advance(700_000)
  const next = createWorld(world.clock, world.logs)
  const taken = await next.partitions.take(0, {
    sole: Promise.resolve(),
    floor: 7n,
    signal: new AbortController().signal,
  })
  assert.equal(world.logs.floors.get(0), 7n)
  world.clock.advance(10_000)
  assert.deepEqual(next.told, [])
  taken.drop()
  await join(next)
  world.clock.advance(1)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(next.told.length, USERS.length)
})

test('a release waits for REGISTERs that are under way, and leaves nothing behind', async () => {
  const world = createWorld()
  const group = await join(world)
  const [impu = '' as Impu] = USERS
  const parts = world.parts.get(partitionOf(impu, COUNT))
  const answer = parts?.registrar.handle(register({ impi: impu.slice(4) as Impi, impu, callId: 'c' }))
  const left = group.leave()
  await new Promise((resolve) => setImmediate(resolve))
  world.answerHss()
  await left
  assert.equal((await answer)?.kind, 'challenge')
  assert.equal(world.clock.pending, 0)
})

test('one that takes too long, or whose partition is lost, is told to ask another replica', async () => {
  for (const isLost of [false, true]) {
    const world = createWorld()
    const group = await join(world)
    const [impu = '' as Impu] = USERS
    const partition = partitionOf(impu, COUNT)
    const answer = world.parts.get(partition)?.registrar.handle(register({ impi: impu.slice(4) as Impi, impu }))
    const ended = isLost ? group.retake(partition) : group.leave()
    await new Promise((resolve) => setImmediate(resolve))
    world.clock.advance(1_500)
    assert.deepEqual(await answer, { kind: 'refused', reason: 'not-served-here' })
    await ended
    // What the HSS says then changes nothing any more.
    world.answerHss()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(world.clock.pending, 0)
    if (isLost) continue
    // And what comes late to a partition that is over is answered.
    const late = await world.parts.get(partition)?.registrar.handle(register({ callId: 'late' }))
    assert.deepEqual(late, { kind: 'refused', reason: 'not-served-here' })
  }
})

test('a partition that is not to be had any more when it is loaded is let go', async () => {
  const world = createWorld()
  const abort = new AbortController()
  const taking = world.partitions.take(2, { sole: Promise.resolve(), floor: 0n, signal: abort.signal })
  abort.abort()
  await taking
  assert.equal(world.partitions.get(2), undefined)
})
