import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closedLoop } from './closed-loop.ts'

test('keeps so many under way, and no more', async () => {
  let underWay = 0
  let most = 0
  const report = await closedLoop({ outstanding: 3, until: { operations: 50 } }, (end) => {
    underWay += 1
    most = Math.max(most, underWay)
    setImmediate(() => {
      underWay -= 1
      end({ latencyMs: 2 })
    })
  })
  assert.equal(most, 3)
  assert.equal(underWay, 0)
  assert.equal(report.operations, 50)
  assert.equal(report.p50Ms, 2)
})

test('does again what was refused, and counts it', async () => {
  let starts = 0
  const report = await closedLoop({ outstanding: 2, until: { operations: 4 } }, (end) => {
    const isRefused = starts++ === 1
    setImmediate(() => end(isRefused ? { failure: '503' } : { latencyMs: 1 }))
  })
  assert.equal(report.operations, 4)
  assert.equal(starts, 5)
  assert.deepEqual(report.failures, { 503: 1 })
})

test('gives up when all is refused', async () => {
  const report = await closedLoop({ outstanding: 2, until: { operations: 2 } }, (end) => {
    setImmediate(() => end({ failure: '503' }))
  })
  assert.equal(report.operations, 0)
  assert.equal(report.failures['503'], 4)
})
