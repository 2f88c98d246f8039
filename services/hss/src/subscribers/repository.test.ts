import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impi, type Impu, Secret, seededRandom } from '@rollcall/core'
import fc from 'fast-check'
import { ConcurrentChangeError, SubscriberExistsError } from '../errors.ts'
import { SubscriberRepository } from './repository.ts'
import { ALICE, alice, createSealer, IMPI, K, newSubscriber, OPC, REALM } from './testing/fixtures.ts'
import { MemoryBucket } from './testing/memory-bucket.ts'

const SEED = 33_141
const BOB = `sip:bob@${REALM}` as Impu
const BOB_IMPI = `001010000000003@${REALM}` as Impi
const sealer = await createSealer()

function createRepository(bucket = new MemoryBucket()): SubscriberRepository {
  return new SubscriberRepository({ bucket, sealer, random: seededRandom('repository') })
}

test('a subscriber is found by its id and by each of its identities (TS 23.228 clause 4.3.3)', async () => {
  const repository = createRepository()
  assert.equal(await repository.add(alice()), 'created')
  for (const found of [
    await repository.findById('alice'),
    await repository.findByImpi(IMPI),
    await repository.findByImpi(`001010000000002@${REALM}` as Impi),
    await repository.findByImpu(ALICE),
    await repository.findByImpu('tel:+15550100' as Impu),
  ]) {
    assert.equal(found?.subscriptionId, 'alice')
  }
  assert.equal(await repository.findByImpu(BOB), undefined)
  assert.equal(await repository.findById('bob'), undefined)
})

test('the same subscriber again creates nothing; any difference, a key included, is refused', async () => {
  const bucket = new MemoryBucket()
  const repository = createRepository(bucket)
  await repository.add(alice())
  const { writes } = bucket
  assert.equal(await repository.add(alice()), 'same')
  assert.equal(bucket.writes, writes)
  const [first, ...others] = alice().privateUsers
  assert.ok(first)
  const rekeyed = { ...alice(), privateUsers: [{ ...first, k: new Secret(Buffer.alloc(16)) }, ...others] }
  await assert.rejects(repository.add(rekeyed), SubscriberExistsError)
})

test('an identity of somebody else is refused, and every one is named', async () => {
  const repository = createRepository()
  await repository.add(alice())
  await assert.rejects(repository.add(newSubscriber('bob', [BOB_IMPI, IMPI], [BOB, ALICE])), (error) => {
    assert.ok(error instanceof SubscriberExistsError)
    assert.deepEqual(error.taken, [IMPI, ALICE])
    return true
  })
  assert.equal(await repository.findByImpu(BOB), undefined)
  assert.equal(await repository.add(newSubscriber('bob', [BOB_IMPI], [BOB])), 'created')
})

test('what was removed is gone, and its identities are free', async () => {
  const bucket = new MemoryBucket()
  const repository = createRepository(bucket)
  await repository.add(alice())
  assert.equal((await repository.remove('alice'))?.subscriptionId, 'alice')
  assert.equal(await repository.remove('alice'), undefined)
  assert.equal(await repository.findByImpu(ALICE), undefined)
  assert.deepEqual([...bucket.entries.keys()], [repository.keys.subscription('alice')])
  assert.equal(await repository.add(newSubscriber('bob', [BOB_IMPI], [BOB, ALICE])), 'created')
  await assert.rejects(repository.add(alice()), SubscriberExistsError)
})

test('neither keys nor identities can be read in what is stored under a key', async () => {
  const bucket = new MemoryBucket()
  const repository = createRepository(bucket)
  await repository.add(alice())
  const stored = Buffer.concat([...bucket.entries.values()].map(({ value }) => value))
  for (const secret of [K, OPC]) {
    assert.ok(!stored.includes(secret))
    assert.ok(!stored.includes(secret.toString('hex')))
    assert.ok(!stored.includes(secret.toString('base64')))
  }
  for (const key of bucket.entries.keys()) assert.match(key, /^(?:sub|impi|impu)\.[0-9a-f]{32}$/)
  const found = await repository.findById('alice')
  assert.ok(found?.privateUsers[0])
  assert.ok(repository.keysOf(found, found.privateUsers[0]).k.equals(new Secret(K)))
})

test('sealed keys open for their own user and record alone', async () => {
  const repository = createRepository()
  await repository.add(alice())
  const found = await repository.findById('alice')
  const [phone, tablet] = found?.privateUsers ?? []
  assert.ok(found && phone && tablet)
  assert.throws(() => repository.keysOf(found, { ...tablet, sealedK: phone.sealedK }))
  assert.throws(() => repository.keysOf(found, { ...phone, sealedK: phone.sealedOpc }))
  assert.throws(() => repository.keysOf({ ...found, recordKey: 'sub.other' }, phone))
})

test('subscribers are listed in one order, from a given place on', async () => {
  const repository = createRepository()
  const ids = Array.from({ length: 7 }, (_, index) => `s${index}`)
  for (const [index, id] of ids.entries()) {
    await repository.add(newSubscriber(id, [`${index}@${REALM}`], [`sip:${id}@${REALM}`]))
  }
  const all = await Array.fromAsync(repository.list(''))
  assert.deepEqual(all.map(({ subscriptionId }) => subscriptionId).sort(), ids)
  const rest = await Array.fromAsync(repository.list(all[2]?.recordKey ?? ''))
  assert.deepEqual(rest, all.slice(3))
})

test('an add that dies at any point leaves all or nothing, and its identities can be had again', async () => {
  class Death extends Error {}
  for (let diesAt = 1; ; diesAt++) {
    const bucket = new MemoryBucket()
    let operations = 0
    bucket.gate = () => {
      if (++operations === diesAt) throw new Death()
    }
    const isDead = await createRepository(bucket)
      .add(alice())
      .then(
        () => false,
        (error: unknown) => {
          assert.ok(error instanceof Death)
          return true
        },
      )
    bucket.gate = () => {}
    const repository = createRepository(bucket)
    const isThere = (await repository.findById('alice')) !== undefined
    assert.equal((await repository.findByImpu(ALICE)) !== undefined, isThere)
    assert.equal((await repository.findByImpi(IMPI)) !== undefined, isThere)
    if (!isDead) {
      assert.ok(isThere)
      return
    }
    assert.equal(isThere, false)
    // Somebody else gets the identity, then nobody but him has it.
    assert.equal(await repository.add(newSubscriber('other', [BOB_IMPI], [ALICE])), 'created')
    await assert.rejects(repository.add(alice()), SubscriberExistsError)
    await repository.remove('other')
    assert.equal(await repository.add(alice()), 'created')
  }
})

test('a remove that dies at any point leaves all or nothing, and can be followed by an add', async () => {
  class Death extends Error {}
  for (let diesAt = 1; ; diesAt++) {
    const bucket = new MemoryBucket()
    await createRepository(bucket).add(alice())
    let operations = 0
    bucket.gate = () => {
      if (++operations === diesAt) throw new Death()
    }
    const isDead = await createRepository(bucket)
      .remove('alice')
      .then(
        () => false,
        () => true,
      )
    bucket.gate = () => {}
    const repository = createRepository(bucket)
    const isThere = (await repository.findById('alice')) !== undefined
    assert.equal((await repository.findByImpu(ALICE)) !== undefined, isThere)
    if (isThere) await repository.remove('alice')
    assert.equal(await repository.add(newSubscriber('heir', [IMPI], [ALICE])), 'created')
    if (!isDead) return
  }
})

test('a take-over that stalls does not rob the one who got the identity meanwhile', async () => {
  const bucket = new MemoryBucket()
  const { keys } = createRepository()
  await createRepository(bucket).add(alice())
  bucket.entries.delete(keys.subscription('alice'))
  bucket.gate = async (operation, key) => {
    if (operation !== 'update' || key !== keys.impu(ALICE)) return
    bucket.gate = () => {}
    assert.equal(await createRepository(bucket).add(alice()), 'created')
  }
  const thief = newSubscriber('thief', [BOB_IMPI], [BOB, ALICE])
  await assert.rejects(createRepository(bucket).add(thief), SubscriberExistsError)
  assert.equal((await createRepository(bucket).findByImpu(ALICE))?.subscriptionId, 'alice')
})

test('however adds and removes interleave, an identity has one owner and every owner is found by it', async () => {
  const acts: (readonly [string, (repository: SubscriberRepository) => Promise<unknown>])[] = [
    ['add alice', (repository) => repository.add(alice())],
    ['add her again', (repository) => repository.add(alice())],
    ['add thief', (repository) => repository.add(newSubscriber('thief', [BOB_IMPI], [BOB, ALICE]))],
    ['remove alice', (repository) => repository.remove('alice')],
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.shuffledSubarray([...acts], { minLength: 2 }),
      fc.constantFrom('absent', 'there', 'half-made'),
      runInterleaved,
    ),
    { seed: SEED, numRuns: 400 },
  )
})

async function runInterleaved(
  scheduler: fc.Scheduler,
  acts: (readonly [string, (repository: SubscriberRepository) => Promise<unknown>])[],
  before: 'absent' | 'there' | 'half-made',
): Promise<void> {
  const bucket = new MemoryBucket()
  if (before !== 'absent') await createRepository(bucket).add(alice())
  // As an add leaves it that died before its commit.
  if (before === 'half-made') bucket.entries.delete(createRepository().keys.subscription('alice'))
  bucket.gate = (operation, key) => scheduler.schedule(Promise.resolve(), `${operation} ${key.slice(0, 8)}`)
  const outcomes = acts.map(([, act]) =>
    // Each is a process of its own.
    act(createRepository(bucket)).catch((error: unknown) => {
      const isExpected = error instanceof SubscriberExistsError || error instanceof ConcurrentChangeError
      if (!isExpected) throw error
    }),
  )
  await scheduler.waitFor(Promise.all(outcomes))
  bucket.gate = () => {}
  const repository = createRepository(bucket)
  const owners = new Map<string, string>()
  for await (const subscriber of repository.list('')) {
    for (const { identity } of subscriber.serviceProfile.publicIdentities) {
      assert.equal(owners.get(identity), undefined, `${identity} has two owners`)
      owners.set(identity, subscriber.subscriptionId)
      assert.equal((await repository.findByImpu(identity as Impu))?.subscriptionId, subscriber.subscriptionId)
    }
    for (const { impi } of subscriber.privateUsers) {
      assert.equal((await repository.findByImpi(impi))?.subscriptionId, subscriber.subscriptionId)
    }
  }
}
