import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { readPidfSummary } from '@rollcall/pidf'
import { RecordUnreadableError } from '../errors.ts'
import { ALICE, BOB, CAROL, MALLORY, NO_BODY, pidf, publish, resubscribe, subscribe } from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'
import type { PartitionOwner } from './owner.ts'
import type { OwnedRequest } from './owner-context.ts'
import { decodeRecord } from './record-codec.ts'

const PEOPLE: readonly Impu[] = [ALICE, BOB, CAROL, MALLORY]

/** All that an owner remembers of some presentities, to be compared. */
function memoryOf(owner: PartitionOwner): unknown {
  return PEOPLE.map((presentity) => {
    const state = owner.presentity(presentity)
    return state && [state.lastPublicationNumber, [...state.publications.values()], [...state.subscriptions.values()]]
  })
}

/** What a new owner tells, in no order. */
function tale(stage: Stage): readonly string[] {
  return stage
    .take()
    .map(({ notice, body, cseq }) => {
      const said = notice.subscription.eventPackage === 'presence' ? body : ''
      return [notice.presentity, notice.subscription.id, notice.ended ?? '', cseq, said].join(' ')
    })
    .sort()
}

/** Has the owner write a snapshot at its next look. */
async function snapshot(stage: Stage): Promise<void> {
  stage.log.wantsSnapshot = true
  await stage.pass(1_000)
}

test('a snapshot is all that the owner is: the next one is the same and tells nobody who was told', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ newEntityTag: 'e1', body: pidf('one') }), { key: 'p' })
  stage.ask(owner, publish({ body: pidf('two') }))
  stage.ask(owner, subscribe())
  stage.ask(owner, subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE] }))
  stage.ask(owner, subscribe({ resource: BOB, watcher: [CAROL] }), { presentity: BOB })
  await stage.pass(3_000)
  const before = memoryOf(owner)
  await snapshot(stage)
  assert.deepEqual(stage.snapshots, [undefined])
  assert.equal(stage.log.kept.filter(({ record }) => decodeRecord(record).kind === 'decision').length, 0)
  owner.stop()
  stage.take()
  const after = await stage.own()
  assert.deepEqual(memoryOf(after), before)
  assert.deepEqual(after.size, { presentities: 2, publications: 2, subscriptions: 3 })
  assert.deepEqual(stage.take(), [])
  assert.equal(stage.ask(after, publish(), { key: 'p' }).answer?.headers[0]?.[1], 'e1', 'retransmissions, too')
})

test('what is under way when a snapshot is made is in it, and its watchers are told by the next owner', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  const leaver = subscribe({ watcher: [CAROL] })
  stage.ask(owner, leaver)
  await stage.pass(2_000)
  stage.take()
  stage.watchers = undefined
  stage.ask(owner, publish({ body: pidf('durable and not told') }))
  await settled()
  stage.log.mode = 'hold'
  stage.ask(owner, publish({ body: pidf('not durable') }))
  stage.ask(owner, resubscribe(leaver, { expiresSeconds: 0 }))
  stage.log.wantsSnapshot = true
  stage.clock.advance(1_000)
  await settled()
  assert.ok(stage.log.snapshot)
  owner.stop()
  stage.take()
  stage.log.mode = 'acknowledge'
  stage.watchers = 'delivered'
  await stage.own()
  assert.deepEqual(
    stage
      .take()
      .map(({ notice, body }) => [
        notice.subscription.watcher[0],
        notice.ended,
        body && readPidfSummary(Buffer.from(body)).tuples.length,
      ])
      .sort(),
    [
      [BOB, undefined, 2],
      [CAROL, 'timeout', ''],
    ],
  )
})

test('what changes while a snapshot is written is not in it, and comes from behind it', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ newEntityTag: 'e1', body: pidf('before') }))
  await settled()
  stage.log.wantsSnapshot = true
  stage.clock.advance(1_000)
  stage.ask(owner, publish({ entityTag: 'e1', newEntityTag: 'e2', body: pidf('after') }))
  stage.ask(owner, subscribe())
  await settled()
  const captured = (stage.log.snapshot?.records ?? []).map(decodeRecord)
  const parts = captured.flatMap((record) => (record.kind === 'presentity-snapshot' ? [record.part] : []))
  assert.deepEqual(
    parts.map(({ publications, subscriptions }) => [
      publications.map(({ entityTag }) => entityTag),
      subscriptions.length,
    ]),
    [[['e1'], 0]],
  )
  const before = memoryOf(owner)
  owner.stop()
  assert.deepEqual(memoryOf(await stage.own()), before)
})

test('a crowd and long documents are cut into several records, each far below the limit of one', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  for (let n = 0; n < 16; n++) {
    const body = Buffer.from(
      pidf('x')
        .toString()
        .replace('>x<', `>${'x'.repeat(31_000)}<`),
    )
    stage.ask(owner, publish({ body }))
  }
  for (let n = 0; n < 1_500; n++) {
    const watcher: readonly Impu[] = [`sip:watcher-${n}@ims.example.com` as Impu]
    stage.ask(owner, subscribe({ resource: BOB, watcher }), { presentity: BOB })
    if (n % 500 === 0) await settled()
  }
  await stage.pass(5_000)
  const before = memoryOf(owner)
  await snapshot(stage)
  const sizes = (stage.log.snapshot?.records ?? []).map(({ length }) => length)
  assert.ok(sizes.length > 5 && sizes.every((octets) => octets < 200_000), String(sizes))
  owner.stop()
  stage.take()
  assert.deepEqual(memoryOf(await stage.own()), before)
  assert.equal(stage.take().length, 0)
})

test('CSeqs and watermarks go on from a snapshot', async () => {
  const stage = new Stage()
  let owner = await stage.own()
  stage.ask(owner, subscribe())
  const seen: number[] = []
  for (let owners = 0; owners < 3; owners++) {
    stage.ask(owner, publish())
    await stage.pass(2_000)
    seen.push(...stage.take().map(({ cseq }) => cseq))
    await snapshot(stage)
    owner.stop()
    owner = await stage.own()
  }
  assert.deepEqual(seen, [1, 2, 65_537, 131_073])
})

test('who was out of reach when a snapshot was made is told by the next owner, and told once', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const [bob, carol] = [subscribe(), subscribe({ watcher: [CAROL] })]
  stage.watchers = undefined
  stage.ask(owner, bob)
  stage.ask(owner, carol)
  await settled()
  for (const { notice, done } of stage.take()) {
    done(notice.subscription.id === bob.newTag ? 'unreachable' : 'delivered')
  }
  await stage.pass(500)
  await snapshot(stage)
  owner.stop()
  stage.take()
  stage.watchers = 'delivered'
  const after = await stage.own()
  assert.deepEqual(
    stage.take().map(({ notice }) => notice.subscription.id),
    [bob.newTag],
  )
  await stage.pass(2_000)
  after.stop()
  await stage.own()
  assert.equal(stage.take().length, 0)
})

test('a record of a snapshot in the log, and one of the log in a snapshot, are refused', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish())
  await snapshot(stage)
  stage.ask(owner, publish())
  await settled()
  owner.stop()
  const { snapshot: made, kept } = stage.log
  assert.ok(made)
  const [first] = made.records
  assert.ok(first)
  stage.log.kept = [{ sequence: 1n, epoch: 1n, record: first, traceparent: undefined }, ...kept]
  await assert.rejects(stage.own(), RecordUnreadableError)
  stage.log.kept = kept
  stage.log.snapshot = { mark: made.mark, records: kept.map(({ record }) => record) }
  await assert.rejects(stage.own(), RecordUnreadableError)
})

/** The same sequence of steps for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

interface Step {
  readonly presentity: Impu
  readonly input: OwnedRequest['input'] | undefined
  readonly watchers: 'delivered' | 'unreachable' | undefined
  readonly passMs: number
  readonly isSnapshot: boolean
}

function stepsOf(seed: number): Step[] {
  const next = generator(seed)
  const tags = new Map<Impu, string[]>()
  const dialogs: { presentity: Impu; input: ReturnType<typeof subscribe>; cseq: number }[] = []
  return Array.from({ length: 60 }, (): Step => {
    const presentity = PEOPLE[next(PEOPLE.length)] ?? ALICE
    const o = { presentity, passMs: [0, 0, 100, 1_500][next(4)] ?? 0, isSnapshot: next(8) === 0 }
    const watchers = (['delivered', 'delivered', 'unreachable', undefined] as const)[next(4)]
    const own = tags.get(presentity) ?? []
    tags.set(presentity, own)
    switch (next(5)) {
      case 0: {
        const input = publish({ expiresSeconds: 60 + next(3) * 600, body: pidf(`note ${next(1_000)}`) })
        own.push(input.newEntityTag)
        return { ...o, watchers, input }
      }
      case 1: {
        const entityTag = own.pop()
        const isRemoval = next(2) === 0
        const input = publish({ entityTag, ...(isRemoval ? { expiresSeconds: 0, body: NO_BODY } : {}) })
        if (!isRemoval) own.push(input.newEntityTag)
        return { ...o, watchers, input }
      }
      case 2: {
        const eventPackage = next(4) === 0 ? 'presence.winfo' : 'presence'
        const watcher = [eventPackage === 'presence' ? (PEOPLE[next(3)] ?? BOB) : presentity]
        const isOwn = watcher[0] === presentity
        const input = subscribe({
          resource: presentity,
          eventPackage,
          watcher,
          isOwn,
          expiresSeconds: 60 + next(3) * 600,
        })
        dialogs.push({ presentity, input, cseq: 1 })
        return { ...o, watchers, input }
      }
      case 3: {
        const dialog = dialogs[next(Math.max(1, dialogs.length))]
        if (!dialog) return { ...o, watchers, input: undefined }
        dialog.cseq += 1
        const input = resubscribe(dialog.input, { cseq: dialog.cseq, expiresSeconds: next(3) === 0 ? 0 : 600 })
        return { ...o, presentity: dialog.presentity, watchers, input }
      }
      default:
        return { ...o, watchers, input: undefined, passMs: 30_000 }
    }
  })
}

async function run(steps: readonly Step[], hasSnapshots: boolean) {
  const stage = new Stage()
  const owner = await stage.own()
  for (const { presentity, input, watchers, passMs, isSnapshot } of steps) {
    stage.watchers = watchers
    for (const { done } of watchers ? stage.take() : []) done(watchers ?? 'delivered')
    if (input) stage.ask(owner, input, { presentity })
    stage.log.wantsSnapshot = hasSnapshots && isSnapshot
    await stage.pass(passMs)
  }
  owner.stop()
  stage.take()
  stage.watchers = undefined
  const after = await stage.own()
  return { memory: memoryOf(after), size: after.size, tale: tale(stage), snapshots: stage.snapshots.length }
}

test('whatever happened, loading a snapshot and what lies behind it gives the same as loading all', async () => {
  let snapshots = 0
  for (let seed = 1; seed <= 40; seed++) {
    const steps = stepsOf(seed)
    const [whole, cut] = [await run(steps, false), await run(steps, true)]
    snapshots += cut.snapshots
    assert.deepEqual(cut.memory, whole.memory, `seed ${seed}`)
    assert.deepEqual(cut.size, whole.size, `seed ${seed}`)
    const told = new Set(cut.tale)
    const untold = whole.tale.filter((line) => !told.has(line))
    assert.deepEqual(untold, [], `seed ${seed}: somebody is not told`)
  }
  assert.ok(snapshots > 40)
})
