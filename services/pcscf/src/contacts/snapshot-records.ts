import type { SealedTokenKey } from '../token/sealed-token-keys.ts'
import type { Contact } from './contact.ts'
import { encodeRecord } from './record.ts'

/**
 * The log's state as records: what a log that said just this would be read as. Contacts and keys never change, so they may be
 * encoded later than they were gathered.
 */
export function* snapshotRecords(
  contacts: readonly Contact[],
  keys: readonly SealedTokenKey[],
  atMs: number,
): Generator<Buffer, void, undefined> {
  for (const key of keys) yield encodeRecord({ kind: 'token-key-added', ...key }, { atMs, traceparent: '' })
  for (const contact of contacts) yield encodeRecord({ kind: 'contact-bound', contact }, { atMs, traceparent: '' })
}
