import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDateTime, parseDateTime } from './date-time.ts'

test('reads xs:dateTime (XML Schema part 2 section 3.2.7)', () => {
  const cases: [string, number | undefined][] = [
    ['2026-10-27T16:49:29Z', Date.UTC(2026, 9, 27, 16, 49, 29)],
    ['2026-10-27T16:49:29', Date.UTC(2026, 9, 27, 16, 49, 29)],
    ['2026-10-27T16:49:29.2567+02:00', Date.UTC(2026, 9, 27, 14, 49, 29, 256)],
    ['2026-12-31T24:00:00Z', Date.UTC(2027, 0, 1)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['2026-02-29T00:00:00Z', undefined],
    ['2026-13-01T00:00:00Z', undefined],
    ['2026-01-01T25:00:00Z', undefined],
    ['2026-01-01', undefined],
    ['2026-1-1T00:00:00Z', undefined],
    ['now', undefined],
  ]
  for (const [text, ms] of cases) assert.equal(parseDateTime(text), ms, text)
  assert.equal(parseDateTime(formatDateTime(1_700_000_000_123)), 1_700_000_000_123)
})
