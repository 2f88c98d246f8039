import assert from 'node:assert/strict'
import test from 'node:test'
import type { StorySpan } from './stack.ts'
import { renderWaterfall } from './waterfall.ts'

function span(o: Partial<StorySpan> & Pick<StorySpan, 'spanId' | 'name' | 'service' | 'startMs' | 'endMs'>): StorySpan {
  return { traceId: 't', parentSpanId: '', links: [], failed: false, ...o }
}

test('a trace is drawn with parents above children, indented, each bar in its place', () => {
  const spans = [
    span({ service: 'presence', spanId: 'c', parentSpanId: 'b', name: 'SIP SUBSCRIBE', startMs: 1030, endMs: 1080 }),
    span({ service: 'pcscf', spanId: 'a', name: 'SIP SUBSCRIBE', startMs: 1000, endMs: 1096 }),
    span({ service: 'presence', spanId: 'd', parentSpanId: 'c', name: 'store append', startMs: 1050, endMs: 1078.5 }),
    span({ service: 'scscf', spanId: 'b', parentSpanId: 'a', name: 'SIP SUBSCRIBE', startMs: 1010, endMs: 1090 }),
    span({
      service: 'scscf',
      spanId: 'e',
      parentSpanId: 'b',
      name: 'scscf filter criteria',
      startMs: 1012,
      endMs: 1012.1,
    }),
  ]
  assert.deepEqual(renderWaterfall('SUBSCRIBE', spans), [
    'SUBSCRIBE, 96.0 ms',
    '  pcscf     SIP SUBSCRIBE              ▕████████████████████████████████████████████████▏    96.0 ms',
    '  scscf       SIP SUBSCRIBE            ▕·····████████████████████████████████████████···▏    80.0 ms',
    '  scscf         scscf filter criteria  ▕······█·········································▏     0.1 ms',
    '  presence      SIP SUBSCRIBE          ▕···············█████████████████████████········▏    50.0 ms',
    '  presence        store append         ▕·························███████████████········▏    28.5 ms',
  ])
})

test('a span whose parent is missing stands at the left; a failed one says so; a long name is cut', () => {
  const lines = renderWaterfall('x', [
    span({
      service: 's',
      spanId: 'a',
      parentSpanId: 'gone',
      name: `n${'-'.repeat(60)}`,
      startMs: 5,
      endMs: 5,
      failed: true,
    }),
  ])
  assert.equal(lines[0], 'x, 0.0 ms')
  assert.match(lines[1] ?? '', /^ {2}s {2}… n-{42}… {2}▕█·{47}▏ {5}0\.0 ms {2}failed$/)
})

test('spans in a circle are drawn as nothing, and nothing hangs', () => {
  const circle = [
    span({ service: 's', spanId: 'a', parentSpanId: 'b', name: 'x', startMs: 0, endMs: 1 }),
    span({ service: 's', spanId: 'b', parentSpanId: 'a', name: 'y', startMs: 0, endMs: 1 }),
  ]
  assert.deepEqual(renderWaterfall('x', circle), ['x', '  (no spans)'])
  assert.deepEqual(renderWaterfall('x', []), ['x', '  (no spans)'])
})
