import { scanPidf } from '@rollcall/pidf'
import { XmlError } from '@rollcall/xml'
import { FULL_RETRY_AFTER_SECONDS, PUBLICATIONS_MAX, PUBLISH_BODY_BYTES_MAX } from '../limits.ts'
import type { Change } from './change.ts'
import { type Answer, type Decision, refuse } from './decision.ts'
import type { PresentityState } from './state.ts'
import { defaultExpiresSeconds, type Terms } from './terms.ts'

/** The one body type of the package (RFC 3856 section 6.5). */
export const PIDF_MEDIA_TYPE = 'application/pidf+xml'

/** A PUBLISH for the package `presence`, whose sender may publish for this presentity. */
export interface PublishInput {
  readonly kind: 'publish'
  /** SIP-If-Match. */
  readonly entityTag: string | undefined
  readonly expiresSeconds: number | undefined
  /** Media type, lower case, without parameters. */
  readonly contentType: string | undefined
  readonly isEncoded: boolean
  readonly body: Buffer
  /** Fresh: what becomes the SIP-ETag, and the tag of the answer. */
  readonly newEntityTag: string
  readonly newTag: string
}

/**
 * Decides a PUBLISH: the entity tag, the interval, then the body.
 *
 * `Choice:` an initial PUBLISH with `Expires: 0` is 400; the seventeenth publication is 503 with Retry-After, for one of
 * the others will run out; the document's own entity is not compared, since composition writes the presentity's.
 *
 * @see RFC 3903 section 6
 */
export function decidePublish(state: PresentityState, input: PublishInput, nowMs: number, terms: Terms): Decision {
  const { entityTag, newEntityTag, newTag } = input
  const earlier = entityTag === undefined ? undefined : state.publications.get(entityTag)
  if (entityTag !== undefined && !earlier) return refuse('entity-tag', newTag)

  const seconds = input.expiresSeconds ?? defaultExpiresSeconds(terms)
  if (seconds === 0) {
    if (!earlier) return refuse('bad-expires', newTag)
    const removed = { kind: 'publication-removed', entityTag: earlier.entityTag, expired: false } as const
    return { changes: [removed], answer: accepted(input, 0) }
  }
  if (seconds < terms.expiresSecondsMin) {
    return refuse('expires-too-brief', newTag, [['Min-Expires', String(terms.expiresSecondsMin)]])
  }
  const grantedSeconds = Math.min(seconds, terms.expiresSecondsMax)
  const expiresAtMs = nowMs + grantedSeconds * 1_000

  if (earlier && input.body.length === 0) {
    const replacedEntityTag = earlier.entityTag
    const refreshed = {
      kind: 'publication-refreshed',
      replacedEntityTag,
      entityTag: newEntityTag,
      expiresAtMs,
    } as const
    return { changes: [refreshed], answer: accepted(input, grantedSeconds) }
  }
  const refusal = refuseBody(input)
  if (refusal) return refusal
  // guard: publications-max — a presentity has a bounded number of publications
  if (!earlier && state.publications.size >= PUBLICATIONS_MAX) {
    return refuse('publications-full', newTag, [['Retry-After', String(FULL_RETRY_AFTER_SECONDS)]])
  }
  const number = earlier?.number ?? state.lastPublicationNumber + 1
  const stored: Change = {
    kind: 'publication-stored',
    number,
    replacedEntityTag: earlier?.entityTag,
    entityTag: newEntityTag,
    expiresAtMs,
    body: input.body,
  }
  return { changes: [stored], answer: accepted(input, grantedSeconds) }
}

function accepted(input: PublishInput, expiresSeconds: number): Answer {
  return {
    status: 200,
    headers: [
      ['SIP-ETag', input.newEntityTag],
      ['Expires', String(expiresSeconds)],
    ],
    toTag: input.newTag,
  }
}

function refuseBody({ body, contentType, isEncoded, newTag }: PublishInput): Decision | undefined {
  if (body.length === 0) return refuse('body-missing', newTag)
  if (isEncoded) return refuse('body-type', newTag, [['Accept-Encoding', 'identity']])
  if (contentType !== PIDF_MEDIA_TYPE) return refuse('body-type', newTag, [['Accept', PIDF_MEDIA_TYPE]])
  if (body.length > PUBLISH_BODY_BYTES_MAX) return refuse('body-too-large', newTag)
  try {
    scanPidf(body)
    return undefined
  } catch (error) {
    if (error instanceof XmlError) return refuse('body-malformed', newTag, [], error.code)
    throw error
  }
}
