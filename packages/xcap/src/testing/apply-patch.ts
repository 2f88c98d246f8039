import assert from 'node:assert/strict'
import { childElements, decodeReferences, parseXml, type XmlElement, type XmlText } from '@rollcall/xml'
import { DOCUMENT_LIMITS } from '../usage.ts'

const DIFF_LIMITS = { ...DOCUMENT_LIMITS, bytesMax: 1_048_576 }

/**
 * A client's side of RFC 5261, written apart from what makes patches: takes the operations in the only `document` of an
 * xcap-diff and does them, one after the other, on the octets of the document that it has.
 */
export function applyDiff(document: Buffer, diff: Buffer): Buffer {
  const [told] = childElements(parseXml(diff, DIFF_LIMITS))
  assert.ok(told)
  return childElements(told).reduce((octets, operation) => applied(octets, operation, diff), document)
}

/** Canonical XML with comments, nearly: what two documents must have alike to be one to a client (RFC 5874 section 1). */
export function canonical(octets: Buffer): string {
  return canonicalElement(parseXml(octets, DOCUMENT_LIMITS), octets)
}

function applied(octets: Buffer, operation: XmlElement, diff: Buffer): Buffer {
  if (operation.name === 'body-not-changed') return octets
  const attribute = (wanted: string): string | undefined =>
    operation.attributes.find(({ name, namespace }) => name === wanted && namespace === '')?.value
  const [path = '', attributeName] = (attribute('sel') ?? '').split('/@')
  const target = located(parseXml(octets, DOCUMENT_LIMITS), path)
  const content = diff.subarray(operation.contentStart, operation.contentEnd)
  const text = textIn(operation)
  switch (operation.name) {
    case 'add': {
      const type = attribute('type')
      if (type === undefined) return added(octets, target, attribute('pos'), content)
      assert.ok(type.startsWith('@') && !target.attributes.some(({ name }) => name === type.slice(1)))
      return spliced(octets, target.nameEnd, target.nameEnd, ` ${type.slice(1)}="${quoted(text)}"`)
    }
    case 'replace': {
      if (attributeName === undefined) return spliced(octets, target.start, target.end, content)
      const { valueStart, end } = attributeOf(target, attributeName)
      return spliced(octets, valueStart - 1, end, `"${quoted(text)}"`)
    }
    case 'remove': {
      if (attributeName === undefined) return removed(octets, target, attribute('ws'))
      const { start, end } = attributeOf(target, attributeName)
      return spliced(octets, start, end, '')
    }
    default:
      assert.fail(`no operation: ${operation.name}`)
  }
}

function located(root: XmlElement, path: string): XmlElement {
  const [first, ...steps] = path.split('/')
  assert.equal(first, '*')
  return steps.reduce((element, step) => {
    const position = Number(/^\*\[(\d+)\]$/.exec(step)?.[1])
    const found = childElements(element)[position - 1]
    assert.ok(found, `nothing is at ${path}`)
    return found
  }, root)
}

function added(octets: Buffer, target: XmlElement, pos: string | undefined, content: Buffer): Buffer {
  if (pos === 'before') return spliced(octets, target.start, target.start, content)
  if (pos === 'after') return spliced(octets, target.end, target.end, content)
  if (target.contentStart === target.end) {
    const name = octets.toString('utf8', target.start + 1, target.nameEnd)
    return spliced(octets, target.end - 2, target.end, `>${content.toString()}</${name}>`)
  }
  const at = pos === 'prepend' ? target.contentStart : target.contentEnd
  return spliced(octets, at, at, content)
}

function removed(octets: Buffer, target: XmlElement, ws: string | undefined): Buffer {
  const siblings = target.parent?.children ?? []
  const at = siblings.indexOf(target)
  const blank = (sibling: XmlElement | XmlText | undefined): XmlText => {
    assert.ok(sibling?.kind === 'text' && /^[ \t\r\n]+$/.test(sibling.text), 'no white space to take')
    return sibling
  }
  const start = ws === 'before' || ws === 'both' ? blank(siblings[at - 1]).start : target.start
  const end = ws === 'after' || ws === 'both' ? blank(siblings[at + 1]).end : target.end
  assert.ok(start === target.start || blank(siblings[at - 1]).end === target.start, 'a comment is between')
  assert.ok(end === target.end || blank(siblings[at + 1]).start === target.end, 'a comment is between')
  return spliced(octets, start, end, '')
}

function attributeOf(element: XmlElement, wanted: string): XmlElement['attributes'][number] {
  const found = element.attributes.find(({ name, namespace }) => name === wanted && namespace === '')
  assert.ok(found)
  return found
}

function spliced(octets: Buffer, start: number, end: number, text: string | Buffer): Buffer {
  return Buffer.concat([octets.subarray(0, start), Buffer.from(text), octets.subarray(end)])
}

function textIn({ children }: XmlElement): string {
  return children.map((child) => (child.kind === 'text' ? child.text : '')).join('')
}

function quoted(text: string): string {
  return text.replace(/[&<"\t\r\n]/g, (char) => `&#${char.charCodeAt(0)};`)
}

function canonicalElement(element: XmlElement, octets: Buffer): string {
  const declarations = element.declarations.map(({ prefix, uri }) => `xmlns:${prefix}=${JSON.stringify(uri)}`)
  const attributes = element.attributes.map(
    ({ prefix, namespace, name, value }) => `${prefix}{${namespace}}${name}=${JSON.stringify(value)}`,
  )
  const start = [`${element.prefix}{${element.namespace}}${element.name}`, ...declarations.sort(), ...attributes.sort()]
  let [inner, at] = ['', element.contentStart]
  for (const child of childElements(element)) {
    inner += canonicalText(octets.toString('utf8', at, child.start)) + canonicalElement(child, octets)
    at = child.end
  }
  return `<${start.join(' ')}>${inner}${canonicalText(octets.toString('utf8', at, element.contentEnd))}</>`
}

/** Comments as they are, of all forms of text one. */
function canonicalText(raw: string): string {
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return raw.replace(/<!--.*?-->|<!\[CDATA\[(.*?)\]\]>|([^<]+)/gs, (all, cdata?: string, text?: string) => {
    if (cdata !== undefined) return escaped(cdata)
    return text === undefined ? all : escaped(decodeReferences(text.replaceAll('\r\n', '\n')))
  })
}
