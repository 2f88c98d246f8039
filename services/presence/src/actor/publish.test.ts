import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActorRun } from '../testing/actor-run.ts'
import { NO_BODY, pidf, publish, subscribe } from '../testing/inputs.ts'
import type { Decision } from './decision.ts'

const header = (decision: Decision, name: string): string | undefined =>
  decision.answer?.headers.find(([key]) => key === name)?.[1]

test('an initial PUBLISH stores a publication and names it (RFC 3903 section 6)', () => {
  const run = new ActorRun()
  const { decision, touched } = run.do(publish({ newEntityTag: 'e1' }))
  assert.equal(decision.answer?.status, 200)
  assert.equal(header(decision, 'SIP-ETag'), 'e1')
  assert.equal(header(decision, 'Expires'), '3600')
  assert.ok(touched.presence)
  assert.equal(run.state.publications.get('e1')?.expiresAtMs, run.nowMs + 3_600_000)
})

test('each success names the publication anew; the old name is unknown then (RFC 3903 section 6)', () => {
  const run = new ActorRun()
  run.do(publish({ newEntityTag: 'e1' }))
  const refreshed = run.do(publish({ entityTag: 'e1', newEntityTag: 'e2', body: NO_BODY, contentType: undefined }))
  assert.equal(refreshed.decision.answer?.status, 200)
  assert.ok(!refreshed.touched.presence, 'a refresh changes nothing that a watcher sees')
  const modified = run.do(publish({ entityTag: 'e2', newEntityTag: 'e3', body: pidf('away', 'closed') }))
  assert.ok(modified.touched.presence)
  assert.equal(run.status(publish({ entityTag: 'e2' })), 412)
  assert.equal(run.state.publications.size, 1)
  assert.equal(run.state.publications.get('e3')?.number, 1)
  const removed = run.do(publish({ entityTag: 'e3', expiresSeconds: 0, body: NO_BODY, contentType: undefined }))
  assert.equal(removed.decision.answer?.status, 200)
  assert.ok(removed.touched.presence)
  assert.equal(run.state.publications.size, 0)
})

test('refuses in the order tag, interval, body (RFC 3903 section 6)', () => {
  const run = new ActorRun()
  const all = { entityTag: 'none', expiresSeconds: 1, contentType: 'text/plain' }
  assert.equal(run.status(publish(all)), 412)
  assert.equal(run.status(publish({ ...all, entityTag: undefined })), 423)
  assert.equal(run.status(publish({ ...all, entityTag: undefined, expiresSeconds: 60 })), 415)
  assert.equal(run.log.length, 0)
})

test('refuses bodies that it does not take, and says what it takes (RFC 3903 section 6)', () => {
  const run = new ActorRun()
  assert.equal(run.status(publish({ body: NO_BODY })), 400)
  assert.equal(run.status(publish({ expiresSeconds: 0 })), 400)
  assert.equal(run.status(publish({ body: Buffer.from('<presence/>') })), 400)
  assert.equal(run.status(publish({ body: Buffer.alloc(32_769, 0x20) })), 413)
  const type = run.do(publish({ contentType: 'text/plain' })).decision
  assert.deepEqual([type.answer?.status, header(type, 'Accept')], [415, 'application/pidf+xml'])
  const encoding = run.do(publish({ isEncoded: true })).decision
  assert.deepEqual([encoding.answer?.status, header(encoding, 'Accept-Encoding')], [415, 'identity'])
})

test('grants 60 s to a day, an hour to who asks for nothing (readings, SIP hop 9)', () => {
  const run = new ActorRun()
  const brief = run.do(publish({ expiresSeconds: 59 })).decision
  assert.deepEqual([brief.answer?.status, header(brief, 'Min-Expires')], [423, '60'])
  assert.equal(header(run.do(publish({ expiresSeconds: 60 })).decision, 'Expires'), '60')
  assert.equal(header(run.do(publish({ expiresSeconds: 1e9 })).decision, 'Expires'), '86400')
  assert.equal(header(run.do(publish({ expiresSeconds: undefined })).decision, 'Expires'), '3600')
})

test('the seventeenth publication is one too many for now (readings, SIP hop 9)', () => {
  const run = new ActorRun()
  for (let i = 0; i < 16; i++) assert.equal(run.status(publish({ newEntityTag: `e${i}` })), 200)
  const full = run.do(publish()).decision
  assert.deepEqual([full.answer?.status, full.refusal, header(full, 'Retry-After')], [503, 'publications-full', '60'])
  assert.equal(run.status(publish({ entityTag: 'e3' })), 200, 'those that are there may change')
})

test('a publication that runs out is ended by the owner, and watchers are told (ARCHITECTURE, decision 4)', () => {
  const run = new ActorRun()
  run.do(subscribe())
  run.do(publish({ expiresSeconds: 60, newEntityTag: 'e1' }))
  run.nowMs += 60_000
  const { decision, touched } = run.do({ kind: 'expire' })
  assert.deepEqual(decision.changes, [{ kind: 'publication-removed', entityTag: 'e1', expired: true }])
  assert.ok(touched.presence)
  assert.equal(run.status(publish({ entityTag: 'e1' })), 412)
})
