/** Conditional headers of a request, as they came. */
export interface Conditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
}

/** What the conditions say: go on, 304 Not Modified, or 412 Precondition Failed. */
export type ConditionOutcome = 'met' | 'not-modified' | 'failed'

/**
 * Decides the conditions of a request.
 *
 * @param etag without quotes, of the resource that is named; undefined when it has none.
 * @see RFC 4825 section 7.11; RFC 4825 section 8.5; RFC 9110 section 13
 */
export function decideConditions(
  { ifMatch, ifNoneMatch }: Conditions,
  etag: string | undefined,
  isRead: boolean,
): ConditionOutcome {
  if (ifMatch !== undefined && !matches(ifMatch, etag)) return 'failed'
  if (ifNoneMatch !== undefined && matches(ifNoneMatch.replace(WEAK, ''), etag))
    return isRead ? 'not-modified' : 'failed'
  return 'met'
}

/** For If-None-Match a tag that something on the way has made weak is the same tag (RFC 9110 section 13.1.2). */
const WEAK = /(?<![^\s,])W\/(?=")/g

/** `Choice:` a tag without quotes is taken, too; for If-Match a weak one matches nothing (RFC 9110 section 13.1.1). */
function matches(field: string, etag: string | undefined): boolean {
  if (etag === undefined) return false
  return field.split(',').some((part) => {
    const tag = part.trim()
    return tag === '*' || tag === `"${etag}"` || tag === etag
  })
}
