import type { XmlLimits } from './limits.ts'
import type { NamespaceBinding } from './namespace-scope.ts'
import type { XmlElement, XmlText } from './tree.ts'
import { XmlScanner } from './xml-scanner.ts'

/** Room for an element while its end is not known yet. */
type Open = { -readonly [K in keyof XmlElement]: XmlElement[K] } & { children: (XmlElement | XmlText)[] }

/**
 * Reads a document as a tree whose parts know where they stand, for who looks for some of them or changes one: what the
 * scanner refuses is refused, DOCTYPE and its entities among it.
 *
 * @param outer declarations that hold around it, for an element that stands in another document.
 * @returns the root element.
 * @throws XmlError
 */
export function parseXml(octets: Buffer, limits: XmlLimits, outer: readonly NamespaceBinding[] = []): XmlElement {
  const xml = new XmlScanner(octets, limits, outer)
  let root: XmlElement | undefined
  const open: Open[] = []
  for (let token = xml.next(); token !== 'eof'; token = xml.next()) {
    switch (token) {
      case 'start': {
        const parent = open.at(-1)
        const element = elementAt(xml, parent)
        parent?.children.push(element)
        root ??= element
        open.push(element)
        break
      }
      case 'text':
        open.at(-1)?.children.push({ kind: 'text', text: xml.text(), start: xml.start, end: xml.end })
        break
      case 'end':
        close(open.pop(), xml)
        break
    }
  }
  return root ?? xml.fail('XML_MALFORMED', 'no element', 0)
}

function elementAt(xml: XmlScanner, parent: Open | undefined): Open {
  const { start, end } = xml
  // One literal, without a spread: there are thousands of them in a document.
  return {
    kind: 'element',
    name: xml.localName,
    prefix: xml.prefix,
    namespace: xml.namespace,
    attributes: xml.attributes,
    declarations: xml.declarations,
    parent,
    children: [],
    start,
    end,
    nameEnd: xml.nameEnd,
    contentStart: end,
    contentEnd: end,
  }
}

/** An empty-element tag ends where it began. */
function close(element: Open | undefined, { start, end }: XmlScanner): void {
  if (!element || end === element.end) return
  element.contentEnd = start
  element.end = end
}
