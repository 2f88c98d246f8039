import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { type Role, RpcError, type RpcErrorCode } from '@rollcall/runtime'
import { ALICE } from '../testing/fixtures.ts'
import { OwnerCalls } from './owner-calls.ts'
import type { ServedPartition } from './served-partition.ts'

interface Place {
  readonly isJoined?: boolean
  readonly isLive?: boolean
  readonly at?: 'here' | 'there' | 'moving'
  readonly isServed?: boolean
}

function calls({ isJoined = true, isLive = true, at = 'here', isServed = true }: Place = {}) {
  const asked: string[] = []
  const member = { target: '127.35.0.1:1', replica: 'other' }
  const place = at === 'there' ? ({ kind: 'at', member } as const) : ({ kind: at } as const)
  const served = { findByImpu: () => undefined } as unknown as ServedPartition
  const ownerCalls = new OwnerCalls({
    view: { isJoined, isLive, whereIs: () => place } as unknown as ConstructorParameters<typeof OwnerCalls>[0]['view'],
    partitions: { get: () => (isServed ? served : undefined) },
    identities: { peek: () => undefined, resolve: async () => 3 },
  })
  const call = async (from: Role, isForwarded: boolean, impu: string = ALICE): Promise<RpcErrorCode | 'done'> => {
    try {
      await ownerCalls.call({
        impu,
        from,
        isForwarded,
        remainingMs: 1_000,
        here: async (_partition, known: Impu) => void asked.push(`here ${known}`),
        forward: async (target, deadlineMs) => void asked.push(`forward ${target} ${deadlineMs}`),
      })
      return 'done'
    } catch (error) {
      assert.ok(error instanceof RpcError, String(error))
      return error.code
    }
  }
  return { asked, call }
}

test('what is asked of the owner is done there, what is asked of another is handed on once', async () => {
  const here = calls()
  assert.equal(await here.call('operator', false), 'done')
  assert.equal(await here.call('hss', false), 'done')
  assert.equal(await here.call('scscf', true), 'done')
  assert.deepEqual(
    here.asked,
    Array.from({ length: 3 }, () => `here ${ALICE}`),
  )
  const there = calls({ at: 'there' })
  assert.equal(await there.call('hss', false), 'done')
  assert.equal(await there.call('scscf', true), 'RPC_UNAVAILABLE', 'a second forward')
  assert.deepEqual(there.asked, ['forward 127.35.0.1:1 1000'])
})

test('nobody but a replica says that something was forwarded, and a replica asks nothing of its own', async () => {
  const { asked, call } = calls()
  assert.equal(await call('operator', true), 'RPC_DENIED')
  assert.equal(await call('hss', true), 'RPC_DENIED')
  assert.equal(await call('scscf', false), 'RPC_DENIED')
  assert.deepEqual(asked, [])
})

test('without a store, a lease or the partition nothing is done', async () => {
  for (const place of [{ isJoined: false }, { isLive: false }, { isServed: false }, { at: 'moving' }] as const) {
    const { asked, call } = calls(place)
    assert.equal(await call('operator', false), 'RPC_UNAVAILABLE', JSON.stringify(place))
    assert.deepEqual(asked, [])
  }
  assert.equal(await calls().call('operator', false, 'nonsense'), 'RPC_INVALID')
})
