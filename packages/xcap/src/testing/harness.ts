import { decideXcap, type StoredDocument, type XcapOutcome } from '../engine.ts'
import { parseXcapUri } from '../uri/xcap-uri.ts'
import type { XcapUsage } from '../usage.ts'

/** Namespace of the documents of `anyUsage`. */
export const ANY = 'urn:test:any'

/** An application usage that takes every well-formed document. */
export const anyUsage: XcapUsage = {
  auid: 'test',
  mediaType: 'application/test+xml',
  defaultNamespace: ANY,
  namespaces: [ANY],
  trees: ['users'],
  hasDocument: (name) => name === 'index',
  isWritable: true,
  validate: () => undefined,
}

/** One document and requests for it, as a server would keep it. */
export class Shelf {
  readonly #usage: XcapUsage
  readonly #path: string
  stored: StoredDocument | undefined
  #version = 0

  constructor(usage: XcapUsage, text?: string, name = 'index') {
    this.#usage = usage
    this.#path = `/${usage.auid}/users/sip:alice@example.com/${name}`
    if (text !== undefined) this.stored = { octets: Buffer.from(text), etag: 'v0' }
  }

  get text(): string | undefined {
    return this.stored?.octets.toString()
  }

  /** @param node node selector with its query, percent-encoded here where it must be. */
  ask(
    method: string,
    node?: string,
    o: { body?: string | Buffer; type?: string; ifMatch?: string; ifNoneMatch?: string } = {},
  ): XcapOutcome {
    const target = node === undefined ? this.#path : `${this.#path}/~~/${encoded(node)}`
    const uri = parseXcapUri(target)
    const { node: selector } = uri
    const own = selector?.kind === 'attribute' ? 'application/xcap-att+xml' : 'application/xcap-el+xml'
    const outcome = decideXcap(
      {
        method,
        uri,
        contentType: o.type ?? (selector ? own : this.#usage.mediaType),
        body: Buffer.from(o.body ?? ''),
        ifMatch: o.ifMatch,
        ifNoneMatch: o.ifNoneMatch,
      },
      this.stored,
      this.#usage,
      `v${++this.#version}`,
    )
    if (outcome.kind === 'write') this.stored = outcome.document
    return outcome
  }

  get(node?: string): string | number {
    const outcome = this.ask('GET', node)
    return outcome.kind === 'read' ? outcome.body.toString() : outcome.status
  }

  /** Status, and of a 409 the condition. */
  put(node: string | undefined, body: string): string {
    return spoken(this.ask('PUT', node, { body }))
  }

  delete(node?: string): string {
    return spoken(this.ask('DELETE', node))
  }
}

/** Status, and of a 409 what its body says. */
export function spoken(outcome: XcapOutcome): string {
  if (outcome.kind !== 'conflict') return String(outcome.status)
  const [, condition = ''] = /<xcap-error[^>]*><([a-z0-9-]+)/.exec(outcome.body.toString()) ?? []
  return `409 ${condition}`
}

function encoded(node: string): string {
  const [selector = '', query] = node.split('?')
  return encodeURI(selector) + (query === undefined ? '' : `?${encodeURI(query)}`)
}
