import type { Impu } from '@rollcall/core'
import { childElements, parseXml, XmlError } from '@rollcall/xml'
import type { SubscribeOptions } from '../presence/subscription.ts'
import { MalformedUtAnswerError } from './errors.ts'
import { DOCUMENT_LIMITS } from './limits.ts'

/** What a notification says of one document. */
export interface DocumentChange {
  /** Path behind the XCAP root. */
  readonly selector: string
  /** As HTTP has them, in quotes. Absent before: it is new, or told for the first time. Absent after: it is gone. */
  readonly previousEtag: string | undefined
  readonly newEtag: string | undefined
}

const XCAP_DIFF = 'urn:ietf:params:xml:ns:xcap-diff'

/**
 * What to subscribe to in order to hear of every change of documents: paths behind the XCAP root; without any, all documents
 * that the user has at the notifier.
 *
 * @see RFC 5875 sections 4.2 to 4.4
 */
export function watchDocuments(identity: Impu, selectors: readonly string[]): SubscribeOptions {
  const subscription = {
    uri: identity,
    eventPackage: 'xcap-diff',
    eventParameter: 'diff-processing=no-patching',
  } as const
  if (selectors.length === 0) return subscription
  const entries = selectors.map(
    (selector) => `<entry uri="${selector.replaceAll('&', '&amp;').replaceAll('"', '%22')}"/>`,
  )
  const list =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>${entries.join('')}</list></resource-lists>`
  return {
    ...subscription,
    body: { contentType: 'application/resource-lists+xml', octets: Buffer.from(list) },
  }
}

/**
 * Reads the body of a notification.
 *
 * @throws MalformedUtAnswerError
 * @see RFC 5874 section 3
 */
export function readXcapDiff(octets: Buffer): readonly DocumentChange[] {
  try {
    const root = parseXml(octets, DOCUMENT_LIMITS)
    if (root.namespace !== XCAP_DIFF || root.name !== 'xcap-diff') throw new MalformedUtAnswerError('no xcap-diff')
    return childElements(root)
      .filter(({ namespace, name }) => namespace === XCAP_DIFF && name === 'document')
      .map(({ attributes }) => {
        const value = (wanted: string): string | undefined => attributes.find(({ name }) => name === wanted)?.value
        return {
          selector: value('sel') ?? '',
          previousEtag: quoted(value('previous-etag')),
          newEtag: quoted(value('new-etag')),
        }
      })
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause
    throw new MalformedUtAnswerError(`an xcap-diff that is no XML: ${cause.message}`, { cause })
  }
}

/** The attribute has it with or without its quotes. */
function quoted(etag: string | undefined): string | undefined {
  return etag === undefined || etag.includes('"') ? etag : `"${etag}"`
}
