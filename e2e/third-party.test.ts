import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fetchMetrics, sumOf, waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { readPidfSummary, writePidf } from '@rollcall/pidf'
import type { Ue } from '@rollcall/ue'
import { TestNetwork } from './support/network.ts'

const WAIT_MS = 20_000

type Subscription = Awaited<ReturnType<Ue['subscribe']>>

/** What the network itself says in the document that a NOTIFY brought. */
function networkSays(body: Buffer): string | undefined {
  return readPidfSummary(body).tuples.find(({ id }) => id === 'network')?.basic
}

/** Waits for the NOTIFY that says so. */
async function untilTold(subscription: Subscription, basic: 'open' | 'closed'): Promise<Buffer> {
  for (;;) {
    const { body } = await subscription.next(WAIT_MS)
    if (networkSays(body) === basic) return body
  }
}

async function watchersOf(network: TestNetwork, impu: string): Promise<string[]> {
  const { subscriptions } = await network.operator.getPresentity(impu)
  return subscriptions.map(({ watcher }) => watcher).sort()
}

test('who registers and who goes reaches the Presence Server, whatever dies in between (TS 24.229 clause 5.4.1.7)', async (t) => {
  await using network = await TestNetwork.start({ block: 36 })
  const { stack } = network
  const phone = await network.ue('alice-phone')
  const tablet = await network.ue('alice-tablet')
  const bob = await network.ue('bob')
  const carol = await network.ue('carol')
  for (const ue of [phone, bob, carol]) await ue.register()
  const alice = phone.identity
  const delivered = async (): Promise<number> =>
    sumOf(await fetchMetrics(stack.probe('scscf')), 'rollcall_scscf_third_party_total', { outcome: 'delivered' })
  const pending = async (): Promise<number> =>
    sumOf(await fetchMetrics(stack.probe('scscf')), 'rollcall_scscf_third_party_pending')
  await waitUntil('the Presence Server heard of all three', async () => (await delivered()) >= 3, WAIT_MS)

  const ofBob = await bob.subscribe({ uri: alice })
  const ofCarol = await carol.subscribe({ uri: alice })

  await t.test('a presentity who registers is open to watchers, beside what she publishes', async () => {
    await untilTold(ofBob, 'open')
    await untilTold(ofCarol, 'open')
    await phone.publish({ body: writePidf({ entity: alice, tupleId: 'a', basic: 'open', note: 'here' }) })
    for (const subscription of [ofBob, ofCarol]) {
      const { tuples } = readPidfSummary((await subscription.next(WAIT_MS)).body)
      assert.deepEqual(
        tuples.map(({ basic }) => basic),
        ['open', 'open'],
      )
    }
  })

  await t.test('of two terminals the first that goes changes nothing; with the last she is closed', async () => {
    await tablet.register()
    const before = await delivered()
    await phone.deregister()
    await waitUntil('the Presence Server heard what is left', async () => (await delivered()) > before, WAIT_MS)
    await tablet.deregister()
    for (const subscription of [ofBob, ofCarol]) {
      const { tuples } = readPidfSummary((await subscription.next(WAIT_MS)).body)
      assert.deepEqual(
        tuples.map(({ basic }) => basic),
        ['open', 'closed'],
        'the very next word: there was none between',
      )
    }
    await phone.register()
    await untilTold(ofBob, 'open')
    await untilTold(ofCarol, 'open')
  })

  await t.test('a watcher who goes watches no more, and one who stays does', async () => {
    assert.deepEqual(await watchersOf(network, alice), [bob.identity, carol.identity])
    await bob.deregister()
    await waitUntil('bob watches no more', async () => (await watchersOf(network, alice)).length === 1, WAIT_MS)
    assert.deepEqual(await watchersOf(network, alice), [carol.identity])
    // It ended because he went, and not because he could not be told.
    const ended = sumOf(await fetchMetrics(stack.probe('presence')), 'rollcall_presence_watcher_ended_total')
    assert.equal(ended, 1)
  })

  await t.test(
    'kill -9 of the Presence Server: who goes meanwhile is not kept waiting, and is heard of after it',
    async () => {
      await bob.register()
      const renewed = await bob.subscribe({ uri: alice })
      await untilTold(renewed, 'open')
      await waitUntil('all is told', async () => (await pending()) === 0, WAIT_MS)
      const presence = stack.service('presence')
      await presence.kill('SIGKILL')
      // Their 200s wait for nobody.
      await carol.deregister()
      await phone.deregister()
      presence.spawn()
      await presence.ready()
      await untilTold(renewed, 'closed')
      await waitUntil('carol watches no more', async () => (await watchersOf(network, alice)).length === 1, WAIT_MS)
      assert.deepEqual(await watchersOf(network, alice), [bob.identity])
      await waitUntil('nothing is left to tell', async () => (await pending()) === 0, WAIT_MS)
    },
  )

  await t.test('kill -9 of the S-CSCF: what it had not told is told by the next', async () => {
    const presence = stack.service('presence')
    const scscf = stack.service('scscf')
    await presence.kill('SIGKILL')
    await bob.deregister()
    await scscf.kill('SIGKILL')
    scscf.spawn()
    presence.spawn()
    await Promise.all([scscf.ready(), presence.ready()])
    await waitUntil('bob watches no more', async () => (await watchersOf(network, alice)).length === 0, WAIT_MS)
  })
})
