import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, VirtualClock } from '@rollcall/core'
import { RpcError } from '@rollcall/runtime'
import { UserDataUnavailableError } from '../errors.ts'
import { ALICE, BOB } from '../testing/inputs.ts'
import { type ForwardPush, PolicyChanges, type PolicyOwner } from './policy-changes.ts'
import { readUserData, type UserData } from './read-user-data.ts'

const PARTITION = 3

function pushed(revision: bigint): UserData {
  const presencePolicy = { defaultAllow: true, allow: [], block: [BOB as string] }
  return readUserData({ canonicalImpu: ALICE, impus: [ALICE], presencePolicy, revision }, () => PARTITION)
}

/** A replica: what it owns, where else the partition is, and what its cache knows. */
function stage(o: { known?: UserData; told?: UserData | 'silence' } = {}) {
  let { known } = o
  const clock = new VirtualClock()
  const decided: [Impu, bigint][] = []
  const forwarded: string[] = []
  const listeners = new Set<() => void>()
  const where: { owner: PolicyOwner | undefined; target: string | undefined } = { owner: undefined, target: undefined }
  const owner: PolicyOwner = {
    changePolicy: async (presentity, { revision }) => void decided.push([presentity, revision]),
  }
  const changes = new PolicyChanges({
    clock,
    users: {
      knows: () => o.told === undefined,
      fetch: async () => {
        if (o.told === 'silence') throw new UserDataUnavailableError('the HSS gives no answer')
        known = o.told
        return o.told
      },
      learn: (data) => known ?? data,
    },
    directory: {
      isOpen: true,
      partitionOf: () => PARTITION,
      ownerOf: (partition) => (partition === PARTITION ? where.owner : undefined),
      targetOf: () => where.target,
      onChange: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
  })
  const forward: ForwardPush = async (target, deadlineMs) => void forwarded.push(`${target} ${deadlineMs}`)
  const push = (isForwarded = false, revision = 7n, by = forward): Promise<void> =>
    changes.apply({ data: pushed(revision), isForwarded, remainingMs: 5_000, forward: by })
  const move = (to: { owner?: PolicyOwner; target?: string }): void => {
    where.owner = to.owner
    where.target = to.target
    for (const listener of [...listeners]) listener()
  }
  return { clock, decided, forwarded, listeners, owner, push, move }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

function isUnavailable(detail: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof RpcError && error.code === 'RPC_UNAVAILABLE' && detail.test(error.detail)
}

test('a push for a partition that is served here is decided by its owner', async () => {
  const { push, move, owner, decided, forwarded } = stage()
  move({ owner })
  await push()
  assert.deepEqual(decided, [[ALICE, 7n]])
  assert.deepEqual(forwarded, [])
})

test('a push that was overtaken holds when what overtook it does', async () => {
  const { push, move, owner, decided } = stage({ known: pushed(9n) })
  move({ owner })
  await push()
  assert.deepEqual(decided, [[ALICE, 9n]])
})

test('a push to an owner that knows nothing of the user yet is compared with what the HSS says', async () => {
  const { push, move, owner, decided } = stage({ told: pushed(9n) })
  move({ owner })
  await push(false, 7n)
  assert.deepEqual(decided, [[ALICE, 9n]], 'the owner before this one may have had the newer one in force')
  const silent = stage({ told: 'silence' })
  silent.move({ owner: silent.owner })
  await assert.rejects(silent.push(), isUnavailable(/HSS/))
  assert.deepEqual(silent.decided, [])
})

test('a push for another replica’s partition is handed on; a forwarded one is not, a second time', async () => {
  const { clock, push, move, forwarded } = stage()
  move({ target: '127.0.0.2:17003' })
  await push()
  assert.deepEqual(forwarded, ['127.0.0.2:17003 5000'])
  const second = push(true)
  second.catch(() => {})
  for (let ms = 0; ms < 1_000; ms += 100) {
    await settle()
    clock.advance(100)
  }
  await assert.rejects(second, isUnavailable(/not served here now/))
  assert.equal(forwarded.length, 1)
})

test('while the partition moves a push waits, and goes on as soon as it has arrived', async () => {
  const { clock, push, move, owner, decided, listeners } = stage()
  const waiting = push()
  await settle()
  clock.advance(100)
  await settle()
  assert.deepEqual([decided.length, listeners.size], [0, 1])
  move({ owner })
  await waiting
  assert.equal(decided.length, 1)
  assert.equal(listeners.size, 0)
})

test('when it does not arrive in time the sender is told to try again', async () => {
  const { clock, push } = stage()
  const waiting = push()
  waiting.catch(() => {})
  for (let ms = 0; ms < 3_000; ms += 100) {
    await settle()
    clock.advance(100)
  }
  await assert.rejects(waiting, isUnavailable(/not served here now/))
  assert.equal(clock.monotonic(), 3_000)
})

test('a replica that does not answer, or does not have it any more, is asked again until it is clear where it is', async () => {
  const { clock, push, move, owner, decided } = stage()
  move({ target: '127.0.0.2:17003' })
  const failing: ForwardPush = async () => {
    throw new RpcError('RPC_UNAVAILABLE', 'the partition is not served here now')
  }
  const waiting = push(false, 7n, failing)
  await settle()
  clock.advance(100)
  await settle()
  move({ owner })
  await waiting
  assert.equal(decided.length, 1)
  move({ target: '127.0.0.2:17003' })
  const hopeless = push(false, 8n, failing)
  hopeless.catch(() => {})
  for (let ms = 0; ms < 3_000; ms += 100) {
    await settle()
    clock.advance(100)
  }
  await assert.rejects(hopeless, isUnavailable(/replica 127.0.0.2:17003: RPC_UNAVAILABLE/))
})

test('a partition that is lost while the change is decided makes no promise', async () => {
  const { push, move } = stage()
  move({
    owner: {
      changePolicy: async () => {
        throw new Error('fenced')
      },
    },
  })
  await assert.rejects(push(), isUnavailable(/lost meanwhile/))
})

test('more than a thousand that wait are too many', async () => {
  const { push } = stage()
  const waiting = Array.from({ length: 1_000 }, () => push())
  for (const one of waiting) one.catch(() => {})
  await settle()
  await assert.rejects(push(), (error) => error instanceof RpcError && error.code === 'RPC_EXHAUSTED')
})
