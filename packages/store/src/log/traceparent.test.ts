import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTraceparent } from './traceparent.ts'

test('takes a traceparent of version 00 and nothing else (W3C Trace Context section 3.2)', () => {
  assert.ok(isTraceparent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'))
  for (const text of [
    '',
    '01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x',
  ]) {
    assert.ok(!isTraceparent(text), text)
  }
})
