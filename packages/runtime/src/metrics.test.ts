import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'
import { METRICS } from './names.ts'

test('a counter shows each series from 0 on, with the labels of the registry', async () => {
  const metrics = createMetrics('hss')
  metrics.counter('rollcall_hss_refused_total', { reason: 'unknown-user' })
  metrics.counter('rollcall_hss_refused_total', { reason: 'a"b' }).add()
  metrics.counter('rollcall_hss_refused_total', { reason: 'a"b' }).add(2)
  const text = await metrics.expose()
  assert.match(text, /^# TYPE rollcall_hss_refused_total counter$/m)
  assert.match(text, /^rollcall_hss_refused_total\{reason="unknown-user"\} 0$/m)
  assert.match(text, /^rollcall_hss_refused_total\{reason="a\\"b"\} 3$/m)
  await metrics.shutdown()
})

test('a gauge is read at the scrape, and at 0 when nobody reads it any more', async () => {
  const metrics = createMetrics('hss')
  let pending = 1
  const gauge = metrics.gauge('rollcall_hop_pending', { peer: 'scscf' }, () => pending)
  pending = 7
  assert.match(await metrics.expose(), /^rollcall_hop_pending\{peer="scscf"\} 7$/m)
  gauge.release()
  assert.match(await metrics.expose(), /^rollcall_hop_pending\{peer="scscf"\} 0$/m)
  await metrics.shutdown()
})

test('a histogram has the buckets of the registry', async () => {
  const metrics = createMetrics('hss')
  metrics.histogram('rollcall_hop_batch_messages', { direction: 'request' }).record(3)
  const text = await metrics.expose()
  assert.match(text, /^rollcall_hop_batch_messages_bucket\{direction="request",le="2"\} 0$/m)
  assert.match(text, /^rollcall_hop_batch_messages_bucket\{direction="request",le="4"\} 1$/m)
  assert.match(text, /^rollcall_hop_batch_messages_sum\{direction="request"\} 3$/m)
  await metrics.shutdown()
})

test('labels with ever new values end in one series of the rest', async () => {
  const metrics = createMetrics('hss')
  for (let i = 0; i < 1_500; i++) metrics.counter('rollcall_hss_refused_total', { reason: `r${i}` }).add()
  const text = await metrics.expose()
  assert.match(text, /^rollcall_hss_refused_total\{reason="overflow"\} 500$/m)
  assert.equal(text.match(/^rollcall_hss_refused_total\{/gm)?.length, 1_001)
  await metrics.shutdown()
})

test('every name in the exposition is in the registry, and every name is well made', async () => {
  const metrics = createMetrics('hss')
  const text = await metrics.expose()
  const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map((match) => String(match[1]))
  assert.ok(names.includes('process_cpu_seconds_total'))
  assert.deepEqual(
    names.filter((name) => !(name in METRICS)),
    [],
  )
  for (const [name, { kind, help, labels }] of Object.entries(METRICS)) {
    assert.match(name, /^(?:rollcall|process)_[a-z0-9_]+$/)
    assert.equal(name.endsWith('_total'), kind === 'counter', name)
    assert.ok(help.length > 0)
    for (const label of labels) assert.doesNotMatch(label, /imp[iu]|watcher|presentity|call_id|branch/)
  }
  await metrics.shutdown()
})
