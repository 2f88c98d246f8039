import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { settled } from '../testing/scripted-link.ts'
import { Floors } from './floors.ts'
import { Holdings } from './holdings.ts'
import type { Membership } from './membership.ts'
import { Sharing } from './sharing.ts'
import { type Listing, NOBODY_ELSE, type OthersView } from './view.ts'

const PARTITION = 0
const EPOCH = 5n
const NOTHING: ReadonlyMap<number, bigint> = new Map()

/** A replica alone, of a service with one partition; what others say is put into its mouth. */
function stage() {
  const clock = new VirtualClock()
  const happened: string[] = []
  const holdings = new Holdings({
    clock,
    take: async (_, { sole }) => {
      happened.push('taken')
      void sole.then(() => happened.push('sole'))
      return {
        epoch: EPOCH,
        acknowledged: 0n,
        lost: new Promise(() => {}),
        release: async () => void happened.push('released'),
        drop: () => void happened.push('dropped'),
      }
    },
    floors: new Floors(1),
    onChange: () => {},
    onEvent: () => {},
  })
  const others = { view: NOBODY_ELSE as OthersView, soleFromMs: 0 }
  const membership = {
    get others() {
      return others.view
    },
    soleFromMs: () => others.soleFromMs,
  } as unknown as Membership
  const sharing = new Sharing({ self: 'a', partitions: 1, clock, membership, holdings })
  /** What follows from a look after a heartbeat that listed `announced`. */
  const act = async (announced: ReadonlyMap<number, bigint>): Promise<string[]> => {
    sharing.act(announced, false)
    await settled()
    return happened.splice(0)
  }
  const list = (listing: Listing): void => {
    others.view = { ...NOBODY_ELSE, listings: new Map([[PARTITION, listing]]) }
  }
  return { holdings, others, act, list }
}

test('a partition is taken when the heartbeat that claims it is acknowledged, and not before (decision 007)', async () => {
  const { holdings, act } = stage()
  assert.deepEqual(await act(NOTHING), [])
  assert.equal(holdings.states.get(PARTITION), 'claimed')
  assert.deepEqual(await act(NOTHING), [])
  assert.deepEqual(await act(new Map([[PARTITION, 0n]])), ['taken'])
})

test('it is not taken while somebody else lists it', async () => {
  const { holdings, act, list } = stage()
  await act(NOTHING)
  list({ replica: 'b', epoch: 3n, loaded: true })
  assert.deepEqual(await act(new Map([[PARTITION, 0n]])), [])
  assert.equal(holdings.states.get(PARTITION), undefined)
})

test('it is sole when nobody was seen to tell of it after our epoch was announced', async () => {
  const { others, act } = stage()
  await act(NOTHING)
  const claimed = new Map([[PARTITION, 0n]])
  assert.deepEqual(await act(claimed), ['taken'])
  assert.deepEqual(await act(claimed), [], 'who took it meanwhile was not to be seen yet')
  others.soleFromMs = 1
  const announced = new Map([[PARTITION, EPOCH]])
  assert.deepEqual(await act(announced), [], 'somebody may tell of it')
  others.soleFromMs = 0
  assert.deepEqual(await act(announced), ['sole'])
})

test('who holds it by a higher epoch has it', async () => {
  const { act, list } = stage()
  await act(NOTHING)
  await act(new Map([[PARTITION, 0n]]))
  list({ replica: 'b', epoch: EPOCH - 1n, loaded: true })
  assert.deepEqual(await act(NOTHING), [])
  list({ replica: 'b', epoch: EPOCH + 1n, loaded: true })
  assert.deepEqual(await act(NOTHING), ['dropped'])
})
