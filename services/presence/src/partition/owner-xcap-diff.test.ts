import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DOCUMENT_LIMITS,
  PIDF_MANIPULATION_USAGE,
  PRESENCE_RULES_USAGE,
  parseXcapUri,
  type XcapUsage,
} from '@rollcall/xcap'
import { childElements, parseXml } from '@rollcall/xml'
import type { SubscribeInput } from '../actor/subscribe.ts'
import type { DiffProcessing } from '../actor/xcap-selection.ts'
import { ALICE, ALICE_TEL, ALICES_POLICY, BOB, pidf, resubscribe, subscribe } from '../testing/inputs.ts'
import { type SentNotify, Stage, settled } from '../testing/stage.ts'
import type { PartitionOwner } from './owner.ts'
import { captureSnapshot } from './snapshot.ts'

const ROOT = 'https://xcap.ims.example.com/'
const RULES = `pres-rules/users/${ALICE}/index`

let versions = 0

/** A request that must succeed; gives the document's entity-tag. */
async function change(
  owner: PartitionOwner,
  method: 'PUT' | 'DELETE',
  body = '',
  { usage = PRESENCE_RULES_USAGE, node = '' }: { usage?: XcapUsage; node?: string } = {},
): Promise<string> {
  const outcome = await owner.document({
    presentity: ALICE,
    usage,
    request: {
      method,
      uri: parseXcapUri(`/${usage.auid}/users/${ALICE}/index${node}`),
      contentType: node === '' ? usage.mediaType : 'application/xcap-el+xml',
      body: Buffer.from(body),
      ifMatch: undefined,
      ifNoneMatch: undefined,
    },
    newEtag: `v${++versions}`,
    user: { revision: 1n, policy: ALICES_POLICY, impus: [ALICE, ALICE_TEL] },
    traceparent: '',
  })
  assert.ok(outcome.kind === 'write', `${method} of ${body} is ${outcome.status}`)
  return outcome.document?.etag ?? ''
}

/** Rules that name somebody, who changes with each of them. */
function rules(...names: readonly string[]): string {
  const one = names.map(
    (name) =>
      `<cp:rule id="${name}"><cp:conditions><cp:identity><cp:one id="sip:${name}@ims.example.com"/></cp:identity>` +
      '</cp:conditions><cp:actions><sub-handling>allow</sub-handling></cp:actions></cp:rule>',
  )
  return (
    '<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy" xmlns="urn:ietf:params:xml:ns:pres-rules">' +
    `${one.join('')}</cp:ruleset>`
  )
}

function documentsSubscribe(o: {
  selectors?: readonly string[]
  processing?: DiffProcessing
  over?: Partial<SubscribeInput>
}): ReturnType<typeof subscribe> {
  const { selectors = [`pres-rules/users/${ALICE}/`, `pidf-manipulation/users/${ALICE}/`] } = o
  const { processing = 'no-patching' } = o
  return subscribe({
    eventPackage: 'xcap-diff',
    watcher: [ALICE],
    isOwn: true,
    xcap: { root: ROOT, selectors, processing },
    ...o.over,
  })
}

/** What one NOTIFY says of each document: selector, entity-tag before, entity-tag now. */
function told({ body }: SentNotify): (readonly [sel: string, before: string | undefined, now: string | undefined])[] {
  return childElements(parseXml(Buffer.from(body), DOCUMENT_LIMITS)).map(({ attributes }) => {
    const value = (wanted: string) => attributes.find(({ name }) => name === wanted)?.value
    return [decodeURIComponent(value('sel') ?? ''), value('previous-etag'), value('new-etag')]
  })
}

test('a subscriber is told which documents there are, then what becomes of each (RFC 5875 section 4.7, RFC 5874 section 3)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const first = await change(owner, 'PUT', rules('bob'))
  assert.equal(stage.ask(owner, documentsSubscribe({})).answer, undefined, 'not durable yet')
  await settled()
  const [initial] = stage.take()
  assert.ok(initial)
  assert.ok(initial.body.includes(`xcap-root="${ROOT}"`))
  assert.deepEqual(told(initial), [[RULES, undefined, first]])

  const second = await change(owner, 'PUT', rules('bob', 'carol'))
  const hard = await change(owner, 'PUT', String(pidf('x')), { usage: PIDF_MANIPULATION_USAGE })
  await change(owner, 'DELETE')
  await settled()
  assert.deepEqual(stage.take().flatMap(told), [
    [RULES, first, second],
    [RULES, second, undefined],
    [`pidf-manipulation/users/${ALICE}/index`, undefined, hard],
  ])
})

test('who did not ask for a document hears nothing of it, and a PUT that changes nothing tells nobody', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, documentsSubscribe({ selectors: [`pidf-manipulation/users/${ALICE}/index`] }))
  stage.ask(owner, documentsSubscribe({ selectors: [`pres-rules/users/${ALICE_TEL}/index`] }))
  await settled()
  assert.deepEqual(stage.take().flatMap(told), [])
  const etag = await change(owner, 'PUT', rules('bob'))
  await settled()
  // Under the name by which it was asked for.
  assert.deepEqual(stage.take().flatMap(told), [[`pres-rules/users/${ALICE_TEL}/index`, undefined, etag]])
})

test('what changes while a NOTIFY is under way is told in one: each change, or from what was told to what is (RFC 5875 section 4.3)', async () => {
  for (const processing of ['no-patching', 'aggregate'] as const) await missesOne(processing)
})

async function missesOne(processing: DiffProcessing): Promise<void> {
  const stage = new Stage()
  const owner = await stage.own()
  const first = await change(owner, 'PUT', rules('bob'))
  stage.ask(owner, documentsSubscribe({ processing }))
  await settled()
  stage.take()
  stage.watchers = undefined
  const second = await change(owner, 'PUT', rules('carol'))
  const third = await change(owner, 'PUT', rules('dave'))
  const last = await change(owner, 'PUT', rules('eve'))
  const hard = await change(owner, 'PUT', String(pidf('x')), { usage: PIDF_MANIPULATION_USAGE })
  await change(owner, 'DELETE', '', { usage: PIDF_MANIPULATION_USAGE })
  await settled()
  const [underWay] = stage.take()
  assert.ok(underWay)
  assert.deepEqual(told(underWay), [[RULES, first, second]])
  underWay.done('unreachable')
  stage.watchers = 'delivered'
  await stage.pass(2_000)
  const path = `pidf-manipulation/users/${ALICE}/index`
  const each = [
    [RULES, first, second],
    [RULES, second, third],
    [RULES, third, last],
    [path, undefined, hard],
    [path, hard, undefined],
  ]
  assert.deepEqual(stage.take().flatMap(told), processing === 'aggregate' ? [[RULES, first, last]] : each)
}

test('with patches a subscriber need not read the document again (RFC 5875 section 4.3, RFC 5261 section 4)', async () => {
  for (const [processing, operations] of [
    ['no-patching', 0],
    ['aggregate', 1],
    ['xcap-patching', 1],
  ] as const) {
    const stage = new Stage()
    const owner = await stage.own()
    await change(owner, 'PUT', rules('bob', 'carol', 'dave', 'eve', 'frank'))
    stage.ask(owner, documentsSubscribe({ processing }))
    await settled()
    stage.take()
    await change(owner, 'PUT', rules('bob', 'carol', 'dave', 'frank'))
    await settled()
    const [notify] = stage.take()
    assert.ok(notify)
    assert.equal(notify.body.match(/:remove /g)?.length ?? 0, operations, `${processing}: ${notify.body}`)
  }
})

test('a part is told when it changes, with what it is now (RFC 5874 section 3)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  await change(owner, 'PUT', rules('bob', 'carol'))
  const node = `${RULES}/~~/cp:ruleset/cp:rule%5b@id=%22bob%22%5d?xmlns(cp=urn:ietf:params:xml:ns:common-policy)`
  stage.ask(owner, documentsSubscribe({ selectors: [node] }))
  await settled()
  assert.match(String(stage.take()[0]?.body), /exists="(?:1|true)"[\s\S]*sip:bob@/)
  await change(owner, 'PUT', rules('bob'))
  await settled()
  assert.deepEqual(stage.take(), [], 'another part changed')
  await change(owner, 'PUT', rules('carol'))
  await settled()
  assert.match(String(stage.take()[0]?.body), /exists="(?:0|false)"/)
})

test('documents are told to their user alone, and never counted among watchers (RFC 5875 section 4.6)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const bobs = stage.ask(owner, documentsSubscribe({ over: { watcher: [BOB], isOwn: false } }))
  assert.equal(bobs.answer?.status, 403)
  stage.ask(owner, documentsSubscribe({}))
  stage.ask(owner, subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE], isOwn: true }))
  await settled()
  const winfo = stage.take().find(({ notice }) => notice.subscription.eventPackage === 'presence.winfo')
  assert.ok(winfo && !winfo.body.includes('<watcher '))
})

test('a refresh tells all anew, and may ask for other documents; the next owner goes on with both', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const etag = await change(owner, 'PUT', rules('bob'))
  const asked = documentsSubscribe({})
  stage.ask(owner, asked)
  await settled()
  stage.take()
  const hard = await change(owner, 'PUT', String(pidf('x')), { usage: PIDF_MANIPULATION_USAGE })
  await settled()
  assert.equal(stage.take().length, 1)
  const again = { eventPackage: 'xcap-diff', watcher: [ALICE], isOwn: true } as const
  stage.ask(owner, resubscribe(asked, { ...again, cseq: 2 }))
  await settled()
  assert.deepEqual(stage.take().flatMap(told), [
    [RULES, undefined, etag],
    [`pidf-manipulation/users/${ALICE}/index`, undefined, hard],
  ])
  const xcap = { root: ROOT, selectors: [RULES], processing: 'aggregate' } as const
  stage.ask(owner, resubscribe(asked, { ...again, cseq: 3, xcap }))
  await settled()
  assert.deepEqual(stage.take().flatMap(told), [[RULES, undefined, etag]])

  stage.watchers = undefined
  const missed = await change(owner, 'PUT', rules('carol'))
  await settled()
  stage.take()
  owner.drop()
  stage.watchers = 'delivered'
  const next = await stage.own()
  await settled()
  assert.deepEqual(stage.take().flatMap(told), [[RULES, undefined, missed]], 'what there was is not known any more')
  const last = await change(next, 'PUT', rules('dave'))
  await settled()
  assert.deepEqual(stage.take().flatMap(told), [[RULES, missed, last]])
})

test('changes within the interval are told together when it is over (RFC 5875 section 4.10, RFC 3857 section 4.10)', async () => {
  const stage = new Stage({ notifyIntervalMs: 5_000 })
  const owner = await stage.own()
  stage.ask(owner, documentsSubscribe({}))
  stage.ask(owner, subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE], isOwn: true }))
  await stage.pass(6_000)
  stage.take()
  const first = await change(owner, 'PUT', rules('bob'))
  stage.ask(owner, subscribe())
  const isDocuments = ({ notice }: SentNotify): boolean => notice.subscription.eventPackage === 'xcap-diff'
  const isWinfo = ({ notice }: SentNotify): boolean => notice.subscription.eventPackage === 'presence.winfo'
  await settled()
  const atOnce = stage.take()
  assert.deepEqual(atOnce.filter(isDocuments).flatMap(told), [[RULES, undefined, first]])
  assert.equal(atOnce.filter(isWinfo).length, 1)
  const second = await change(owner, 'PUT', rules('bob', 'carol'))
  const third = await change(owner, 'PUT', rules('bob', 'dave'))
  stage.ask(owner, subscribe({ watcher: [BOB] }))
  stage.ask(owner, subscribe({ watcher: [BOB] }))
  await stage.pass(4_000)
  assert.deepEqual(
    stage.take().filter((one) => isDocuments(one) || isWinfo(one)),
    [],
  )
  await stage.pass(1_000)
  const later = stage.take()
  assert.deepEqual(later.filter(isDocuments).flatMap(told), [
    [RULES, first, second],
    [RULES, second, third],
  ])
  assert.equal(later.filter(isWinfo).length, 1)
})

test('what tells of documents fits into a message: what is larger says less, and nothing is left out (Choice)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const names = Array.from({ length: 150 }, (_, i) => `friend-${i}`)
  const first = await change(owner, 'PUT', rules(...names))
  const part = (prefix: string): string =>
    `${RULES}/~~/${prefix}:ruleset?xmlns(${prefix}=urn:ietf:params:xml:ns:common-policy)`
  const selectors = [...Array.from({ length: 20 }, (_, i) => part(`a${i}`)), `pres-rules/users/${ALICE}/`]
  stage.ask(owner, documentsSubscribe({ selectors }))
  await settled()
  const [initial] = stage.take()
  assert.ok(initial && initial.body.length < 49_152, `${initial?.body.length} octets`)
  assert.deepEqual(told(initial), [[RULES, undefined, first]])
  const second = await change(owner, 'PUT', rules(...names.slice(1)))
  await settled()
  const [after] = stage.take()
  assert.ok(after)
  assert.deepEqual(told(after), [[RULES, first, second]])
})

test('a user has so many subscriptions to documents, and others none the less for it', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  for (let i = 0; i < 32; i++) stage.ask(owner, documentsSubscribe({}))
  await settled()
  const more = stage.ask(owner, documentsSubscribe({}))
  assert.deepEqual(
    [more.answer?.status, more.answer?.headers.find(([name]) => name === 'Retry-After')?.[0]],
    [503, 'Retry-After'],
  )
  stage.ask(owner, subscribe())
  await settled()
  assert.equal(owner.presentity(ALICE)?.subscriptions.size, 33)
})

test('subscriptions with long selections fit into the records of a snapshot', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const selectors = Array.from({ length: 32 }, (_, i) => `pres-rules/users/${ALICE}/${'x'.repeat(60)}${i}`)
  for (let i = 0; i < 32; i++) stage.ask(owner, documentsSubscribe({ selectors }))
  await settled()
  const records = captureSnapshot({
    nowMs: 0,
    ordinal: 1,
    watermark: { sequence: 0n, lagging: [] },
    presentities: [owner.presentity(ALICE) ?? assert.fail('she is forgotten')],
    answers: [],
    notices: [],
    underWay: [],
  })
  for (const record of records) assert.ok(record.length < 250_000, `${record.length} octets`)
})
