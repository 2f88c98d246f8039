import type { Impu } from '@rollcall/core'
import { childElements, parseXml, XmlError } from '@rollcall/xml'
import { MalformedUtAnswerError, XcapConditionError, XcapNotFoundError, XcapRefusedError } from './errors.ts'
import { type HttpAnswer, retryAfterOf } from './http-exchange.ts'
import { DOCUMENT_LIMITS } from './limits.ts'
import type { UaClient } from './ua-client.ts'

/** What is at a selector. */
export interface XcapResource {
  readonly body: Buffer
  readonly contentType: string
  /** That of the whole document, in quotes as it came. */
  readonly etag: string | undefined
}

export interface XcapConditions {
  /** Only if the document is this one; `*`: only if there is something. */
  readonly ifMatch?: string | undefined
  /** Only if it is not this one; `*`: only if there is nothing. */
  readonly ifNoneMatch?: string | undefined
}

export interface XcapWritten {
  readonly isNew: boolean
  readonly etag: string | undefined
}

export const XCAP_ELEMENT = 'application/xcap-el+xml'
export const XCAP_ATTRIBUTE = 'application/xcap-att+xml'

/**
 * Documents and their nodes at the XDM servers behind the Authentication Proxy. A selector is the path behind the XCAP root,
 * encoded (`selectorPath`, `userDocument`, `nodeSelector`).
 *
 * Each method throws XcapNotFoundError for a 404, XcapConditionError for a 412, XcapRefusedError for other refusals, and what
 * `UaClient.request` throws.
 *
 * @see RFC 4825 section 7, TS 24.141 clause 6
 */
export class XcapClient {
  readonly #ua: UaClient
  readonly #rootPath: string
  readonly #identity: Impu

  /** `identity` is the XUI that the UE asks to be. */
  constructor(ua: UaClient, o: { readonly rootPath: string; readonly identity: Impu }) {
    this.#ua = ua
    this.#rootPath = o.rootPath
    this.#identity = o.identity
  }

  /** @see RFC 4825 section 7.3 */
  async get(selector: string, conditions: XcapConditions = {}): Promise<XcapResource> {
    const answer = await this.#send('GET', selector, conditions)
    const contentType = answer.header('Content-Type')
    if (contentType === undefined) throw new MalformedUtAnswerError('a document without Content-Type')
    return { body: answer.body, contentType, etag: answer.header('ETag') }
  }

  /** @see RFC 4825 sections 7.1, 7.4 and 7.7 */
  async put(
    selector: string,
    o: XcapConditions & { readonly body: Buffer; readonly contentType: string },
  ): Promise<XcapWritten> {
    const answer = await this.#send('PUT', selector, o, o)
    return { isNew: answer.status === 201, etag: answer.header('ETag') }
  }

  /** @see RFC 4825 sections 7.2, 7.5 and 7.8 */
  async delete(selector: string, conditions: XcapConditions = {}): Promise<XcapWritten> {
    const answer = await this.#send('DELETE', selector, conditions)
    return { isNew: false, etag: answer.header('ETag') }
  }

  async #send(
    method: 'GET' | 'PUT' | 'DELETE',
    selector: string,
    { ifMatch, ifNoneMatch }: XcapConditions,
    content?: { readonly body: Buffer; readonly contentType: string },
  ): Promise<HttpAnswer> {
    const answer = await this.#ua.request({
      method,
      path: `${this.#rootPath}${selector}`,
      headers: {
        // TS 24.109 clause 7.2 and annex G: in quotation marks.
        'X-3GPP-Intended-Identity': `"${this.#identity}"`,
        ...(ifMatch !== undefined && { 'If-Match': ifMatch }),
        ...(ifNoneMatch !== undefined && { 'If-None-Match': ifNoneMatch }),
        ...(content && { 'Content-Type': content.contentType }),
      },
      body: content?.body,
    })
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer)
    return answer
  }
}

function refusalOf(answer: HttpAnswer): XcapRefusedError {
  const { status, reason } = answer
  const about = { status, reason, retryAfterSeconds: retryAfterOf(answer), ...readXcapError(answer) }
  if (status === 404) return new XcapNotFoundError(about)
  if (status === 412) return new XcapConditionError(about)
  return new XcapRefusedError(about)
}

/** What an xcap-error document says (RFC 4825 section 11); whatever else is in the body says nothing. */
function readXcapError(answer: HttpAnswer): { condition?: string; phrase?: string | undefined } {
  if (!answer.header('Content-Type')?.startsWith('application/xcap-error+xml')) return {}
  try {
    const root = parseXml(answer.body, DOCUMENT_LIMITS)
    const [error] = childElements(root)
    if (error === undefined) return {}
    return { condition: error.name, phrase: error.attributes.find(({ name }) => name === 'phrase')?.value }
  } catch (error) {
    if (error instanceof XmlError) return {}
    throw error
  }
}
