import type { XcapOutcome } from '@rollcall/xcap'
import type { XcapAnswer } from './xcap-message.ts'

const NOTHING = Buffer.alloc(0)
/** Another terminal may change a document at any time: whoever keeps it asks each time (RFC 4825 section 9). */
const NO_CACHE = { 'cache-control': 'no-cache' } as const
/** Whoever finds a partition on its way, or the store away, comes again after this. */
const RETRY_AFTER_SECONDS = 1

/** What became of a request, as HTTP says it (RFC 4825 section 8; RFC 9110). */
export function answerOf(outcome: XcapOutcome): XcapAnswer {
  switch (outcome.kind) {
    case 'read': {
      const { mediaType, body, etag } = outcome
      return { status: 200, headers: { 'content-type': mediaType, etag: quoted(etag), ...NO_CACHE }, body }
    }
    case 'not-modified':
      return { status: 304, headers: { etag: quoted(outcome.etag), ...NO_CACHE }, body: NOTHING }
    case 'write': {
      const { document, status } = outcome
      return { status, headers: document ? { etag: quoted(document.etag) } : {}, body: NOTHING }
    }
    case 'conflict':
      return { status: 409, headers: { 'content-type': outcome.mediaType }, body: outcome.body }
    case 'refused':
      if (outcome.status === 405) return { status: 405, headers: { allow: outcome.allow }, body: NOTHING }
      if (outcome.status === 415) return { status: 415, headers: { accept: outcome.accept }, body: NOTHING }
      return refusal(outcome.status)
  }
}

/** An answer that says no more than its status; 503 asks to come again. */
export function refusal(status: number): XcapAnswer {
  return { status, headers: status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}, body: NOTHING }
}

function quoted(etag: string): string {
  return `"${etag}"`
}
