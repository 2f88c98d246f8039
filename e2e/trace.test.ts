import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReceivedSpan } from '@rollcall/deploy/local/otlp-decode.ts'
import { writePidf } from '@rollcall/pidf'
import { TestNetwork } from './support/network.ts'

const ARRIVAL_MS_MAX = 15_000

test('one trace holds P-CSCF, S-CSCF, Presence Server and store, and the NOTIFY is linked to its PUBLISH', async () => {
  await using network = await TestNetwork.start({ block: 17 })
  const phone = await network.ue('alice-phone')
  const bob = await network.ue('bob')
  await phone.register()
  await bob.register()
  const subscription = await bob.subscribe({ uri: phone.identity })
  await subscription.next(5_000)
  await phone.publish({ body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open' }) })
  await subscription.next(10_000)

  for (const method of ['SUBSCRIBE', 'PUBLISH']) {
    const chain = await network.otlp.waitFor((spans) => chainOf(spans, method), ARRIVAL_MS_MAX)
    assert.equal(new Set(chain.map((span) => span.traceId)).size, 1, 'one trace')
    assert.deepEqual(
      chain.map((span) => `${span.service} ${span.name}`),
      [`pcscf SIP ${method}`, `scscf SIP ${method}`, `presence SIP ${method}`, 'presence store append'],
    )
    assert.equal(chain[0]?.parentSpanId, '', 'the P-CSCF starts it')
  }
  const publish = await network.otlp.waitFor((spans) => chainOf(spans, 'PUBLISH'), ARRIVAL_MS_MAX)
  const subscribe = await network.otlp.waitFor((spans) => chainOf(spans, 'SUBSCRIBE'), ARRIVAL_MS_MAX)
  const linkedTo = (span: ReceivedSpan, chain: readonly ReceivedSpan[]) =>
    span.links.some((link) => link.traceId === chain[0]?.traceId)
  const notify = await network.otlp.waitFor(
    (spans) =>
      spans.find(
        (span) =>
          span.service === 'presence' &&
          span.name === 'SIP NOTIFY' &&
          linkedTo(span, publish) &&
          linkedTo(span, subscribe),
      ),
    ARRIVAL_MS_MAX,
  )
  assert.ok(!notify.failed)
  // Identities do not go on spans as they are.
  const text = JSON.stringify(network.otlp.spans())
  for (const identity of ['alice@', 'bob@', '001010000000001', '15550100'])
    assert.ok(!text.includes(identity), identity)
})

/**
 * The spans from the edge to the store, each the child of the one before. UEs and P-CSCF subscribe to registrations too,
 * which ends at the S-CSCF.
 */
function chainOf(spans: readonly ReceivedSpan[], method: string): ReceivedSpan[] | undefined {
  for (const span of spans) {
    const isRoot = span.service === 'pcscf' && span.name === `SIP ${method}`
    const chain = isRoot ? chainBelow(span, spans, method) : undefined
    if (chain) return chain
  }
  return undefined
}

function chainBelow(root: ReceivedSpan, spans: readonly ReceivedSpan[], method: string): ReceivedSpan[] | undefined {
  const stops: readonly [string, string][] = [
    ['scscf', `SIP ${method}`],
    ['presence', `SIP ${method}`],
    ['presence', 'store append'],
  ]
  const chain = [root]
  for (const [service, name] of stops) {
    const above = chain.at(-1)
    const next = spans.find(
      (span) => span.service === service && span.name === name && span.parentSpanId === above?.spanId,
    )
    if (!next) return undefined
    chain.push(next)
  }
  return chain
}
