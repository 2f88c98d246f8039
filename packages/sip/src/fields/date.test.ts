import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuses } from '../testing/same-again.ts'
import { formatDate, parseDate, parseTimestamp } from './date.ts'

test('Date is GMT (the example of RFC 3261 section 20.17)', () => {
  const text = 'Sat, 13 Nov 2010 23:29:00 GMT'
  assert.equal(parseDate(text), Date.UTC(2010, 10, 13, 23, 29, 0))
  assert.equal(formatDate(parseDate(text) + 999), text)
  assert.equal(parseDate('Thu, 21 Feb 2002 13:02:03 GMT'), Date.UTC(2002, 1, 21, 13, 2, 3))
  assert.equal(formatDate(0), 'Thu, 01 Jan 1970 00:00:00 GMT')
})

test('another zone, another form, a day that there is not are refused (RFC 3261 section 20.17)', () => {
  refuses('Date', parseDate, [
    'Fri, 01 Jan 2010 16:00:00 EST',
    'Sat, 13 Nov 2010 23:29:00 +0000',
    'Sun, 13 Nov 2010 23:29:00 GMT',
    'Sat, 30 Feb 2010 23:29:00 GMT',
    'Sat, 13 Nov 2010 24:29:00 GMT',
    'Sat, 13 Nov 2010 23:29:60 GMT',
    'Sat, 13 Xyz 2010 23:29:00 GMT',
    'Saturday, 13-Nov-10 23:29:00 GMT',
    '13 Nov 2010 23:29:00 GMT',
    '',
  ])
})

test('Timestamp keeps the sender’s digits and tells the delay (the example of RFC 3261 section 20.38)', () => {
  assert.deepEqual(parseTimestamp('54'), { time: '54', delaySeconds: undefined })
  assert.deepEqual(parseTimestamp('54.50 0.25'), { time: '54.50', delaySeconds: 0.25 })
  assert.deepEqual(parseTimestamp('54 .5'), { time: '54', delaySeconds: 0.5 })
  refuses('Timestamp', parseTimestamp, ['', '.5', '-1', '54 x', '54 .', '1 2 3', '1e3'])
})
