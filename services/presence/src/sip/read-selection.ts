import type { Impu } from '@rollcall/core'
import { event, paramValue, type SipRequest } from '@rollcall/sip'
import { parseXcapDiffResources, XCAP_DIFF_RESOURCES_MEDIA_TYPE, XcapDiffResourcesError } from '@rollcall/xcap'
import { USER_USAGES } from '../actor/documents.ts'
import { DIFF_PROCESSINGS, everything, isTooMuch, ownSelectors, type XcapSelection } from '../actor/xcap-selection.ts'
import { isEncoded, mediaType } from './fields.ts'

/** Whose documents a SUBSCRIBE is about. */
export interface SelectionContext {
  /** XCAP root, with a slash at its end. */
  readonly root: string
  readonly resource: Impu
  /** The user's own identities. */
  readonly identities: readonly Impu[]
}

/**
 * Reads which documents a SUBSCRIBE to `xcap-diff` is about. `Choice:` without a body it is all that its user has here;
 * without `diff-processing`, or with one that is not known, notifications have entity-tags alone: who wants more says so.
 *
 * @returns why not: `type` for a body of another kind, `malformed` for one that is no list, `too-much` for one without bounds.
 * @see RFC 5875 sections 4.3 and 4.4
 */
export function readSelection(
  request: SipRequest,
  { root, resource, identities }: SelectionContext,
): XcapSelection | 'type' | 'malformed' | 'too-much' {
  const asked = paramValue(event(request).params, 'diff-processing')
  const processing = DIFF_PROCESSINGS.find((one) => one === asked) ?? 'no-patching'
  if (request.body.length === 0) {
    const auids = USER_USAGES.map(({ auid }) => auid)
    return { root, selectors: everything(auids, resource), processing }
  }
  if (mediaType(request) !== XCAP_DIFF_RESOURCES_MEDIA_TYPE || isEncoded(request)) return 'type'
  try {
    const selectors = ownSelectors(parseXcapDiffResources(request.body, root), identities)
    return isTooMuch(selectors) ? 'too-much' : { root, selectors, processing }
  } catch (error) {
    if (error instanceof XcapDiffResourcesError) {
      return error.code === 'XCAP_DIFF_TOO_MUCH' ? 'too-much' : 'malformed'
    }
    throw error
  }
}
