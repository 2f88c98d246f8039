import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { fetchMetrics, sumOf, waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { SERVICES } from '@rollcall/deploy/local/stack.ts'
import { NatsServerKeyError } from '@rollcall/dev-env'
import { readPidfSummary, writePidf } from '@rollcall/pidf'
import { createNatsKey, NATS_KEY_VARIABLE } from '@rollcall/store'
import { PublicationRefusedError, SubscriptionRefusedError } from '@rollcall/ue'
import { TestNetwork } from './support/network.ts'

async function readinessOf(probe: string): Promise<{ ok: boolean; text: string }> {
  const response = await fetch(`http://${probe}/readyz`)
  return { ok: response.ok, text: await response.text() }
}

test('while NATS is away writes are answered 503 with Retry-After, and it goes on by itself when NATS is back', async () => {
  await using network = await TestNetwork.start({ block: 14 })
  const phone = await network.ue('alice-phone')
  const bob = await network.ue('bob')
  await phone.register()
  await bob.register()
  const body = (note: string) => writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open', note })
  const publication = await phone.publish({ body: body('before') })
  const subscription = await bob.subscribe({ uri: phone.identity })
  await subscription.next(5_000)
  await network.stack.nats.stop()
  const probe = network.stack.probe('presence')
  await waitUntil('the Presence Server says that it is not ready', async () => !(await readinessOf(probe)).ok)
  await assert.rejects(publication.modify(body('during')), (error: unknown) => {
    assert.ok(error instanceof PublicationRefusedError, String(error))
    assert.equal(error.status, 503)
    assert.ok((error.retryAfterSeconds ?? 0) >= 1)
    return true
  })
  await assert.rejects(bob.subscribe({ uri: phone.identity, eventPackage: 'presence' }), (error: unknown) => {
    assert.ok(error instanceof SubscriptionRefusedError, String(error))
    assert.equal(error.status, 503)
    return true
  })
  const refused = sumOf(await fetchMetrics(probe), 'rollcall_presence_refused_total')
  assert.ok(refused >= 2, `counted ${refused}`)
  await network.stack.nats.start()
  await Promise.all(SERVICES.map((name) => network.stack.service(name).ready()))
  await publication.modify(body('after'))
  let notes: readonly unknown[] = []
  await waitUntil(
    'the watcher is told',
    async () => {
      notes = readPidfSummary((await subscription.next(10_000)).body).tuples.flatMap((tuple) => tuple.notes)
      return notes.includes('after')
    },
    20_000,
  )
  assert.ok(!notes.includes('during'), 'what was refused did not happen')
  assert.deepEqual(network.unexpectedEnds, [])
})

test('services refuse a store that was emptied, name the reason, and make nothing anew; with the data back they go on', async () => {
  await using network = await TestNetwork.start({ block: 15 })
  const phone = await network.ue('alice-phone')
  await phone.register()
  await phone.publish({ body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open', note: 'kept' }) })
  const { stack, data } = network
  const restart = async () => {
    for (const name of ['presence', 'scscf', 'hss'] as const) {
      await stack.service(name).kill('SIGKILL')
      stack.service(name).spawn()
    }
  }
  await stack.nats.stop()
  await rename(data.storeDir, `${data.storeDir}.aside`)
  await stack.nats.start()
  await restart()
  for (const name of ['presence', 'scscf', 'hss'] as const) {
    await waitUntil(
      `${name} says why`,
      async () => {
        try {
          const { ok, text } = await readinessOf(stack.probe(name))
          return !ok && /stream|bucket/i.test(text)
        } catch {
          return false
        }
      },
      20_000,
    )
  }
  // Neither a service nor the one who may makes streams where data is missing.
  await assert.rejects(stack.initStore(), /gone|lost|missing|ledger/i)
  await stack.nats.stop()
  await rename(data.storeDir, `${data.storeDir}.empty`)
  await rename(`${data.storeDir}.aside`, data.storeDir)
  await stack.nats.start()
  await Promise.all(SERVICES.map((name) => stack.service(name).ready()))
  const presentity = await network.operator.getPresentity(phone.identity)
  assert.equal(presentity.publications.length, 1, 'the publication is back')
})

test('a NATS with another encryption key is not let run, and with the right one all is there', async () => {
  await using network = await TestNetwork.start({ block: 20 })
  const phone = await network.ue('alice-phone')
  await phone.register()
  await phone.publish({ body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open', note: 'kept' }) })
  const { stack } = network
  await stack.nats.stop()
  const other = createNatsKey(systemRandom).reveal().toString('latin1')
  await assert.rejects(stack.nats.start({ [NATS_KEY_VARIABLE]: other }), (error) => error instanceof NatsServerKeyError)
  assert.ok(!stack.nats.isRunning)
  const { ok, text } = await readinessOf(stack.probe('presence'))
  assert.ok(!ok && text.length > 0, 'the Presence Server says why it is not ready')
  await stack.nats.start()
  await Promise.all(SERVICES.map((name) => stack.service(name).ready()))
  const presentity = await network.operator.getPresentity(phone.identity)
  assert.equal(presentity.publications.length, 1, 'the publication is there')
})
