import { childElements, parseXml, type XmlElement } from '@rollcall/xml'
import { DOCUMENT_LIMITS } from '../ut/limits.ts'
import type { NafAnswer, NafRequest } from './fake-naf.ts'

/** One step of a node selector: `p:name[2][@id="x"]`. */
const STEP = /^(?:\w+:)?(\w+)(?:\[(\d+)\])?(?:\[@(\w+)="([^"]*)"\])?$/

/**
 * A document server of a test that holds one document: whole, or its elements by the selectors that our UE writes. Conditions
 * are those of HTTP.
 */
export class FakeXdms {
  document: string | undefined
  version = 0
  /** What changed, in its order. */
  readonly log: string[] = []
  /** Called before a request is looked at: where somebody else may be faster. */
  before: (request: NafRequest) => void = () => {}

  get etag(): string {
    return `"v${this.version}"`
  }

  /** Somebody else puts a document. */
  put(document: string | undefined): void {
    this.document = document
    this.version += 1
  }

  answer(request: NafRequest): NafAnswer {
    this.before(request)
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers
    if (ifMatch !== undefined && (this.document === undefined || ifMatch !== this.etag)) return { status: 412 }
    if (ifNoneMatch === '*' && this.document !== undefined) return { status: 412 }
    const node = request.path.split('/~~/')[1]?.split('?')[0]
    if (request.method !== 'GET') this.log.push(`${request.method} ${decodeURIComponent(node ?? 'document')}`)
    const status = node === undefined ? this.#whole(request) : this.#node(request, decodeURIComponent(node))
    if (request.method !== 'GET' && status < 300) this.version += 1
    const headers = { 'Content-Type': 'application/auth-policy+xml', ETag: this.etag }
    return { status, headers, ...(request.method === 'GET' && { body: Buffer.from(this.document ?? '') }) }
  }

  #whole({ method, body }: NafRequest): number {
    const was = this.document
    if (method === 'PUT') this.document = body.toString()
    if (method === 'PUT') return was === undefined ? 201 : 200
    if (was === undefined) return 404
    if (method === 'DELETE') this.document = undefined
    return 200
  }

  #node({ method, body }: NafRequest, selector: string): number {
    if (this.document === undefined) return 409
    const octets = Buffer.from(this.document)
    const steps = selector.split('/')
    const parent = select(octets, steps.slice(0, -1))
    if (parent === undefined) return 409
    const found = childrenOf(parent, steps.at(-1) ?? '')
    const [target] = found
    if (method === 'DELETE') {
      if (target === undefined || found.length > 1) return 404
      this.document = `${octets.subarray(0, target.start)}${octets.subarray(target.end)}`
      return 200
    }
    const name = STEP.exec(steps.at(-1) ?? '')?.[1]
    const last = childElements(parent).findLast((child) => child.name === name)
    const at = target?.start ?? last?.end ?? parent.contentEnd
    const isEmpty = parent.contentEnd === parent.end
    this.document = isEmpty
      ? `${octets.subarray(0, parent.end - 2)}>${body}</${nameOf(parent)}>${octets.subarray(parent.end)}`
      : `${octets.subarray(0, at)}${body}${octets.subarray(target?.end ?? at)}`
    return target === undefined ? 201 : 200
  }
}

function nameOf({ prefix, name }: XmlElement): string {
  return prefix === '' ? name : `${prefix}:${name}`
}

function select(octets: Buffer, steps: readonly string[]): XmlElement | undefined {
  const root = parseXml(octets, DOCUMENT_LIMITS)
  if (STEP.exec(steps[0] ?? '')?.[1] !== root.name) return undefined
  let element: XmlElement | undefined = root
  for (const step of steps.slice(1)) {
    const found: XmlElement[] = element === undefined ? [] : childrenOf(element, step)
    element = found.length === 1 ? found[0] : undefined
  }
  return element
}

function childrenOf(element: XmlElement, step: string): XmlElement[] {
  const [, name, nth, attribute, quoted = ''] = STEP.exec(step) ?? []
  const value = quoted.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&')
  const named = childElements(element).filter((child) => child.name === name)
  const chosen = nth === undefined ? named : named.slice(Number(nth) - 1, Number(nth))
  if (attribute === undefined) return chosen
  return chosen.filter(({ attributes }) => attributes.some((one) => one.name === attribute && one.value === value))
}
