import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary } from '@rollcall/pidf'
import { PIDF_MANIPULATION_USAGE, PRESENCE_RULES_USAGE, parseXcapUri, type XcapOutcome } from '@rollcall/xcap'
import { PartitionLostError } from '../errors.ts'
import { ALICE, ALICES_POLICY, BOB, CAROL, pidf, publish, subscribe } from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'
import type { PartitionOwner } from './owner.ts'

/** One rule a line: who, and what of him. */
function rules(...lines: readonly (readonly [id: string, handling: string])[]): string {
  const one = lines.map(
    ([id, handling], i) =>
      `<cp:rule id="r${i}"><cp:conditions><cp:identity><cp:one id="${id}"/></cp:identity></cp:conditions>` +
      `<cp:actions><sub-handling>${handling}</sub-handling></cp:actions>` +
      '<cp:transformations><provide-services><all-services/></provide-services>' +
      '<provide-persons><all-persons/></provide-persons><provide-all-attributes/></cp:transformations></cp:rule>',
  )
  return (
    '<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy" xmlns="urn:ietf:params:xml:ns:pres-rules">' +
    `${one.join('')}</cp:ruleset>`
  )
}

let versions = 0

function ask(
  owner: PartitionOwner,
  method: string,
  body = '',
  o: { usage?: typeof PRESENCE_RULES_USAGE; ifMatch?: string } = {},
): Promise<XcapOutcome> {
  const usage = o.usage ?? PRESENCE_RULES_USAGE
  return owner.document({
    presentity: ALICE,
    usage,
    request: {
      method,
      uri: parseXcapUri(`/${usage.auid}/users/${ALICE}/index`),
      contentType: usage.mediaType,
      body: Buffer.from(body),
      ifMatch: o.ifMatch,
      ifNoneMatch: undefined,
    },
    newEtag: `v${++versions}`,
    user: { revision: 1n, policy: ALICES_POLICY, impus: [ALICE] },
    traceparent: '',
  })
}

const status = async (outcome: Promise<XcapOutcome>): Promise<number> => (await outcome).status

test('rules take the place of what the operator provisioned, and give it back when they go', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  assert.equal(await status(ask(owner, 'PUT', rules([BOB, 'allow']))), 201)
  const carol = stage.ask(owner, subscribe({ watcher: [CAROL] }))
  assert.equal(carol.answer?.status, 403, 'nothing matches: block')
  stage.ask(owner, subscribe())
  await settled()
  assert.equal(stage.take().length, 1)
  assert.equal(await status(ask(owner, 'DELETE')), 200)
  const again = stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  assert.equal(again.answer?.status, 200)
})

test('after the answer to a rule that blocks nothing with content leaves for who is blocked (RFC 5025 section 4)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  stage.ask(owner, subscribe())
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  stage.take()
  assert.equal(await status(ask(owner, 'PUT', rules([CAROL, 'allow']))), 201)
  await settled()
  const told = stage.take()
  const bobs = told.filter(({ notice }) => notice.subscription.watcher[0] === BOB)
  assert.deepEqual(
    bobs.map(({ notice, body }) => [notice.ended, body]),
    [['rejected', '']],
  )
  stage.ask(owner, publish({ body: pidf('more'), newEntityTag: 'e2' }))
  await settled()
  assert.deepEqual(
    stage.take().map(({ notice }) => notice.subscription.watcher[0]),
    [CAROL],
  )
})

test('a change is answered when it is durable, and is there for the next owner', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const outcome = await ask(owner, 'PUT', rules([BOB, 'allow']))
  assert.ok(outcome.kind === 'write' && outcome.document)
  owner.drop()
  const next = await stage.own()
  const read = await ask(next, 'GET')
  assert.ok(read.kind === 'read')
  assert.equal(read.etag, outcome.document.etag)
  assert.equal(read.body.toString(), rules([BOB, 'allow']))
  assert.equal(stage.ask(next, subscribe({ watcher: [CAROL] })).answer?.status, 403)
})

test('a rule holds when it is durable and no earlier owner can tell anything any more (decision 3)', async () => {
  const stage = new Stage()
  const { promise: sole, resolve: becomeSole } = Promise.withResolvers<void>()
  stage.sole = sole
  const owner = await stage.own()
  const heard: string[] = []
  stage.log.mode = 'hold'
  void ask(owner, 'PUT', rules([BOB, 'allow'])).then(() => void heard.push('rules'))
  void ask(owner, 'PUT', pidf('x').toString(), { usage: PIDF_MANIPULATION_USAGE }).then(() => void heard.push('pidf'))
  await settled()
  assert.deepEqual(heard, [], 'not durable')
  stage.log.acknowledge()
  await settled()
  assert.deepEqual(heard, ['pidf'], 'durable, but another owner may still let somebody in')
  becomeSole()
  await settled()
  assert.deepEqual(heard, ['pidf', 'rules'])
})

test('what is not durable yet is told to nobody, and nobody is refused by it', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const first = await ask(owner, 'PUT', rules([BOB, 'allow']))
  assert.ok(first.kind === 'write' && first.document)
  stage.log.mode = 'hold'
  const heard: string[] = []
  const hear = (what: string, outcome: Promise<XcapOutcome>): void =>
    void outcome.then(({ status: answered }) => void heard.push(`${what} ${answered}`))
  hear('put', ask(owner, 'PUT', rules([BOB, 'block'])))
  hear('get', ask(owner, 'GET'))
  hear('old', ask(owner, 'PUT', rules([CAROL, 'allow']), { ifMatch: `"${first.document.etag}"` }))
  await settled()
  assert.deepEqual(heard, [])
  stage.log.acknowledge()
  await settled()
  assert.deepEqual(heard.toSorted(), ['get 200', 'old 412', 'put 200'])
})

test('who has an old version changes nothing', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const first = await ask(owner, 'PUT', rules([BOB, 'allow']))
  assert.ok(first.kind === 'write' && first.document)
  const { etag } = first.document
  const [one, other] = await Promise.all([
    ask(owner, 'PUT', rules([BOB, 'block']), { ifMatch: `"${etag}"` }),
    ask(owner, 'PUT', rules([CAROL, 'allow']), { ifMatch: `"${etag}"` }),
  ])
  assert.deepEqual([one.status, other.status], [200, 412])
})

test('without a live lease nothing is read, refused or changed: another owner may know better', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.lease.isLive = false
  for (const method of ['GET', 'PUT', 'DELETE']) {
    await assert.rejects(ask(owner, method, rules()), PartitionLostError)
  }
})

test('what stands in pidf-manipulation is told beside what is published, and without it (RFC 4827)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  const usage = PIDF_MANIPULATION_USAGE
  assert.equal(await status(ask(owner, 'PUT', pidf('always').toString(), { usage })), 201)
  await settled()
  const notes = (): readonly string[] =>
    readPidfSummary(Buffer.from(stage.take().at(-1)?.body ?? '')).tuples.flatMap((tuple) => tuple.notes)
  assert.deepEqual(notes(), ['always'])
  stage.ask(owner, publish({ body: pidf('now') }))
  await settled()
  assert.deepEqual(notes().toSorted(), ['always', 'now'])
  assert.equal(await status(ask(owner, 'DELETE', '', { usage })), 200)
  await settled()
  assert.deepEqual(notes(), ['now'])
})

test('a user has room for so many documents, and no more', async () => {
  const stage = new Stage({ limits: { bodyOctets: 2_000 } })
  const owner = await stage.own()
  await assert.rejects(
    ask(owner, 'PUT', rules(...Array.from({ length: 10 }, () => [BOB, 'allow'] as const))),
    PartitionLostError,
  )
  assert.equal(await status(ask(owner, 'GET')), 404)
})

test('a document of pidf-manipulation stands without a publication, and goes when it is deleted (RFC 4827 section 1)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  const usage = PIDF_MANIPULATION_USAGE
  assert.equal(await status(ask(owner, 'PUT', String(pidf('always here')), { usage })), 201)
  await settled()
  assert.match(stage.take().at(-1)?.body ?? assert.fail('nobody is told'), /always here/)
  stage.ask(owner, publish({ body: pidf('at my desk') }))
  await settled()
  const both = stage.take().at(-1)?.body ?? assert.fail('nobody is told')
  assert.match(both, /at my desk/)
  assert.match(both, /always here/)
  assert.equal(await status(ask(owner, 'DELETE', '', { usage })), 200)
  await settled()
  const left = stage.take().at(-1)?.body ?? assert.fail('nobody is told')
  assert.doesNotMatch(left, /always here/)
})
