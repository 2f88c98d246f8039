import { declarationText, type XmlElement } from '@rollcall/xml'
import { bindingsInScope } from './select.ts'

/** An element as text that means the same outside of its document: with the declarations that hold around it. */
export function standaloneText(element: XmlElement, octets: Buffer): string {
  const own = new Set(element.declarations.map(({ prefix }) => prefix))
  const around = bindingsInScope(element.parent).filter(({ prefix }) => !own.has(prefix))
  const name = octets.toString('utf8', element.start, element.nameEnd)
  return name + around.map(declarationText).join('') + octets.toString('utf8', element.nameEnd, element.end)
}
