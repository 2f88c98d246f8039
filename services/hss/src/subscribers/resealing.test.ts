import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impi, Secret, seededRandom, VirtualClock } from '@rollcall/core'
import { SealedRecordError, Sealer, StoreUnavailableError } from '@rollcall/store'
import { SubscriberRepository } from './repository.ts'
import { resealAll } from './resealing.ts'
import { ALICE, alice, IMPI, newSubscriber, OPC, REALM } from './testing/fixtures.ts'
import { MemoryBucket } from './testing/memory-bucket.ts'

const random = seededRandom('resealing')
const KEYS = new Map(['hash', 'k1', 'k2'].map((id) => [id, new Secret(random.bytes(32))] as const))

/** A sealer whose file has these keys, the last one in use. */
function sealerWith(...ids: string[]): Sealer {
  const keys = new Map([...KEYS].filter(([id]) => id === 'hash' || ids.includes(id)))
  return new Sealer({ current: ids.at(-1) ?? '', hash: 'hash', keys })
}

function repositoryWith(bucket: MemoryBucket, ...ids: string[]): SubscriberRepository {
  return new SubscriberRepository({ bucket, sealer: sealerWith(...ids), random })
}

async function opens(repository: SubscriberRepository): Promise<void> {
  const subscriber = await repository.findByImpi(IMPI)
  const [user] = subscriber?.privateUsers ?? []
  assert.ok(subscriber && user)
  const keys = repository.keysOf(subscriber, user)
  assert.deepEqual('opc' in keys && keys.opc.reveal(), OPC)
}

/** Three subscribers sealed by k1. */
async function stage() {
  const bucket = new MemoryBucket()
  const before = repositoryWith(bucket, 'k1')
  await before.add(alice())
  for (const name of ['bob', 'carol']) {
    await before.add(newSubscriber(name, [`00101${name.length}${name}@${REALM}`], [`sip:${name}@${REALM}`]))
  }
  await before.remove('carol')
  bucket.writes = 0
  return { bucket, clock: new VirtualClock(), stopping: new AbortController() }
}

type Walked = { readonly resealed: number; readonly failed: number }

async function run(
  repository: Pick<SubscriberRepository, 'recordKeys' | 'reseal'>,
  { clock, stopping }: { clock: VirtualClock; stopping: AbortController },
): Promise<{ outcome: string; walks: Walked[] }> {
  const walks: Walked[] = []
  let outcome: string | undefined
  const all = resealAll({
    repository,
    clock,
    signal: stopping.signal,
    onResealed: () => {},
    onWalked: ({ resealed, failed }) => walks.push({ resealed, failed }),
  }).then((result) => {
    outcome = result
  })
  while (outcome === undefined) {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    clock.advance(10)
  }
  await all
  return { outcome, walks }
}

test('TOPc of a TUAK user is sealed anew like OPc', async () => {
  const { bucket, ...rest } = await stage()
  const impi = `001010000000077@${REALM}` as Impi
  const keys = { k: new Secret(random.bytes(32)), topc: new Secret(random.bytes(32)) }
  const dave = newSubscriber('dave', [impi], [`sip:dave@${REALM}`])
  const privateUsers = [{ impi, amf: Buffer.alloc(2), initialSqn: 32n, ...keys }]
  const added = repositoryWith(bucket, 'k1')
  assert.equal(await added.add({ ...dave, privateUsers }), 'created')
  assert.equal(await added.add({ ...dave, privateUsers }), 'same')
  const { outcome, walks } = await run(repositoryWith(bucket, 'k1', 'k2'), rest)
  assert.deepEqual([outcome, walks], ['done', [{ resealed: 3, failed: 0 }]])
  const repository = repositoryWith(bucket, 'k2')
  const subscriber = await repository.findByImpi(impi)
  const [user] = subscriber?.privateUsers ?? []
  assert.ok(subscriber && user)
  const opened = repository.keysOf(subscriber, user)
  assert.ok('topc' in opened && opened.topc.equals(keys.topc) && opened.k.equals(keys.k))
  // TOPc does not open in the place of K.
  assert.throws(() => repository.keysOf(subscriber, { ...user, sealedK: user.sealedTopc }), SealedRecordError)
})

test('after the key is changed all still opens, and when all is sealed anew the old key may go', async () => {
  const { bucket, ...rest } = await stage()
  await opens(repositoryWith(bucket, 'k1', 'k2'))
  await assert.rejects(opens(repositoryWith(bucket, 'k2')), SealedRecordError)
  const { outcome, walks } = await run(repositoryWith(bucket, 'k1', 'k2'), rest)
  assert.deepEqual([outcome, walks], ['done', [{ resealed: 2, failed: 0 }]])
  await opens(repositoryWith(bucket, 'k2'))
  // What is sealed already is only looked at.
  const { writes } = bucket
  assert.deepEqual((await run(repositoryWith(bucket, 'k1', 'k2'), rest)).walks, [{ resealed: 0, failed: 0 }])
  assert.equal(bucket.writes, writes)
})

test('whatever else writes a subscriber seals it anew', async () => {
  const { bucket } = await stage()
  const policy = { defaultAllow: false, allow: [], block: [] }
  await repositoryWith(bucket, 'k1', 'k2').setPresencePolicy(ALICE, policy)
  await opens(repositoryWith(bucket, 'k2'))
})

test('a walk that is broken off is taken up by the next one', async () => {
  const { bucket, clock } = await stage()
  const stopping = new AbortController()
  const repository = repositoryWith(bucket, 'k1', 'k2')
  const cut = {
    recordKeys: () => repository.recordKeys(),
    reseal: async (key: string) => {
      stopping.abort()
      return await repository.reseal(key)
    },
  }
  assert.equal((await run(cut, { clock, stopping })).outcome, 'aborted')
  assert.equal(bucket.writes, 1)
  const { walks } = await run(repository, { clock, stopping: new AbortController() })
  assert.deepEqual(walks, [{ resealed: 1, failed: 0 }])
})

test('one that does not open, and a store that is away, keep nobody else from being sealed and are tried again', async () => {
  const { bucket, ...rest } = await stage()
  const repository = repositoryWith(bucket, 'k1', 'k2')
  let failures = 2
  const flaky = {
    recordKeys: () => repository.recordKeys(),
    reseal: async (key: string) => {
      if (failures-- > 0) throw new StoreUnavailableError('disconnected', 'refused')
      return await repository.reseal(key)
    },
  }
  const { outcome, walks } = await run(flaky, rest)
  assert.equal(outcome, 'done')
  assert.equal(walks.at(0)?.failed, 2)
  assert.deepEqual(walks.at(-1), { resealed: 2 - (walks.at(0)?.resealed ?? 0), failed: 0 })
})

test('a subscriber that is changed meanwhile keeps the change', async () => {
  const { bucket } = await stage()
  const repository = repositoryWith(bucket, 'k1', 'k2')
  const other = repositoryWith(bucket, 'k1')
  let isFirst = true
  bucket.gate = async (operation) => {
    if (operation !== 'update' || !isFirst) return
    isFirst = false
    await other.setPresencePolicy(ALICE, { defaultAllow: false, allow: [], block: [ALICE] })
  }
  await repository.reseal(repository.keys.subscription('alice'))
  assert.deepEqual((await repository.findByImpu(ALICE))?.presencePolicy.block, [ALICE])
  await opens(repositoryWith(bucket, 'k2'))
})

test('a password is sealed anew with the keys, and the settings stay (RFC 8760 section 2)', async () => {
  const { bucket, ...rest } = await stage()
  const ha1 = new Secret(Buffer.alloc(80, 7))
  const before = repositoryWith(bucket, 'k1')
  await before.setDigestPassword(IMPI, REALM, ha1)
  await before.setGuss(IMPI, { lifetimeSeconds: 60, uss: [] })
  await run(repositoryWith(bucket, 'k1', 'k2'), rest)
  const after = repositoryWith(bucket, 'k2')
  const subscriber = await after.findByImpi(IMPI)
  const [user] = subscriber?.privateUsers ?? []
  assert.ok(subscriber && user)
  assert.ok(after.ha1Of(subscriber, user, REALM)?.equals(ha1))
  assert.equal(user.guss?.lifetimeSeconds, 60)
})
