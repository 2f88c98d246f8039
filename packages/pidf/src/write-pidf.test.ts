import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary } from './pidf-summary.ts'
import { scanPidf } from './scan-pidf.ts'
import { writePidf } from './write-pidf.ts'

test('what a user agent writes is what a watcher reads (RFC 3863 section 4, RFC 4480 section 3.2)', () => {
  const bytes = writePidf({
    entity: 'sip:alice@ims.example.com',
    tupleId: 'phone',
    basic: 'open',
    contact: 'sip:alice@127.0.1.1',
    note: 'At "lunch" <in> T\u014dky\u014d & back ]]> soon\r\n\u0000',
    timestampMs: 1_700_000_000_000,
    activities: ['meal', 'on-the-phone'],
  })
  assert.doesNotThrow(() => scanPidf(bytes))
  assert.deepEqual(readPidfSummary(bytes), {
    entity: 'sip:alice@ims.example.com',
    tuples: [
      {
        id: 'phone',
        basic: 'open',
        contact: 'sip:alice@127.0.1.1',
        notes: ['At "lunch" <in> T\u014dky\u014d & back ]]> soon\r\n\ufffd'],
        timestamp: '2023-11-14T22:13:20.000Z',
      },
    ],
    notes: [],
    activities: ['meal', 'on-the-phone'],
  })
})

test('the smallest document is small', () => {
  const text = writePidf({ entity: 'sip:a@b', tupleId: 't', basic: 'closed' }).toString()
  assert.equal(
    text,
    '<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b">' +
      '<tuple id="t"><status><basic>closed</basic></status></tuple></presence>',
  )
})

test('refuses ids and activities that would break the document', () => {
  const base = { entity: 'sip:a@b', basic: 'open' } as const
  assert.throws(() => writePidf({ ...base, tupleId: '1"' }), RangeError)
  assert.throws(() => writePidf({ ...base, tupleId: 't', activities: ['a b'] }), RangeError)
})
