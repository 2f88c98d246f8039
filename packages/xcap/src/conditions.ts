/** Conditional headers of a request, as they came. */
export interface Conditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
}

/** What the conditions say: go on, 304 Not Modified, or 412 Precondition Failed. */
export type ConditionOutcome = 'met' | 'not-modified' | 'failed'

/**
 * Decides the conditions of a request. All parts of a document have its entity-tag, one that is yet to be made too: a client
 * that adds an element says by If-Match for which document. `*` asks whether the named part is there.
 *
 * @param etag of the document, without quotes; undefined when the resource that is named, document or part, is not there.
 * @param documentEtag of the document, when that is there, and the part may not be.
 * @see RFC 4825 sections 7.11 and 8.5; RFC 9110 section 13
 */
export function decideConditions(
  { ifMatch, ifNoneMatch }: Conditions,
  etag: string | undefined,
  isRead: boolean,
  documentEtag = etag,
): ConditionOutcome {
  const isAny = ifMatch?.trim() === '*'
  if (ifMatch !== undefined && !matches(ifMatch, isAny || isRead ? etag : documentEtag)) return 'failed'
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, etag)) return isRead ? 'not-modified' : 'failed'
  return 'met'
}

/** `Choice:` a tag without quotes is taken, too; a weak one matches nothing, for there are none here. */
function matches(field: string, etag: string | undefined): boolean {
  if (etag === undefined) return false
  return field.split(',').some((part) => {
    const tag = part.trim()
    return tag === '*' || tag === `"${etag}"` || tag === etag
  })
}
