import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerChallenge, type IsimState, newIsimState } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import type { HssContext } from '../context.ts'
import { alice, createHss, IMPI, K, OPC } from '../subscribers/testing/fixtures.ts'

const KEYS = { k: new Secret(K), opc: new Secret(OPC) }
/** One write a block: see `SQN_BLOCK_SIZE` of the aka package. */
const BLOCK = 32

async function findAlice(context: HssContext) {
  const subscriber = await context.repository.findById('alice')
  const user = subscriber?.privateUsers.find(({ impi }) => impi === IMPI)
  assert.ok(subscriber && user)
  return { subscriber, user }
}

async function fetchVector(context: HssContext, resync?: { rand: Buffer; auts: Buffer }) {
  const { subscriber, user } = await findAlice(context)
  return await context.auc.makeVector(subscriber, user, { consumer: 'cx', resync })
}

/** An ISIM with the keys of alice's phone. */
class Isim {
  state: IsimState = newIsimState()

  answer(vector: { rand: Buffer; autn: Buffer }) {
    const answer = answerChallenge(KEYS, { rand: vector.rand, autn: vector.autn, state: this.state })
    if (answer.kind === 'success') this.state = answer.state
    return answer
  }
}

test('each vector is fresh and the ISIM accepts every one, also across blocks (TS 33.102 clause 6.3.2)', async () => {
  const { context } = await createHss()
  await context.repository.add(alice())
  const isim = new Isim()
  const seen = new Set<string>()
  for (let count = 0; count < 3 * BLOCK; count++) {
    const { vector } = await fetchVector(context)
    const answer = isim.answer(vector)
    assert.equal(answer.kind, 'success', `vector ${count}`)
    assert.ok(answer.kind === 'success' && answer.res.equals(vector.xres) && answer.ik.equals(vector.ik))
    seen.add(vector.rand.toString('hex')).add(vector.autn.toString('hex'))
  }
  assert.equal(seen.size, 6 * BLOCK)
})

test('a block of sequence numbers costs one write (ARCHITECTURE, decision 5)', async () => {
  const { bucket, context } = await createHss()
  await context.repository.add(alice())
  const before = bucket.writes
  for (let count = 0; count < BLOCK; count++) await fetchVector(context)
  assert.equal(bucket.writes - before, 1)
  await fetchVector(context)
  assert.equal(bucket.writes - before, 2)
})

test('vectors asked for at once share a block and are all different', async () => {
  const { bucket, context } = await createHss()
  await context.repository.add(alice())
  const before = bucket.writes
  const vectors = await Promise.all(Array.from({ length: 8 }, () => fetchVector(context)))
  assert.equal(bucket.writes - before, 1)
  const isim = new Isim()
  for (const { vector } of vectors) assert.equal(isim.answer(vector).kind, 'success')
})

test('numbers that a dead process had reserved are skipped, and none comes twice (TS 33.102 annex C.1.2)', async () => {
  const { context, restart } = await createHss()
  await context.repository.add(alice())
  const isim = new Isim()
  for (let life = 0, current = context; life < 4; life++, current = restart()) {
    for (let count = 0; count < 5; count++)
      assert.equal(isim.answer((await fetchVector(current)).vector).kind, 'success')
  }
})

test('two replicas take turns and the ISIM accepts every vector', async () => {
  const { context, restart } = await createHss()
  await context.repository.add(alice())
  const replicas = [context, restart()]
  const isim = new Isim()
  for (let count = 0; count < 40; count++) {
    const replica = replicas[(count * 7) % 3 === 0 ? 0 : 1]
    assert.ok(replica)
    assert.equal(isim.answer((await fetchVector(replica)).vector).kind, 'success', `vector ${count}`)
  }
})

test('AUTS sets SQN to SQN_MS and the next vector is accepted (TS 33.102 clause 6.3.5)', async () => {
  const { context } = await createHss()
  await context.repository.add(alice())
  // An ISIM that has met another network: far ahead of us.
  const isim = new Isim()
  isim.state = { sqnArray: isim.state.sqnArray.map(() => 5_000n) }
  const { vector } = await fetchVector(context)
  const refused = isim.answer(vector)
  assert.ok(refused.kind === 'sync-failure')
  const again = await fetchVector(context, { rand: vector.rand, auts: refused.auts })
  assert.equal(again.resynchronisation, 'done')
  assert.equal(isim.answer(again.vector).kind, 'success')
  for (let count = 0; count < 40; count++) {
    assert.equal(isim.answer((await fetchVector(context)).vector).kind, 'success')
  }
})

test('AUTS with a wrong MAC-S changes nothing and costs no write (TS 33.102 clause 6.3.5)', async () => {
  const { bucket, context } = await createHss()
  await context.repository.add(alice())
  const isim = new Isim()
  isim.state = { sqnArray: isim.state.sqnArray.map(() => 5_000n) }
  const { vector } = await fetchVector(context)
  const refused = isim.answer(vector)
  assert.ok(refused.kind === 'sync-failure')
  const before = bucket.writes
  for (const [rand, auts] of [
    [vector.rand, Buffer.alloc(14)],
    [Buffer.alloc(16), refused.auts],
  ] as const) {
    const forged = await fetchVector(context, { rand, auts })
    assert.equal(forged.resynchronisation, 'refused')
    assert.equal(isim.answer(forged.vector).kind, 'sync-failure')
  }
  assert.equal(bucket.writes, before)
})

test('an ISIM that is behind needs no resynchronisation, and an old AUTS does none', async () => {
  const { bucket, context } = await createHss()
  await context.repository.add(alice())
  const isim = new Isim()
  isim.state = { sqnArray: isim.state.sqnArray.map(() => 20n) }
  const { vector } = await fetchVector(context)
  const refused = isim.answer(vector)
  assert.ok(refused.kind === 'sync-failure')
  for (let count = 0; count < 25; count++) await fetchVector(context)
  const before = bucket.writes
  const { vector: next } = await fetchVector(context, { rand: vector.rand, auts: refused.auts })
  assert.equal(isim.answer(next).kind, 'success')
  assert.equal(bucket.writes, before)
})

test('a subscriber who was removed and added anew begins anew, whatever is left of his numbers', async () => {
  const { bucket, context } = await createHss()
  await context.repository.add(alice())
  for (let count = 0; count < 3; count++) await fetchVector(context)
  const sqnKey = context.repository.keys.sqn(IMPI)
  const left = bucket.entries.get(sqnKey)
  assert.ok(left)
  await context.repository.remove('alice')
  // As a remove leaves it that dies half way.
  bucket.entries.set(sqnKey, left)
  await context.repository.add(alice())
  const isim = new Isim()
  const { vector } = await fetchVector(context)
  const answer = isim.answer(vector)
  assert.equal(answer.kind, 'success')
  assert.deepEqual(
    isim.state.sqnArray.filter((seq) => seq > 0n),
    [1n],
  )
})

test('a TUAK subscriber gets vectors that his ISIM accepts, and resynchronises; TOPc is sealed like OPc (TS 35.231 clause 5)', async () => {
  const { bucket, context, restart } = await createHss()
  const keys = { k: new Secret(Buffer.alloc(32, 0x5a)), topc: new Secret(Buffer.alloc(32, 0xa5)) }
  const { subscriptionId, serviceProfile, presencePolicy } = alice()
  const privateUsers = [{ impi: IMPI, amf: Buffer.alloc(2), initialSqn: 32n, ...keys }]
  await context.repository.add({ subscriptionId, privateUsers, serviceProfile, presencePolicy })
  for (const { value } of bucket.entries.values()) {
    assert.ok(!value.includes(keys.k.reveal()) && !value.includes(keys.topc.reveal()))
  }
  // Another process reads the same record.
  for (const [current, highest] of [
    [context, 5_000n],
    [restart(), 9_000n],
  ] as const) {
    const { vector } = await fetchVector(current)
    const fresh = { rand: vector.rand, autn: vector.autn, state: newIsimState() }
    const answer = answerChallenge(keys, fresh)
    assert.ok(answer.kind === 'success' && answer.res.equals(vector.xres) && answer.ck.equals(vector.ck))
    const ahead = { sqnArray: newIsimState().sqnArray.map(() => highest) }
    const refused = answerChallenge(keys, { ...fresh, state: ahead })
    assert.ok(refused.kind === 'sync-failure')
    const again = await fetchVector(current, { rand: vector.rand, auts: refused.auts })
    assert.equal(again.resynchronisation, 'done')
    const { rand, autn } = again.vector
    assert.equal(answerChallenge(keys, { rand, autn, state: ahead }).kind, 'success')
  }
})
